-- What somebody proves himself with besides the password: codes of an authenticator (RFC 6238), and codes kept for the day
-- it is lost.
CREATE TABLE second_factor (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    -- Sealed under a key derived from the installation's secret.
    secret_sealed BLOB NOT NULL,
    -- Null: begun, and asked of nobody yet.
    confirmed_at INTEGER,
    -- The last step of time whose code was used: none up to it is good again.
    used_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_code (
    account_id BLOB NOT NULL REFERENCES second_factor (account_id) ON DELETE CASCADE,
    -- A keyed hash.
    hash BLOB NOT NULL,
    PRIMARY KEY (account_id, hash)
) STRICT, WITHOUT ROWID;
