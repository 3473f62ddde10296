//! Signing out: of this session, or of every session the account has in any tenant.

use insula_model::id::{AccountId, TenantId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};

use super::event::{self, Action, Party, Whom};
use super::session::{self, EndReason, Ending};
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

static TENANTS: Fixed = Fixed::new(
    "SELECT DISTINCT tenant_id FROM insula.session WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2 \
     ORDER BY tenant_id",
);

/// Ends this sign-in, or with `{all: true}` all of this account. On this node at once, on others within a second.
pub async fn logout(scope: &Scope, body: Option<&Json>) -> Result<()> {
    let all = match body {
        Some(body) => Members::read(body, |members, errors| {
            let all = members.optional_bool("all", errors);
            Some(all == Some(true))
        })?,
        None => false,
    };
    let (engine, caller) = (scope.engine(), scope.caller());
    let (account, tenant) = (caller.account(), caller.placement().tenant);
    let (which, session) =
        if all { (Ending::Account(account), None) } else { (Ending::One(caller.session()), Some(caller.session())) };
    let now = engine.clock.now();

    let mut tx = engine.stores.platform_write().await?;
    let tenants = if all { tenants_of(&mut tx, account, now).await? } else { vec![tenant] };
    session::end(&mut tx, which, EndReason::Logout, now).await?;
    let whom = Whom { account: Some(account), tenant: Some(tenant) };
    event::append(&mut tx, engine, scope.origin(), now, Action::Logout, whom).await?;
    for tenant in tenants {
        let party = Party { account, tenant, email: caller.email(), session };
        event::append_to_tenant(&mut tx, engine, scope.origin(), now, Action::Logout, &party).await?;
    }
    tx.commit().await?;
    session::forget(engine, which);
    engine.wake();
    Ok(())
}

/// The tenants where the account is signed in, by id.
async fn tenants_of(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let rows = tx.fixed(&TENANTS, &[&Value::Uuid(account.uuid()), &Value::Timestamp(now)]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}
