-- What somebody proves himself with besides the password: codes of an authenticator (RFC 6238), and codes kept for the day
-- it is lost.
CREATE TABLE insula.second_factor (
    account_id uuid PRIMARY KEY REFERENCES insula.account (id) ON DELETE CASCADE,
    -- Sealed under a key derived from the installation's secret.
    secret_sealed bytea NOT NULL,
    -- Null: begun, and asked of nobody yet.
    confirmed_at timestamptz,
    -- The last step of time whose code was used: none up to it is good again.
    used_step bigint NOT NULL
);

CREATE TABLE insula.recovery_code (
    account_id uuid NOT NULL REFERENCES insula.second_factor (account_id) ON DELETE CASCADE,
    -- A keyed hash.
    hash bytea NOT NULL,
    PRIMARY KEY (account_id, hash)
);
