//! Signing out: of this session, or of every session the account has in any tenant.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::Result;

use super::event::{self, Action, Whom};
use super::session::{self, EndReason, Ending};
use crate::scope::Scope;

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
    let which = if all { Ending::Account(caller.account()) } else { Ending::One(caller.session()) };
    let now = engine.clock.now();

    let mut tx = engine.stores.platform_write().await?;
    session::end(&mut tx, which, EndReason::Logout, now).await?;
    let whom = Whom { account: Some(caller.account()), tenant: Some(caller.placement().tenant) };
    event::append(&mut tx, engine, scope.origin(), now, Action::Logout, whom).await?;
    tx.commit().await?;
    session::forget(engine, which);
    Ok(())
}
