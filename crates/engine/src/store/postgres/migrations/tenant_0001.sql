-- The system tables of every tenant of a cell, in schema insula_tenant. Row-level security keeps tenants apart,
-- for the owner too; it reads the setting every tenant transaction makes. A setting used once and reset is '', hence
-- NULLIF.

CREATE TABLE insula_tenant.tenant (
    tenant_id uuid PRIMARY KEY,
    schema_version bigint NOT NULL,
    grants_version bigint NOT NULL
);

CREATE TABLE insula_tenant.entity (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT entity_name UNIQUE (tenant_id, name)
);

CREATE TABLE insula_tenant.role (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    built_in boolean NOT NULL,
    permissions text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT role_code UNIQUE (tenant_id, code)
);

CREATE TABLE insula_tenant.member (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    email text NOT NULL,
    email_folded text COLLATE "C" NOT NULL,
    full_name text NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id),
    CONSTRAINT member_email UNIQUE (tenant_id, email_folded)
);

CREATE TABLE insula_tenant.member_role (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    role_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, account_id, role_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES insula_tenant.member (tenant_id, account_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES insula_tenant.role (tenant_id, id)
);

-- An event is its canonical bytes; the other columns repeat parts of them to be searched by. What was changed lies
-- apart, so that it can be erased without touching what is proved: the event holds only its salted hash.
CREATE TABLE insula_tenant.audit_event (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text COLLATE "C" NOT NULL,
    account_id uuid,
    entity_id uuid,
    record_id uuid,
    canonical bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_event_record ON insula_tenant.audit_event (tenant_id, record_id, id) WHERE record_id IS NOT NULL;

CREATE TABLE insula_tenant.audit_payload (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    salt bytea NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
