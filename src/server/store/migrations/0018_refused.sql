-- When Paddle was told last to pause or to resume: what it says of that afterwards is no news.
ALTER TABLE subscriptions ADD COLUMN pause_told_at TEXT;
ALTER TABLE subscriptions ADD COLUMN resume_told_at TEXT;

-- Subscriptions at Paddle that were paid and got nothing here: Paddle is told to end them, so that nobody goes on paying.
-- Apart from `subscriptions`, because the checkout that they name may still be paid rightly.
CREATE TABLE unwanted_subscriptions (
    paddle_subscription_id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    told_at TEXT
);
