//! Removing a user. What he wrote keeps his id.

use insula_model::id::AccountId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::{conclude, grant, half_done, member};
use crate::identity::account;
use crate::identity::session::{self, Ending};
use crate::scope::Scope;

/// Permission: `users`, `delete`. His account goes too when no other organisation has it.
pub async fn delete(scope: &Scope, account: AccountId) -> Result<()> {
    scope
        .alter(async |tx| {
            tx.require(Resource::Users, Action::Delete)?;
            let tenant = tx.author.tenant;
            let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
            let user = found.ok_or_else(Problem::not_found)?;
            grant::may_touch(tx.rights(), &user)?;
            grant::keep_an_owner(tx, &user, None).await?;
            member::delete(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
            conclude(tx, "user.delete", Some(&user), None).await
        })
        .await?;
    leave(scope, account).await.map_err(|problem| half_done(&problem))
}

/// Takes the membership, and the sessions with it, from the platform.
async fn leave(scope: &Scope, account: AccountId) -> Result<()> {
    let (engine, tenant) = (scope.engine(), scope.caller().placement().tenant);
    let mut tx = engine.stores.platform_write().await?;
    account::leave(&mut tx, account, tenant).await?;
    tx.commit().await?;
    session::forget(engine, Ending::Member(account, tenant));
    Ok(())
}
