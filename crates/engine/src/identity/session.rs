//! Sessions and their refresh tokens: opening, continuing and ending them in a platform transaction.
//!
//! A session lives until it is ended, until the end of its refresh chain, until nobody has used it for long, or until the
//! epoch of its account is raised, whichever comes first.

mod device;
pub mod own;
mod room;
pub(super) mod used;

use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use super::account::{self, Epoch};
use super::event::{self, Action, Party, Whom};
use super::opaque::OpaqueToken;
use super::token::Subject;
use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

static INSERT_SESSION: Fixed = Fixed::new(
    "INSERT INTO insula.session \
     (id, account_id, tenant_id, created_at, expires_at, credential_epoch, last_used_at, device, address) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
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
static RENEW: Fixed = Fixed::new(
    "UPDATE insula.session SET credential_epoch = (SELECT credential_epoch FROM insula.account WHERE id = account_id) \
     WHERE id = $1",
);
static IS_LIVE: Fixed = Fixed::new(
    "SELECT 1 FROM insula.session s \
     JOIN insula.account a ON a.id = s.account_id AND a.credential_epoch = s.credential_epoch \
     WHERE s.id = $1 AND s.ended_at IS NULL",
);
static END_MEMBER: Fixed = Fixed::new(
    "UPDATE insula.session SET ended_at = $1, end_reason = $2 \
     WHERE account_id = $3 AND tenant_id = $4 AND ended_at IS NULL",
);

/// What a sign-in gives.
#[derive(Serialize)]
pub struct Tokens {
    pub access_token: String,
    #[serde(flatten)]
    continuation: Continuation,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: i64,
    /// Seconds.
    pub refresh_expires_in: i64,
}

/// What continues a session, as it is handed over.
#[derive(Serialize)]
#[serde(untagged)]
enum Continuation {
    Body {
        refresh_token: String,
    },
    /// The refresh token is for the cookie, and no page gets to see it.
    Cookie {
        csrf_token: String,
        #[serde(skip)]
        refresh_token: String,
    },
}

/// Where a client wants its refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Keeping {
    Body,
    Cookie,
}

impl Tokens {
    pub fn refresh_token(&self) -> &str {
        let (Continuation::Body { refresh_token } | Continuation::Cookie { refresh_token, .. }) = &self.continuation;
        refresh_token
    }

    /// The refresh token, where it is for a cookie.
    pub fn cookie(&self) -> Option<&str> {
        match &self.continuation {
            Continuation::Cookie { refresh_token, .. } => Some(refresh_token),
            Continuation::Body { .. } => None,
        }
    }

    /// The same, handed over as is wanted.
    pub(super) fn kept(self, keeping: Keeping, engine: &Inner, session: SessionId) -> Self {
        let (Continuation::Body { refresh_token } | Continuation::Cookie { refresh_token, .. }) = self.continuation;
        let continuation = match keeping {
            Keeping::Body => Continuation::Body { refresh_token },
            Keeping::Cookie => Continuation::Cookie { csrf_token: engine.identity.guard.token(session), refresh_token },
        };
        Self { continuation, ..self }
    }
}

/// Why a session ended.
#[derive(Clone, Copy)]
pub(super) enum EndReason {
    Logout,
    Reuse,
    Deactivated,
    Evicted,
    Password,
    SecondFactor,
}

impl EndReason {
    const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::Deactivated => "deactivated",
            Self::Evicted => "evicted",
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
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

/// Why nobody was signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// Who it is was not proved, or was proved in an epoch that is over.
    Unproved,
    /// The account has all the sessions it may have.
    Full,
}

/// Opens a session of a fresh id for whoever proved in `epoch` to be its account; its tokens are good once the transaction
/// commits. Locks the account, which comes before its memberships and sessions.
pub(super) async fn open(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    subject: Subject,
    epoch: Epoch,
    now: Timestamp,
) -> Result<Result<Tokens, Refusal>> {
    let Subject { account, realm, session } = subject;
    if account::lock(tx, account).await? != Some(epoch) {
        return Ok(Err(Refusal::Unproved));
    }
    match room::make(tx, engine, account, epoch, now).await? {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(0) => {}
        Ok(_) => {
            let whom = Whom { account: Some(account), tenant: realm.tenant() };
            event::append(tx, engine, origin, now, Action::Evicted, whom).await?;
        }
    }
    let end = now.plus_seconds(engine.identity.options.session_seconds);
    let binds = [
        Value::Uuid(session.uuid()),
        Value::Uuid(account.uuid()),
        realm.tenant().map_or(Value::Null, |tenant| Value::Uuid(tenant.uuid())),
        Value::Timestamp(now),
        Value::Timestamp(end),
        epoch.bind(),
        Value::Timestamp(now),
        Value::Text(device::name(&origin.user_agent)),
        Value::Text(device::network(&origin.address)),
    ];
    tx.fixed_execute(&INSERT_SESSION, &binds.each_ref()).await?;
    hand_out(tx, engine, subject, OpaqueToken::fresh(engine), end, now).await.map(Ok)
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
    let expires = now.plus_seconds(engine.identity.options.refresh_token_seconds).min(end);
    let binds = [refresh.hash, Value::Uuid(subject.session.uuid()), Value::Timestamp(now), Value::Timestamp(expires)];
    tx.fixed_execute(&INSERT_REFRESH, &binds.each_ref()).await?;
    tokens(engine, subject, refresh.text, expires, now)
}

/// The pair of a refresh token that is stored, good until `expires`.
pub(super) fn tokens(
    engine: &Inner,
    subject: Subject,
    refresh_token: String,
    expires: Timestamp,
    now: Timestamp,
) -> Result<Tokens> {
    let seconds = engine.identity.options.access_token_seconds;
    Ok(Tokens {
        access_token: engine.identity.signer.issue(subject, engine.ids.random(), now, seconds)?,
        continuation: Continuation::Body { refresh_token },
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

/// Sessions of an account that end, and how that is told.
pub(super) struct Closing<'a> {
    pub(super) which: Ending,
    pub(super) reason: EndReason,
    pub(super) action: Action,
    pub(super) account: AccountId,
    pub(super) email: &'a str,
    /// Of whom the platform's trail tells it.
    pub(super) tenant: Option<TenantId>,
    /// Whose own trails tell it.
    pub(super) tenants: Vec<TenantId>,
}

/// Ends sessions, tells it, and ends `tx`: on this node they are over at once, on others within a second.
pub(super) async fn close(
    mut tx: Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    closing: Closing<'_>,
) -> Result<()> {
    let Closing { which, reason, action, account, email, tenant, tenants } = closing;
    let session = match which {
        Ending::One(session) => Some(session),
        _ => None,
    };
    end(&mut tx, which, reason, now).await?;
    event::append(&mut tx, engine, origin, now, action, Whom { account: Some(account), tenant }).await?;
    for tenant in tenants {
        let party = Party { account, tenant, email, session };
        event::append_to_tenant(&mut tx, engine, origin, now, action, &party).await?;
    }
    tx.commit().await?;
    forget(engine, which);
    engine.wake();
    Ok(())
}

/// Whether a session of an account that is locked has not ended.
pub(super) async fn is_live(tx: &mut Tx, session: SessionId) -> Result<bool, StoreError> {
    Ok(!tx.fixed(&IS_LIVE, &[&Value::Uuid(session.uuid())]).await?.is_empty())
}

/// Takes a session over into the account's present epoch.
pub(super) async fn renew(tx: &mut Tx, session: SessionId) -> Result<(), StoreError> {
    tx.fixed_execute(&RENEW, &[&Value::Uuid(session.uuid())]).await?;
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
