-- The organisation's tree, and where in it each member stands.
CREATE TABLE insula_tenant.unit (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('company', 'branch', 'department')),
    parent_id uuid CHECK ((parent_id IS NULL) = (kind = 'company')),
    code text COLLATE "C",
    name text COLLATE "C" NOT NULL,
    -- A JSON object of texts.
    attributes text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT unit_code UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES insula_tenant.unit (tenant_id, id)
);

ALTER TABLE insula_tenant.member ADD COLUMN unit_id uuid;
CREATE INDEX member_unit ON insula_tenant.member (tenant_id, unit_id) WHERE unit_id IS NOT NULL;
