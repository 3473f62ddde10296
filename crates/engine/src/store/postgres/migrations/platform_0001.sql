-- The platform's own tables, in schema insula.

CREATE TABLE insula.tenant (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    -- Codes compare without case.
    code_folded text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    cell bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE insula.account (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    email_folded text COLLATE "C" NOT NULL UNIQUE,
    full_name text NOT NULL,
    password_hash text NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE insula.membership (
    account_id uuid NOT NULL REFERENCES insula.account (id),
    tenant_id uuid NOT NULL REFERENCES insula.tenant (id),
    active boolean NOT NULL,
    -- A sign-in without a tenant picks the one used last.
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, tenant_id)
);
CREATE INDEX membership_tenant ON insula.membership (tenant_id);

CREATE TABLE insula.session (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    -- The absolute end of the refresh chain (A3).
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    FOREIGN KEY (account_id, tenant_id) REFERENCES insula.membership (account_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX session_member ON insula.session (account_id, tenant_id);

CREATE TABLE insula.refresh_token (
    -- SHA-256 of the token: a dump of this table opens nothing (A4).
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES insula.session (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    -- What it was traded for: whether that was used tells a lost reply from a stolen token.
    successor bytea
);
CREATE INDEX refresh_token_session ON insula.refresh_token (session_id);

CREATE TABLE insula.platform_event (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    account_id uuid,
    tenant_id uuid,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id uuid NOT NULL
);
