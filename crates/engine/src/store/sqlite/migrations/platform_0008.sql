-- When the password in force was set; null: when the account was made.
ALTER TABLE account ADD COLUMN password_set_at INTEGER;
-- How many days ahead of its end its owner was last told of it.
ALTER TABLE account ADD COLUMN password_reminded INTEGER;
-- What an organisation asks of passwords, as JSON; null: what everybody is asked.
ALTER TABLE tenant ADD COLUMN password_policy TEXT;

-- Passwords that were in force before, for as long as an organisation wants them remembered.
CREATE TABLE password_history (
    account_id BLOB NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    set_at INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (account_id, set_at)
) STRICT, WITHOUT ROWID;

-- Failed sign-ins of late: by the address tried, by the device, by where they came from.
CREATE TABLE sign_in_tally (
    -- A keyed hash. Names that nobody has are counted too.
    subject BLOB PRIMARY KEY NOT NULL,
    failures INTEGER NOT NULL,
    -- When the first of them was.
    since INTEGER NOT NULL,
    -- How often in a row it was locked: each lasts longer.
    locks INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_tally_since ON sign_in_tally (since);

-- Where somebody has signed in before.
CREATE TABLE device (
    -- SHA-256 of what its cookie holds.
    hash BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_account ON device (account_id, used_at);

INSERT INTO chore (name, due_at) VALUES ('remind_passwords', 0);
