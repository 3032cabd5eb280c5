-- What a machine starts with has a number that grows with every change; the machine keeps the number that it was
-- started with. They differ: the machine has to be started again for the change to take effect.
ALTER TABLE tenants ADD COLUMN environment_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN machine_environment BIGINT NOT NULL DEFAULT 0;

-- 1 while a subscription is paused because its tenant was suspended, and not by the payment provider.
ALTER TABLE subscriptions ADD COLUMN paused_by_suspend BIGINT NOT NULL DEFAULT 0;
