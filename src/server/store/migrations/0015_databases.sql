-- Where a tenant's database is, `simulated` or `postgres`; nothing before it is made.
ALTER TABLE tenants ADD COLUMN database_kind TEXT;
-- 1 while people outside may log in to it.
ALTER TABLE tenants ADD COLUMN external_db_access BIGINT NOT NULL DEFAULT 0;

-- A rotation that was begun: the new password, sealed, is here before the database learns it, so that whatever breaks
-- off, the tenant ends with one password that works. One row per tenant; the end of the rotation deletes it.
CREATE TABLE rotations (
    tenant_id TEXT PRIMARY KEY REFERENCES tenants (id),
    id TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at TEXT NOT NULL
);
