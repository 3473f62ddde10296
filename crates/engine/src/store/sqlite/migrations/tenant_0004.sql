-- What Insula does in the background for the tenant: one row a run, kept for a while after it has ended.
CREATE TABLE job (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Which time of its schedule this is the run of: there is one run for each, whoever plans it.
    slot INTEGER,
    -- When to take it: of a running one, when whoever runs it is no longer believed to. Null once it has ended.
    due_at INTEGER CHECK ((due_at IS NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
    -- Raised by whoever takes it. A transaction of its work looks whether the number is still the one it took.
    fence INTEGER NOT NULL,
    -- How often it was taken since it last got on.
    attempts INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER,
    errors INTEGER NOT NULL,
    -- The code of the problem it ended with, or last had.
    problem TEXT,
    -- Null where nobody asked for it.
    account_id BLOB,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT job_slot UNIQUE (tenant_id, kind, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_due ON job (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX job_ended ON job (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
