-- Groups of users, and the roles their members have by them.

CREATE TABLE user_group (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT user_group_code UNIQUE (tenant_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_group_member (
    tenant_id BLOB NOT NULL,
    group_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, account_id, group_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, account_id) REFERENCES member (tenant_id, account_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX user_group_member_group ON user_group_member (tenant_id, group_id);

CREATE TABLE user_group_role (
    tenant_id BLOB NOT NULL,
    group_id BLOB NOT NULL,
    role_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, group_id, role_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- Changes of an entity's design, the newest of which decides what of older events may be shown by field.
CREATE INDEX audit_event_design ON audit_event (tenant_id, entity_id, id) WHERE entity_id IS NOT NULL AND record_id IS NULL;
