//! One user.

use insula_model::id::AccountId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::{UserView, member};
use crate::scope::Scope;

/// Permission: `users`, `read`.
pub async fn show(scope: &Scope, account: AccountId) -> Result<UserView> {
    scope
        .read(async |tx| {
            tx.require(Resource::Users, Action::Read)?;
            let tenant = tx.author.tenant;
            let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
            found.map(UserView::from).ok_or_else(Problem::not_found)
        })
        .await
}
