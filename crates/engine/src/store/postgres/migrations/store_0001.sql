-- What the store knows of itself. Only the owner reaches this schema.

CREATE TABLE insula_store.installation (
    -- Random, not ordered by time: its first digits tell installations of one cluster apart.
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    single boolean NOT NULL DEFAULT true UNIQUE CHECK (single)
);
INSERT INTO insula_store.installation DEFAULT VALUES;

CREATE TABLE insula_store.cell (
    id bigint PRIMARY KEY CHECK (id > 0),
    -- Null is the platform's own database, whatever it is called after a restore.
    database text UNIQUE
);
INSERT INTO insula_store.cell (id) VALUES (1);

CREATE TABLE insula_store.login_role (
    name text PRIMARY KEY,
    sealed_password bytea NOT NULL
);
