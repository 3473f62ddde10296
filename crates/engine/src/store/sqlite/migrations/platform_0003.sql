-- The tenants that have jobs, a row each, so that nobody has to look into the stores of the others.
CREATE TABLE job_queue (
    tenant_id BLOB PRIMARY KEY NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    -- When to look. Whoever does moves it ahead first, as in outbox_queue.
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- Until then a transaction may be on its way that adds a job to the tenant's store: the row stays, whatever is found
    -- there.
    kept_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_queue_due ON job_queue (due_at);
