-- What machines used. `width` 0: as it was sampled, kept for hours; otherwise the seconds that a row stands for, kept for
-- days. `at` is seconds since 1970, the beginning of that time; the processor's share is in hundredths of a percent.
CREATE TABLE machine_usage (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    width BIGINT NOT NULL,
    at BIGINT NOT NULL,
    cpu BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    volume_bytes BIGINT,
    network_rx BIGINT NOT NULL,
    network_tx BIGINT NOT NULL,
    uptime_seconds BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant_id, width, at)
);

CREATE INDEX machine_usage_by_age ON machine_usage (width, at);
