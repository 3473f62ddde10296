-- The versions of the schema: when each came, by whom, and in which steps.
CREATE TABLE schema_change (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    account_id BLOB NOT NULL,
    steps TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT schema_change_version UNIQUE (tenant_id, version)
) STRICT, WITHOUT ROWID;
