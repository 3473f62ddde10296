//! Removing a user. What he wrote keeps his id.

use insula_model::id::AccountId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::{change, conclude, grant, member};
use crate::scope::Scope;

/// Permission: `users`, `delete`. His account goes too when no other organisation has it.
pub async fn delete(scope: &Scope, account: AccountId) -> Result<()> {
    scope.read(async |tx| tx.require(Resource::Users, Action::Delete)).await?;
    let engine = scope.engine();
    let mut tx = engine.stores.platform_write().await?;
    let change = change::note(&mut tx, engine, scope.caller().placement(), account).await?;
    tx.commit().await?;
    Box::pin(change::make(engine, change, remove(scope, account))).await
}

/// Removes the member from the tenant's store.
async fn remove(scope: &Scope, account: AccountId) -> Result<()> {
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
        .await
}
