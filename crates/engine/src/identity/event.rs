//! The platform's own trail: sign-ins, refusals, new tenants.

use insula_model::id::{AccountId, EventId, TenantId};
use insula_model::value::{Timestamp, Value};

use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// What a client says of itself is kept up to here.
const MAX_USER_AGENT: usize = 256;

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.platform_event (id, at, action, outcome, account_id, tenant_id, address, user_agent, request_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

#[derive(Clone, Copy)]
pub(super) enum Action {
    TenantCreate,
    Login,
    Refused,
    Logout,
    RefreshReuse,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::TenantCreate => "tenant.create",
            Self::Login => "session.login",
            Self::Refused => "session.refused",
            Self::Logout => "session.logout",
            Self::RefreshReuse => "session.refresh_reuse",
        }
    }

    const fn outcome(self) -> &'static str {
        match self {
            Self::TenantCreate | Self::Login | Self::Logout => "ok",
            Self::Refused | Self::RefreshReuse => "denied",
        }
    }
}

/// Whom it happened to, as far as that is known.
#[derive(Clone, Copy, Default)]
pub(super) struct Whom {
    pub(super) account: Option<AccountId>,
    pub(super) tenant: Option<TenantId>,
}

/// Appends one event.
pub(super) async fn append(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    action: Action,
    whom: Whom,
) -> Result<(), StoreError> {
    let id: EventId = engine.ids.next();
    let binds = [
        Value::Uuid(id.uuid()),
        Value::Timestamp(now),
        Value::Text(action.name().to_owned()),
        Value::Text(action.outcome().to_owned()),
        whom.account.map_or(Value::Null, |id| Value::Uuid(id.uuid())),
        whom.tenant.map_or(Value::Null, |id| Value::Uuid(id.uuid())),
        Value::Text(origin.address.clone()),
        Value::Text(origin.user_agent.chars().take(MAX_USER_AGENT).collect()),
        Value::Uuid(origin.request.uuid()),
    ];
    tx.fixed_execute(&INSERT, &binds.each_ref()).await?;
    Ok(())
}
