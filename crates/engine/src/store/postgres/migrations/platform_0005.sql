-- Sessions are listed, limited and end when they lie idle; what proves a password dies with the account's epoch; a reply
-- that was lost can be told again.

-- Raised when everything given out on the password until then is to end. What was given out holds the number it was then.
ALTER TABLE insula.account ADD COLUMN credential_epoch bigint NOT NULL DEFAULT 0;

ALTER TABLE insula.session
    ADD COLUMN credential_epoch bigint NOT NULL DEFAULT 0,
    -- To the minute.
    ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
    -- What signed in and from which network, as its owner is shown it: a browser's name, an address without its last part.
    ADD COLUMN device text NOT NULL DEFAULT '',
    ADD COLUMN address text NOT NULL DEFAULT '';
UPDATE insula.session SET last_used_at =
    coalesce((SELECT max(issued_at) FROM insula.refresh_token WHERE session_id = session.id), created_at);

-- The successor itself for a few seconds, sealed under a key that only the token of this row makes.
ALTER TABLE insula.refresh_token ADD COLUMN successor_sealed bytea;
CREATE INDEX refresh_token_sealed ON insula.refresh_token (used_at) WHERE successor_sealed IS NOT NULL;
