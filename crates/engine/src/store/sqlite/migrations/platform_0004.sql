-- Who runs the installation. A superuser's sign-in is for the platform: its session has no tenant.
CREATE TABLE superuser (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- SQLite cannot take NOT NULL from a column. The tokens move first: dropping what they refer to would drop them too.
CREATE TABLE session_next (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL,
    tenant_id BLOB,
    created_at INTEGER NOT NULL,
    -- The absolute end of the refresh chain (A3).
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    FOREIGN KEY (account_id, tenant_id) REFERENCES membership (account_id, tenant_id) ON DELETE CASCADE
) STRICT;
INSERT INTO session_next (id, account_id, tenant_id, created_at, expires_at, ended_at, end_reason)
SELECT id, account_id, tenant_id, created_at, expires_at, ended_at, end_reason FROM session;

CREATE TABLE refresh_token_next (
    -- SHA-256 of the token: a dump of this table opens nothing (A4).
    hash BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES session_next (id) ON DELETE CASCADE,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    -- What it was traded for: whether that was used tells a lost reply from a stolen token.
    successor BLOB
) STRICT, WITHOUT ROWID;
INSERT INTO refresh_token_next (hash, session_id, issued_at, expires_at, used_at, successor)
SELECT hash, session_id, issued_at, expires_at, used_at, successor FROM refresh_token;

DROP TABLE refresh_token;
DROP TABLE session;
ALTER TABLE session_next RENAME TO session;
ALTER TABLE refresh_token_next RENAME TO refresh_token;
CREATE INDEX session_member ON session (account_id, tenant_id);
CREATE INDEX session_expires ON session (expires_at);
CREATE INDEX refresh_token_session ON refresh_token (session_id);
