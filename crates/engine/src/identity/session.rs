//! Sessions and their refresh tokens: opening, continuing and ending them in a platform transaction.

use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};
use serde::Serialize;

use super::opaque::OpaqueToken;
use super::token::Subject;
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// The absolute end of a refresh chain (A3): 30 days.
const SESSION_SECONDS: i64 = 30 * 24 * 3600;

static INSERT_SESSION: Fixed = Fixed::new(
    "INSERT INTO insula.session (id, account_id, tenant_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
);
static INSERT_REFRESH: Fixed =
    Fixed::new("INSERT INTO insula.refresh_token (hash, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)");
static END: Fixed =
    Fixed::new("UPDATE insula.session SET ended_at = $1, end_reason = $2 WHERE id = $3 AND ended_at IS NULL");
static END_ACCOUNT: Fixed =
    Fixed::new("UPDATE insula.session SET ended_at = $1, end_reason = $2 WHERE account_id = $3 AND ended_at IS NULL");
static END_OTHERS: Fixed = Fixed::new(
    "UPDATE insula.session SET ended_at = $1, end_reason = $2 WHERE account_id = $3 AND id <> $4 AND ended_at IS NULL",
);
static END_MEMBER: Fixed = Fixed::new(
    "UPDATE insula.session SET ended_at = $1, end_reason = $2 \
     WHERE account_id = $3 AND tenant_id = $4 AND ended_at IS NULL",
);

/// What a sign-in gives.
#[derive(Serialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: i64,
    /// Seconds.
    pub refresh_expires_in: i64,
}

/// Why a session ended.
#[derive(Clone, Copy)]
pub(super) enum EndReason {
    Logout,
    Reuse,
    Deactivated,
    Password,
}

impl EndReason {
    const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::Deactivated => "deactivated",
            Self::Password => "password",
        }
    }
}

/// Which sessions end.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    One(SessionId),
    Account(AccountId),
    /// All of the account but this one.
    Others(AccountId, SessionId),
    Member(AccountId, TenantId),
}

/// Opens a session of a fresh id; its tokens are good once the transaction commits.
pub(super) async fn open(tx: &mut Tx, engine: &Inner, subject: Subject, now: Timestamp) -> Result<Tokens> {
    let Subject { account, realm, session } = subject;
    let end = now.plus_seconds(SESSION_SECONDS);
    let binds = [
        Value::Uuid(session.uuid()),
        Value::Uuid(account.uuid()),
        realm.tenant().map_or(Value::Null, |tenant| Value::Uuid(tenant.uuid())),
        Value::Timestamp(now),
        Value::Timestamp(end),
    ];
    tx.fixed_execute(&INSERT_SESSION, &binds.each_ref()).await?;
    hand_out(tx, engine, subject, OpaqueToken::fresh(engine), end, now).await
}

/// Stores `refresh` as the session's newest and makes the pair.
pub(super) async fn hand_out(
    tx: &mut Tx,
    engine: &Inner,
    subject: Subject,
    refresh: OpaqueToken,
    end: Timestamp,
    now: Timestamp,
) -> Result<Tokens> {
    let options = &engine.identity.options;
    let expires = now.plus_seconds(options.refresh_token_seconds).min(end);
    let binds = [refresh.hash, Value::Uuid(subject.session.uuid()), Value::Timestamp(now), Value::Timestamp(expires)];
    tx.fixed_execute(&INSERT_REFRESH, &binds.each_ref()).await?;
    let seconds = options.access_token_seconds;
    Ok(Tokens {
        access_token: engine.identity.signer.issue(subject, engine.ids.random(), now, seconds)?,
        refresh_token: refresh.text,
        token_type: "bearer",
        expires_in: seconds,
        refresh_expires_in: (expires.as_micros() - now.as_micros()) / 1_000_000,
    })
}

/// Ends sessions that have not ended. [`forget`] them once the transaction has committed.
pub(super) async fn end(tx: &mut Tx, which: Ending, reason: EndReason, now: Timestamp) -> Result<(), StoreError> {
    let (at, reason) = (Value::Timestamp(now), Value::Text(reason.name().to_owned()));
    match which {
        Ending::One(session) => tx.fixed_execute(&END, &[&at, &reason, &Value::Uuid(session.uuid())]).await?,
        Ending::Account(account) => {
            tx.fixed_execute(&END_ACCOUNT, &[&at, &reason, &Value::Uuid(account.uuid())]).await?
        }
        Ending::Others(account, session) => {
            let (account, session) = (Value::Uuid(account.uuid()), Value::Uuid(session.uuid()));
            tx.fixed_execute(&END_OTHERS, &[&at, &reason, &account, &session]).await?
        }
        Ending::Member(account, tenant) => {
            let (account, tenant) = (Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid()));
            tx.fixed_execute(&END_MEMBER, &[&at, &reason, &account, &tenant]).await?
        }
    };
    Ok(())
}

/// Makes this node ask again about sessions that were ended.
pub(super) fn forget(engine: &Inner, which: Ending) {
    let admitted = &engine.identity.admitted;
    match which {
        Ending::One(session) => admitted.forget(session),
        Ending::Account(account) | Ending::Others(account, _) => admitted.forget_account(account),
        Ending::Member(account, tenant) => admitted.forget_member(account, tenant),
    }
}
