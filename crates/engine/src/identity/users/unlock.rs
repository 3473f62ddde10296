//! Letting a user sign in again before a lock ends.

use insula_model::id::AccountId;
use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::UserView;
use super::member::{self, Member};
use crate::attempt::{Attempt, Done};
use crate::audit::Event;
use crate::identity::fingerprint::Kind;
use crate::identity::{account, lockout};
use crate::scope::Scope;

/// Permission: `users`, `update`.
///
/// An account its owner has never used here stays as it is, or whoever adds an address could give others as many guesses
/// at it as they like. The answer is the same.
pub async fn unlock(attempt: &Attempt, account: AccountId) -> Result<Done<UserView>> {
    let done = attempt
        .write(&Json::Null, async |tx| {
            tx.require(Resource::Users, Action::Update)?;
            let tenant = tx.author.tenant;
            let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
            let user = found.ok_or_else(Problem::not_found)?;
            let subject = Some(account.uuid());
            let event = Event { action: "user.unlock", entity: None, subject, before: None, after: None };
            tx.append(&event).await?;
            Ok(user)
        })
        .await?;
    if let Done::Now(user) = &done {
        clear(attempt.scope(), user).await?;
    }
    Ok(done.map(UserView::from))
}

async fn clear(scope: &Scope, user: &Member) -> Result<()> {
    let engine = scope.engine();
    let subject = engine.identity.fingerprints.of(Kind::SignInName, user.email_folded.as_bytes());
    let mut tx = engine.stores.platform_write().await?;
    if account::tenants(&mut tx, user.account).await?.contains(&scope.caller().tenant()) {
        lockout::clear(&mut tx, &subject).await?;
    }
    tx.commit().await?;
    Ok(())
}
