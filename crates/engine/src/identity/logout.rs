//! Signing out: of this session, or of every session the account has in any tenant.

use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};

use super::account;
use super::csrf::CookieProof;
use super::event::Action;
use super::in_person::InPerson;
use super::opaque;
use super::operator::Operator;
use super::refresh::{self, Found};
use super::session::{self, Closing, EndReason, Ending};
use super::token::Subject;
use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

static TENANTS: Fixed = Fixed::new(
    "SELECT DISTINCT tenant_id FROM insula.session WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2 \
     AND tenant_id IS NOT NULL ORDER BY tenant_id",
);

/// Whose sign-in it is: a tenant's member's or a superuser's.
#[derive(Clone, Copy)]
pub enum SignedIn<'a> {
    Member(&'a InPerson),
    Operator(&'a Operator),
}

/// A sign-in, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) engine: &'a Inner,
    pub(super) origin: &'a Origin,
    pub(super) account: AccountId,
    pub(super) session: SessionId,
    pub(super) tenant: Option<TenantId>,
    pub(super) email: &'a str,
}

impl<'a> SignedIn<'a> {
    pub(super) fn holder(self) -> Holder<'a> {
        match self {
            Self::Member(person) => {
                let scope = person.scope();
                let caller = scope.caller();
                Holder {
                    engine: scope.engine(),
                    origin: scope.origin(),
                    account: caller.account(),
                    session: person.session(),
                    tenant: Some(caller.tenant()),
                    email: caller.email(),
                }
            }
            Self::Operator(operator) => Holder {
                engine: operator.engine(),
                origin: operator.origin(),
                account: operator.account(),
                session: operator.session(),
                tenant: None,
                email: operator.email(),
            },
        }
    }
}

/// Ends this sign-in, or with `{all: true}` all of this account and whatever else was given out on its password, a sign-in
/// that is under way too. On this node at once, on others within a second.
pub async fn logout(who: SignedIn<'_>, body: Option<&Json>) -> Result<()> {
    leave(who.holder(), Extent::read(body)?).await
}

/// The same for whoever brings the cookie of a session that has not ended, whether it may still be continued or not.
pub(super) async fn of_cookie(
    engine: &Inner,
    origin: &Origin,
    cookie: CookieProof<'_>,
    body: Option<&Json>,
) -> Result<()> {
    let extent = Extent::read(body)?;
    let mut tx = engine.stores.platform_read().await?;
    let found = refresh::find(&mut tx, engine.clock.now(), &opaque::hash(cookie.refresh_token)).await?;
    tx.commit().await?;
    let Found { subject: Subject { account, realm, session }, email, .. } = found.ok_or_else(refresh::spent)?;
    engine.identity.guard.check(session, &cookie)?;
    leave(Holder { engine, origin, account, session, tenant: realm.tenant(), email: &email }, extent).await
}

/// What is signed out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Session,
    Account,
}

impl Extent {
    fn read(body: Option<&Json>) -> Result<Self> {
        let Some(body) = body else { return Ok(Self::Session) };
        Members::read(body, |members, errors| {
            let all = members.optional_bool("all", errors) == Some(true);
            Some(if all { Self::Account } else { Self::Session })
        })
    }
}

async fn leave(holder: Holder<'_>, extent: Extent) -> Result<()> {
    let Holder { engine, origin, account, session, tenant, email } = holder;
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let (which, tenants) = match extent {
        Extent::Session => (Ending::One(session), tenant.into_iter().collect()),
        Extent::Account => {
            account::raise_epoch(&mut tx, account).await?;
            (Ending::Account(account), tenants_of(&mut tx, account, now).await?)
        }
    };
    let (reason, action) = (EndReason::Logout, Action::Logout);
    session::close(tx, engine, origin, now, Closing { which, reason, action, account, email, tenant, tenants }).await
}

/// The tenants where the account is signed in, by id.
async fn tenants_of(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let rows = tx.fixed(&TENANTS, &[&Value::Uuid(account.uuid()), &Value::Timestamp(now)]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}
