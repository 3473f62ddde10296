-- Letters on their way out. What one says is sealed under the installation's secret key; it is gone once it was sent or
-- given up.
CREATE TABLE mail (
    id BLOB PRIMARY KEY NOT NULL,
    -- What it is about, in a keyed hash: of several about the same one goes. Null: nothing that may come twice.
    subject BLOB UNIQUE,
    sealed BLOB NOT NULL,
    -- When to send. Whoever does moves it ahead first, as in outbox_queue.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_due ON mail (due_at);

-- The way back in for somebody who forgot a password: the last one asked for.
CREATE TABLE password_reset (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    -- SHA-256 of the token.
    hash BLOB NOT NULL UNIQUE,
    -- The address it was sent to: it is good for the account as long as that is the account's.
    email_folded TEXT NOT NULL,
    -- The letter it went with: at each attempt to send that, the token is another.
    mail_id BLOB NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
