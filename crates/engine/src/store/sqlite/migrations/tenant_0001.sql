-- One tenant's system tables. Times are microseconds since 1970 in UTC, ids are 16 bytes.

CREATE TABLE tenant (
    -- The second wall: a file is refused when it is not the tenant's whose scope opens it.
    tenant_id BLOB PRIMARY KEY NOT NULL,
    schema_version INTEGER NOT NULL,
    grants_version INTEGER NOT NULL
) STRICT;

CREATE TABLE entity (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT entity_name UNIQUE (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE role (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    built_in INTEGER NOT NULL CHECK (built_in IN (0, 1)),
    permissions TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT role_code UNIQUE (tenant_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    tenant_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    full_name TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account_id),
    CONSTRAINT member_email UNIQUE (tenant_id, email_folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE member_role (
    tenant_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    role_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, account_id, role_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES member (tenant_id, account_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- An event is its canonical bytes; the other columns repeat parts of them to be searched by. What was changed lies
-- apart, so that it can be erased without touching what is proved: the event holds only its salted hash.
CREATE TABLE audit_event (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    account_id BLOB,
    entity_id BLOB,
    record_id BLOB,
    canonical BLOB NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_event_record ON audit_event (tenant_id, record_id, id) WHERE record_id IS NOT NULL;

CREATE TABLE audit_payload (
    tenant_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    salt BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_payload_no_update BEFORE UPDATE ON audit_payload BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
