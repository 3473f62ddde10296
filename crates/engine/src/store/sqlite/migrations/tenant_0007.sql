-- The organisation's tree, and where in it each member stands.
CREATE TABLE unit (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'branch', 'department')),
    parent_id BLOB CHECK ((parent_id IS NULL) = (kind = 'company')),
    code TEXT,
    name TEXT NOT NULL,
    -- A JSON object of texts.
    attributes TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT unit_code UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES unit (tenant_id, id)
) STRICT, WITHOUT ROWID;

ALTER TABLE member ADD COLUMN unit_id BLOB;
CREATE INDEX member_unit ON member (tenant_id, unit_id) WHERE unit_id IS NOT NULL;
