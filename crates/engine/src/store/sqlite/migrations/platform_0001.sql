-- The platform's own tables. Times are microseconds since 1970 in UTC, ids are 16 bytes.

CREATE TABLE tenant (
    id BLOB PRIMARY KEY NOT NULL,
    code TEXT NOT NULL,
    -- Codes compare without case.
    code_folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    cell INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id BLOB PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE membership (
    account_id BLOB NOT NULL REFERENCES account (id),
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    -- A sign-in without a tenant picks the one used last.
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_tenant ON membership (tenant_id);

CREATE TABLE session (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL,
    tenant_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- The absolute end of the refresh chain (A3).
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    FOREIGN KEY (account_id, tenant_id) REFERENCES membership (account_id, tenant_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX session_member ON session (account_id, tenant_id);

CREATE TABLE refresh_token (
    -- SHA-256 of the token: a dump of this table opens nothing (A4).
    hash BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    -- What it was traded for: whether that was used tells a lost reply from a stolen token.
    successor BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_session ON refresh_token (session_id);

CREATE TABLE platform_event (
    id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    account_id BLOB,
    tenant_id BLOB,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id BLOB NOT NULL
) STRICT;
