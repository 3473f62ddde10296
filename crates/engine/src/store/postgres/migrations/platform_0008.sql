-- When the password in force was set; null: when the account was made.
ALTER TABLE insula.account ADD COLUMN password_set_at timestamptz;
-- How many days ahead of its end its owner was last told of it.
ALTER TABLE insula.account ADD COLUMN password_reminded bigint;
-- What an organisation asks of passwords, as JSON; null: what everybody is asked.
ALTER TABLE insula.tenant ADD COLUMN password_policy text;

-- Passwords that were in force before, for as long as an organisation wants them remembered.
CREATE TABLE insula.password_history (
    account_id uuid NOT NULL REFERENCES insula.account (id) ON DELETE CASCADE,
    set_at timestamptz NOT NULL,
    password_hash text NOT NULL,
    PRIMARY KEY (account_id, set_at)
);

-- Failed sign-ins of late: by the address tried, by the device, by where they came from.
CREATE TABLE insula.sign_in_tally (
    -- A keyed hash. Names that nobody has are counted too.
    subject bytea PRIMARY KEY,
    failures bigint NOT NULL,
    -- When the first of them was.
    since timestamptz NOT NULL,
    -- How often in a row it was locked: each lasts longer.
    locks bigint NOT NULL,
    locked_until timestamptz NOT NULL
);
CREATE INDEX sign_in_tally_since ON insula.sign_in_tally (since);

-- Where somebody has signed in before.
CREATE TABLE insula.device (
    -- SHA-256 of what its cookie holds.
    hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES insula.account (id) ON DELETE CASCADE,
    used_at timestamptz NOT NULL
);
CREATE INDEX device_account ON insula.device (account_id, used_at);

INSERT INTO insula.chore (name, due_at) VALUES ('remind_passwords', '1970-01-01Z');
