-- The versions of the schema: when each came, by whom, and in which steps.
CREATE TABLE insula_tenant.schema_change (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    at timestamptz NOT NULL,
    account_id uuid NOT NULL,
    steps text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT schema_change_version UNIQUE (tenant_id, version)
);
