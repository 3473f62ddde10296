//! Revoking a key.

use insula_model::id::{AccountId, ApiKeyId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;

use crate::identity::event::{self, Change};
use crate::identity::in_person::InPerson;
use crate::identity::users::{grant, member};
use crate::scope::Scope;
use crate::sql::Fixed;

static FIND: Fixed = Fixed::new("SELECT account_id, name, prefix FROM insula.api_key WHERE id = $1 AND tenant_id = $2");
static DELETE: Fixed = Fixed::new("DELETE FROM insula.api_key WHERE id = $1");

/// Anyone signed in, his own; anybody's with `users`, `update`. On this node at once, on others within a second.
pub async fn revoke(who: &InPerson, id: ApiKeyId) -> Result<()> {
    let scope = who.scope();
    let (engine, caller) = (scope.engine(), scope.caller());
    let key = Value::Uuid(id.uuid());
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&FIND, &[&key, &Value::Uuid(caller.tenant().uuid())]).await?;
    tx.commit().await?;
    let row = rows.first().ok_or_else(Problem::not_found)?;
    let owner: AccountId = row.id(0)?;
    may_revoke(scope, owner).await?;
    let mut tx = engine.stores.platform_write().await?;
    if tx.fixed_execute(&DELETE, &[&key]).await? == 0 {
        // Somebody was faster.
        tx.rollback().await?;
        return Err(Problem::not_found());
    }
    let before = serde_json::json!({"name": row.text(1)?, "prefix": row.text(2)?, "account_id": owner}).to_string();
    let now = engine.clock.now();
    let change = Change { action: "api_key.delete", subject: id.uuid(), before: Some(before.as_bytes()), after: None };
    event::append_change(&mut tx, engine, scope.origin(), now, caller, &change).await?;
    tx.commit().await?;
    engine.identity.admitted.forget_keys(|live| live.key.id == id);
    engine.wake();
    Ok(())
}

/// What one may not see is not there.
async fn may_revoke(scope: &Scope, owner: AccountId) -> Result<()> {
    if owner == scope.caller().account() {
        return Ok(());
    }
    scope
        .read(async |tx| {
            if !tx.rights().allows(Resource::Users, Action::Read) {
                return Err(Problem::not_found());
            }
            tx.require(Resource::Users, Action::Update)?;
            let tenant = tx.author.tenant;
            match member::find(&mut tx.store, tenant, owner).await.map_err(|error| tx.failed(error))? {
                Some(member) => grant::may_touch(tx.rights(), &member),
                None => Ok(()),
            }
        })
        .await
}
