-- Sessions are listed, limited and end when they lie idle; what proves a password dies with the account's epoch; a reply
-- that was lost can be told again.

-- Raised when everything given out on the password until then is to end. What was given out holds the number it was then.
ALTER TABLE account ADD COLUMN credential_epoch INTEGER NOT NULL DEFAULT 0;

ALTER TABLE session ADD COLUMN credential_epoch INTEGER NOT NULL DEFAULT 0;
-- To the minute.
ALTER TABLE session ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
-- What signed in and from which network, as its owner is shown it: a browser's name, an address without its last part.
ALTER TABLE session ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
UPDATE session SET last_used_at =
    coalesce((SELECT max(issued_at) FROM refresh_token WHERE session_id = session.id), created_at);

-- The successor itself for a few seconds, sealed under a key that only the token of this row makes.
ALTER TABLE refresh_token ADD COLUMN successor_sealed BLOB;
CREATE INDEX refresh_token_sealed ON refresh_token (used_at) WHERE successor_sealed IS NOT NULL;
