-- Names of their own that tenants answer at. A name is one tenant's, and a tenant has one.
CREATE TABLE custom_domains (
    domain TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL UNIQUE REFERENCES tenants (id),
    status TEXT NOT NULL,
    message TEXT,
    created_at TEXT NOT NULL,
    checked_at TEXT,
    verified_at TEXT
);
