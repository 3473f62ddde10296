-- Said again at every start: who may do what with the system tables, and the wall of row-level security around every
-- one of them, those of later migrations too. {member} is what every tenant's role is a member of.

GRANT USAGE ON SCHEMA insula_tenant TO {member};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA insula_tenant TO {member};
-- What the owner alone changes, with the schema.
REVOKE INSERT, DELETE ON insula_tenant.tenant FROM {member};
REVOKE INSERT, UPDATE, DELETE ON insula_tenant.entity, insula_tenant.schema_change FROM {member};
REVOKE INSERT, UPDATE, DELETE ON insula_tenant.conversion FROM {member};
GRANT UPDATE (progress) ON insula_tenant.conversion TO {member};
-- The audit trail only grows.
REVOKE UPDATE, DELETE, TRUNCATE ON insula_tenant.audit_event, insula_tenant.audit_payload FROM {member};

DO $$
DECLARE
    wall constant text := '(tenant_id = NULLIF(current_setting(''insula.tenant'', true), '''')::uuid)';
    name text;
BEGIN
    FOR name IN
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'insula_tenant' AND c.relkind IN ('r', 'p')
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'))
    LOOP
        EXECUTE 'ALTER TABLE ' || name || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY';
        EXECUTE 'DROP POLICY IF EXISTS tenant ON ' || name;
        EXECUTE 'CREATE POLICY tenant ON ' || name || ' USING ' || wall || ' WITH CHECK ' || wall;
    END LOOP;
END $$;
