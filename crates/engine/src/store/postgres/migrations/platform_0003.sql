-- The tenants that have jobs, a row each, so that nobody has to look into the stores of the others.
CREATE TABLE insula.job_queue (
    tenant_id uuid PRIMARY KEY REFERENCES insula.tenant (id) ON DELETE CASCADE,
    -- When to look. Whoever does moves it ahead first, as in outbox_queue.
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL,
    -- Until then a transaction may be on its way that adds a job to the tenant's store: the row stays, whatever is found
    -- there.
    kept_until timestamptz NOT NULL
);
CREATE INDEX job_queue_due ON insula.job_queue (due_at);
