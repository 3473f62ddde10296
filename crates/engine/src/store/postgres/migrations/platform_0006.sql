-- Letters on their way out. What one says is sealed under the installation's secret key; it is gone once it was sent or
-- given up.
CREATE TABLE insula.mail (
    id uuid PRIMARY KEY,
    -- What it is about, in a keyed hash: of several about the same one goes. Null: nothing that may come twice.
    subject bytea UNIQUE,
    sealed bytea NOT NULL,
    -- When to send. Whoever does moves it ahead first, as in outbox_queue.
    due_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    attempts bigint NOT NULL
);
CREATE INDEX mail_due ON insula.mail (due_at);

-- The way back in for somebody who forgot a password: the last one asked for.
CREATE TABLE insula.password_reset (
    account_id uuid PRIMARY KEY REFERENCES insula.account (id) ON DELETE CASCADE,
    -- SHA-256 of the token.
    hash bytea NOT NULL UNIQUE,
    -- The address it was sent to: it is good for the account as long as that is the account's.
    email_folded text COLLATE "C" NOT NULL,
    -- The letter it went with: at each attempt to send that, the token is another.
    mail_id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
