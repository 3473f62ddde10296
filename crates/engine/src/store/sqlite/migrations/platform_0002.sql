-- What must reach a tenant's store beside the platform's, since no transaction spans the two; and what is due again and
-- again.

-- Audit events of the platform's doing, finished, on their way into the tenant's trail. Written in the transaction of
-- what they tell, gone once the tenant's store has them.
CREATE TABLE outbox (
    -- The order of a tenant's events.
    position INTEGER PRIMARY KEY,
    tenant_id BLOB NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    event_id BLOB NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    account_id BLOB NOT NULL,
    entity_id BLOB,
    record_id BLOB,
    canonical BLOB NOT NULL,
    salt BLOB NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_tenant ON outbox (tenant_id, position);

-- The tenants that have events waiting, a row each.
CREATE TABLE outbox_queue (
    tenant_id BLOB PRIMARY KEY NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    -- When to deliver. Whoever does moves it ahead first, so that nobody else does meanwhile, and somebody does later if
    -- that one never comes back.
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_queue_due ON outbox_queue (due_at);

-- Changes of users that are on their way through both stores. One that is still here when it is due was cut off
-- half-way, and is finished by whoever finds it.
CREATE TABLE user_change (
    id BLOB PRIMARY KEY NOT NULL,
    tenant_id BLOB NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    account_id BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX user_change_due ON user_change (due_at);

-- What some node does now and then, whichever finds it due.
CREATE TABLE chore (
    name TEXT PRIMARY KEY NOT NULL,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO chore (name, due_at) VALUES ('purge_sessions', 0);

-- Sessions whose refresh chain has ended are purged.
CREATE INDEX session_expires ON session (expires_at);
