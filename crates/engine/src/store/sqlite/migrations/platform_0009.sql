-- Keys that programs call with, in place of whom they act for, in one organisation.
CREATE TABLE api_key (
    id BLOB PRIMARY KEY NOT NULL,
    -- SHA-256 of the key: a dump of this table opens nothing.
    hash BLOB NOT NULL UNIQUE,
    account_id BLOB NOT NULL,
    tenant_id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- How the key begins, to know it by.
    prefix TEXT NOT NULL,
    -- What it may be used for at most, as JSON.
    scopes TEXT NOT NULL,
    -- Of the account when it was made: in another one it is good for nothing.
    credential_epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- Null: it does not end by itself.
    expires_at INTEGER,
    -- To the minute.
    last_used_at INTEGER,
    FOREIGN KEY (account_id, tenant_id) REFERENCES membership (account_id, tenant_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX api_key_member ON api_key (account_id, tenant_id);
CREATE INDEX api_key_tenant ON api_key (tenant_id, id);
