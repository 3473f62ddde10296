-- What access tokens are signed with. The newest whose time has come signs; those before it verify for as long as a token
-- of theirs may live. Without any, the key is one derived from the installation's secret.
CREATE TABLE insula.signing_key (
    -- The `kid` of its tokens: eight bytes of a hash of the key, in hex.
    id text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm IN ('HS256', 'EdDSA')),
    -- Sealed under a key derived from the installation's secret.
    secret_sealed bytea NOT NULL,
    signs_at timestamptz NOT NULL
);
