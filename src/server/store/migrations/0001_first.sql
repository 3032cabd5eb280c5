-- Plain SQL that SQLite and Postgres both understand: TEXT for ids and RFC 3339 times (UTC, fixed
-- width, so they sort), BIGINT for numbers, 0 and 1 for yes and no.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE REFERENCES users (id),
    status TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE checkout_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    plan_id TEXT NOT NULL,
    price_id TEXT NOT NULL,
    region TEXT NOT NULL,
    redirect_uri TEXT,
    transaction_id TEXT NOT NULL UNIQUE,
    form_nonce TEXT NOT NULL,
    status TEXT NOT NULL,
    tenant_id TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE TABLE webhook_events (
    event_id TEXT PRIMARY KEY,
    event_type TEXT NOT NULL,
    received_at TEXT NOT NULL
);

CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    paddle_subscription_id TEXT NOT NULL UNIQUE,
    transaction_id TEXT NOT NULL UNIQUE,
    checkout_session_id TEXT NOT NULL UNIQUE REFERENCES checkout_sessions (id),
    plan_id TEXT NOT NULL,
    status TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    current_period_start TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    owner_customer_id TEXT NOT NULL REFERENCES customers (id),
    subscription_id TEXT NOT NULL UNIQUE REFERENCES subscriptions (id),
    checkout_session_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    region TEXT NOT NULL,
    memory_mb BIGINT NOT NULL,
    volume_gb BIGINT NOT NULL,
    app TEXT NOT NULL UNIQUE,
    database_name TEXT NOT NULL UNIQUE,
    user_name TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    port BIGINT UNIQUE,
    phase TEXT NOT NULL,
    machine_id TEXT,
    volume_id TEXT,
    image_digest TEXT,
    deployed_at TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE INDEX tenants_by_owner ON tenants (owner_customer_id);

-- The credentials that can be read once. One row per tenant; reading deletes it.
CREATE TABLE tenant_secrets (
    tenant_id TEXT PRIMARY KEY REFERENCES tenants (id),
    token TEXT NOT NULL,
    database_url TEXT NOT NULL,
    jwt_secret TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- What every machine of the tenant gets in its environment; values are sealed.
CREATE TABLE app_secrets (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE events (
    stream TEXT NOT NULL,
    seq BIGINT NOT NULL,
    operation TEXT NOT NULL,
    event_type TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
);

CREATE TABLE journal (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    seq BIGINT NOT NULL,
    operation TEXT NOT NULL,
    step TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT,
    at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    image TEXT NOT NULL,
    digest TEXT NOT NULL,
    status TEXT NOT NULL,
    machine_id TEXT,
    error TEXT,
    created_at TEXT NOT NULL,
    finished_at TEXT
);

CREATE INDEX deployments_by_tenant ON deployments (tenant_id, created_at);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tenant_id TEXT,
    action TEXT NOT NULL
);
