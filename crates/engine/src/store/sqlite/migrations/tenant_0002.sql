-- Requests that carried a key to be repeated safely, with what came of each: ids, never values. A key is good for a
-- day.
CREATE TABLE idempotency_key (
    tenant_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    -- SHA-256 of method, path and key.
    request BLOB NOT NULL,
    -- SHA-256 of query and body.
    body BLOB NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account_id, request)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_key_at ON idempotency_key (tenant_id, at);
