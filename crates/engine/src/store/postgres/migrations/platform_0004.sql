-- Who runs the installation. A superuser's sign-in is for the platform: its session has no tenant.
CREATE TABLE insula.superuser (
    account_id uuid PRIMARY KEY REFERENCES insula.account (id),
    created_at timestamptz NOT NULL
);

ALTER TABLE insula.session ALTER COLUMN tenant_id DROP NOT NULL;
