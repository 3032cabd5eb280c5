-- What the payment provider tells is kept first and worked off afterwards. `state`: `waiting`, `done`, `refused`, or
-- `early` for news about a subscription that nobody knows yet.
ALTER TABLE webhook_events ADD COLUMN state TEXT NOT NULL DEFAULT 'done';
ALTER TABLE webhook_events ADD COLUMN occurred_at TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_events ADD COLUMN subject TEXT;
ALTER TABLE webhook_events ADD COLUMN body TEXT;
ALTER TABLE webhook_events ADD COLUMN note TEXT;
CREATE INDEX webhook_events_by_state ON webhook_events (state, occurred_at);

ALTER TABLE subscriptions ADD COLUMN price_id TEXT NOT NULL DEFAULT '';
ALTER TABLE subscriptions ADD COLUMN current_period_end TEXT;
ALTER TABLE subscriptions ADD COLUMN cancel_at_period_end BIGINT NOT NULL DEFAULT 0;
-- `sandbox` or `paddle`, and what the latter still has to be told: `cancel`, `pause` or `resume`.
ALTER TABLE subscriptions ADD COLUMN provider TEXT NOT NULL DEFAULT 'sandbox';
ALTER TABLE subscriptions ADD COLUMN owed TEXT;

-- The tenant that a session is to give another plan; a session without one makes a tenant.
ALTER TABLE checkout_sessions ADD COLUMN for_tenant TEXT;
ALTER TABLE checkout_sessions ADD COLUMN provider TEXT NOT NULL DEFAULT 'sandbox';
