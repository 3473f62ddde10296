-- Groups of users, and the roles their members have by them.

CREATE TABLE insula_tenant.user_group (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT user_group_code UNIQUE (tenant_id, code)
);

CREATE TABLE insula_tenant.user_group_member (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, account_id, group_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES insula_tenant.user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, account_id) REFERENCES insula_tenant.member (tenant_id, account_id) ON DELETE CASCADE
);
CREATE INDEX user_group_member_group ON insula_tenant.user_group_member (tenant_id, group_id);

CREATE TABLE insula_tenant.user_group_role (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    role_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, group_id, role_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES insula_tenant.user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES insula_tenant.role (tenant_id, id)
);

-- Changes of an entity's design, the newest of which decides what of older events may be shown by field.
CREATE INDEX audit_event_design ON insula_tenant.audit_event (tenant_id, entity_id, id) WHERE entity_id IS NOT NULL AND record_id IS NULL;
