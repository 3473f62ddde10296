-- Requests that carried a key to be repeated safely, with what came of each: ids, never values. A key is good for a
-- day.
CREATE TABLE insula_tenant.idempotency_key (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- SHA-256 of method, path and key.
    request bytea NOT NULL,
    -- SHA-256 of query and body.
    body bytea NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, request)
);
CREATE INDEX idempotency_key_at ON insula_tenant.idempotency_key (tenant_id, at);
