//! The platform's own trail: sign-ins, refusals, new tenants. What happens to a session of a tenant is told in that
//! tenant's trail too.

use insula_model::id::{AccountId, EventId, SessionId, TenantId};
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use crate::audit::{self, Outcome};
use crate::caller::Caller;
use crate::engine::{Inner, Origin};
use crate::outbox;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};
use crate::tx::Author;

/// What a client says of itself is kept up to here.
const MAX_USER_AGENT: usize = 256;

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.platform_event (id, at, action, outcome, account_id, tenant_id, address, user_agent, request_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

#[derive(Clone, Copy)]
pub(crate) enum Action {
    TenantCreate,
    TenantSuspend,
    TenantResume,
    SuperuserCreate,
    KeyRotate,
    Login,
    Refused,
    Evicted,
    Logout,
    RefreshReuse,
    PasswordChange,
    PasswordReset,
    SecondFactorAdd,
    SecondFactorRemove,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::TenantCreate => "tenant.create",
            Self::TenantSuspend => "tenant.suspend",
            Self::TenantResume => "tenant.resume",
            Self::SuperuserCreate => "superuser.create",
            Self::KeyRotate => "key.rotate",
            Self::Login => "session.login",
            Self::Refused => "session.refused",
            Self::Evicted => "session.evict",
            Self::Logout => "session.logout",
            Self::RefreshReuse => "session.refresh_reuse",
            Self::PasswordChange => "account.password_change",
            Self::PasswordReset => "account.password_reset",
            Self::SecondFactorAdd => "account.second_factor_add",
            Self::SecondFactorRemove => "account.second_factor_remove",
        }
    }

    const fn outcome(self) -> Outcome {
        match self {
            Self::Refused | Self::RefreshReuse => Outcome::Denied,
            _ => Outcome::Ok,
        }
    }
}

/// Whom it happened to, as far as that is known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Whom {
    pub(crate) account: Option<AccountId>,
    pub(crate) tenant: Option<TenantId>,
}

/// A member of a tenant to whose session something happened.
pub(super) struct Party<'a> {
    pub(super) account: AccountId,
    pub(super) tenant: TenantId,
    pub(super) email: &'a str,
    /// None where it is not one session: none was opened, or several ended.
    pub(super) session: Option<SessionId>,
}

/// Appends one event to the platform's trail and, by the outbox, to the tenant's. The last thing its transaction does;
/// [`Inner::wake`] once it has committed.
pub(super) async fn append_to_both(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    action: Action,
    party: &Party<'_>,
) -> Result<(), StoreError> {
    let whom = Whom { account: Some(party.account), tenant: Some(party.tenant) };
    append(tx, engine, origin, now, action, whom).await?;
    append_to_tenant(tx, engine, origin, now, action, party).await
}

/// Appends one event to the tenant's trail alone.
pub(super) async fn append_to_tenant(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    action: Action,
    party: &Party<'_>,
) -> Result<(), StoreError> {
    let subject = party.session.map(SessionId::uuid);
    let event = audit::Event { action: action.name(), entity: None, subject, before: None, after: None };
    let author = author(party, origin, now);
    outbox::put(tx, audit::prepare_as(action.outcome(), &author, &engine.ids, &event), now).await
}

/// A change of a tenant's rows on the platform, as its trail tells it: JSON objects of the values before and after.
pub(super) struct Change<'a> {
    pub(super) action: &'static str,
    pub(super) subject: Uuid,
    pub(super) before: Option<&'a [u8]>,
    pub(super) after: Option<&'a [u8]>,
}

/// Appends what a member, or a key in his place, changed of his tenant's rows to that tenant's trail.
pub(super) async fn append_change(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    caller: &Caller,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let Change { action, subject, before, after } = *change;
    let event = audit::Event { action, entity: None, subject: Some(subject), before, after };
    let party = Party { account: caller.account(), tenant: caller.tenant(), email: caller.email(), session: None };
    let author = Author { api_key: caller.key().map(|key| key.id), ..author(&party, origin, now) };
    outbox::put(tx, audit::prepare_as(Outcome::Ok, &author, &engine.ids, &event), now).await
}

fn author(party: &Party<'_>, origin: &Origin, now: Timestamp) -> Author {
    let user_agent = user_agent(origin).into();
    Author {
        tenant: party.tenant,
        account: party.account,
        email: party.email.into(),
        api_key: None,
        origin: Origin { user_agent, ..origin.clone() },
        now,
    }
}

/// Appends one event to the platform's trail.
pub(crate) async fn append(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    action: Action,
    whom: Whom,
) -> Result<(), StoreError> {
    let id: EventId = engine.ids.next();
    let binds = vec![
        Value::Uuid(id.uuid()),
        Value::Timestamp(now),
        Value::Text(action.name().to_owned()),
        Value::Text(action.outcome().name().to_owned()),
        whom.account.map_or(Value::Null, |id| Value::Uuid(id.uuid())),
        whom.tenant.map_or(Value::Null, |id| Value::Uuid(id.uuid())),
        Value::Text((*origin.address).to_owned()),
        Value::Text(user_agent(origin).to_owned()),
        Value::Uuid(origin.request.uuid()),
    ];
    tx.send(INSERT.text(tx.dialect()), vec![binds]).await
}

fn user_agent(origin: &Origin) -> &str {
    let text = &*origin.user_agent;
    text.char_indices().nth(MAX_USER_AGENT).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
