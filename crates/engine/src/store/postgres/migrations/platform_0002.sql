-- What must reach a tenant's store beside the platform's, since no transaction spans the two; and what is due again and
-- again.

-- Audit events of the platform's doing, finished, on their way into the tenant's trail. Written in the transaction of
-- what they tell, gone once the tenant's store has them.
CREATE TABLE insula.outbox (
    -- The order of a tenant's events: taken while its row in outbox_queue is locked, so that it is the order of commits.
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES insula.tenant (id) ON DELETE CASCADE,
    event_id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    action text NOT NULL,
    account_id uuid NOT NULL,
    entity_id uuid,
    record_id uuid,
    canonical bytea NOT NULL,
    salt bytea NOT NULL,
    payload bytea NOT NULL
);
CREATE INDEX outbox_tenant ON insula.outbox (tenant_id, position);

-- The tenants that have events waiting, a row each.
CREATE TABLE insula.outbox_queue (
    tenant_id uuid PRIMARY KEY REFERENCES insula.tenant (id) ON DELETE CASCADE,
    -- When to deliver. Whoever does moves it ahead first, so that nobody else does meanwhile, and somebody does later if
    -- that one never comes back.
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL
);
CREATE INDEX outbox_queue_due ON insula.outbox_queue (due_at);

-- Changes of users that are on their way through both stores. One that is still here when it is due was cut off
-- half-way, and is finished by whoever finds it.
CREATE TABLE insula.user_change (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES insula.tenant (id) ON DELETE CASCADE,
    account_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL
);
CREATE INDEX user_change_due ON insula.user_change (due_at);

-- What some node does now and then, whichever finds it due.
CREATE TABLE insula.chore (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL
);
INSERT INTO insula.chore (name, due_at) VALUES ('purge_sessions', '1970-01-01 00:00:00+00');

-- Sessions whose refresh chain has ended are purged.
CREATE INDEX session_expires ON insula.session (expires_at);
