-- What Insula does in the background for the tenant: one row a run, kept for a while after it has ended.
CREATE TABLE insula_tenant.job (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Which time of its schedule this is the run of: there is one run for each, whoever plans it.
    slot timestamptz,
    -- When to take it: of a running one, when whoever runs it is no longer believed to. Null once it has ended.
    due_at timestamptz CHECK ((due_at IS NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
    -- Raised by whoever takes it. A transaction of its work looks whether the number is still the one it took.
    fence bigint NOT NULL,
    -- How often it was taken since it last got on.
    attempts bigint NOT NULL,
    done bigint NOT NULL,
    total bigint,
    errors bigint NOT NULL,
    -- The code of the problem it ended with, or last had.
    problem text COLLATE "C",
    -- Null where nobody asked for it.
    account_id uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT job_slot UNIQUE (tenant_id, kind, slot)
);
CREATE INDEX job_due ON insula_tenant.job (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX job_ended ON insula_tenant.job (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
