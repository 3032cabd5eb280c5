-- A sign-in that has begun and is not over: from the moment a client asks where to send the browser until the browser
-- comes back. Its one-time id is kept as a hash, and what belongs to it (the form's nonce, or the PKCE verifier) sealed.
CREATE TABLE sign_ins (
    id_hash TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    secret TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE INDEX sign_ins_by_end ON sign_ins (expires_at);

-- Who somebody is at a login provider. The provider's id of a person never changes hands; an e-mail address may.
CREATE TABLE identities (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_login_at TEXT NOT NULL,
    PRIMARY KEY (provider, subject)
);

CREATE INDEX identities_by_user ON identities (user_id);
