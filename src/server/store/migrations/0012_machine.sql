-- Which operation owns the tenant: one that was overtaken by another finds a name here that is not its own.
ALTER TABLE tenants ADD COLUMN operation TEXT;

-- What could not be removed. It is tried again, with growing pauses, until it is gone.
CREATE TABLE leftovers (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE INDEX leftovers_by_time ON leftovers (next_at);
