-- Keys that programs call with, in place of whom they act for, in one organisation.
CREATE TABLE insula.api_key (
    id uuid PRIMARY KEY,
    -- SHA-256 of the key: a dump of this table opens nothing.
    hash bytea NOT NULL UNIQUE,
    account_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    -- How the key begins, to know it by.
    prefix text NOT NULL,
    -- What it may be used for at most, as JSON.
    scopes text NOT NULL,
    -- Of the account when it was made: in another one it is good for nothing.
    credential_epoch bigint NOT NULL,
    created_at timestamptz NOT NULL,
    -- Null: it does not end by itself.
    expires_at timestamptz,
    -- To the minute.
    last_used_at timestamptz,
    FOREIGN KEY (account_id, tenant_id) REFERENCES insula.membership (account_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX api_key_member ON insula.api_key (account_id, tenant_id);
CREATE INDEX api_key_tenant ON insula.api_key (tenant_id, id);
