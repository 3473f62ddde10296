//! Making a key: for oneself, or for a program's own account.

use std::sync::Arc;

use insula_model::id::AccountId;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::rights::{Action, KeyDraft, KeyScope, Resource};
use insula_model::value::{Value, is_of_service};
use serde::Serialize;

use super::secret::Secret;
use super::{ApiKeyView, Kept};
use crate::identity::account::{self, Epoch};
use crate::identity::event::{self, Change};
use crate::identity::in_person::InPerson;
use crate::identity::session;
use crate::identity::users::{grant, member};
use crate::sql::Fixed;
use crate::store;
use crate::tx::{Reading, Tx};

/// Keys that one account can have in one organisation.
const MOST: i64 = 100;

static COUNT: Fixed = Fixed::new("SELECT count(*) FROM insula.api_key WHERE account_id = $1 AND tenant_id = $2");
static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula.api_key \
     (id, hash, account_id, tenant_id, name, prefix, scopes, credential_epoch, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// A key with its secret, which is told this once.
#[derive(Serialize)]
pub struct NewApiKey {
    #[serde(flatten)]
    pub view: ApiKeyView,
    pub key: String,
}

/// Anyone signed in, for himself; for a program's account `users`, `update`, and all that the key will reach.
/// `{name, scopes, expires_at?, account?}`.
pub async fn create(who: &InPerson, body: &Json) -> Result<NewApiKey> {
    let scope = who.scope();
    let (engine, caller) = (scope.engine(), scope.caller());
    let now = engine.clock.now();
    let (draft, account, model) = scope
        .read(async |tx| {
            let draft = tx.as_author(|author| KeyDraft::read(body, author, now))?;
            if !draft.scopes.iter().all(|scope| tx.rights().reach(scope)) {
                return Err(Problem::forbidden());
            }
            let account = draft.account.unwrap_or(tx.author.account);
            if account != tx.author.account {
                may_make_for(tx, account, &draft.scopes).await?;
            }
            Ok((draft, account, Arc::clone(&tx.model)))
        })
        .await?;

    let secret = Secret::fresh(engine);
    let KeyDraft { name, scopes, expires_at, .. } = draft;
    let (id, prefix) = (engine.ids.next(), secret.prefix().to_owned());
    let kept = Kept { id, name, prefix, account, scopes, created_at: now, expires_at, last_used_at: None };
    let tenant = Value::Uuid(caller.tenant().uuid());
    let mut tx = engine.stores.platform_write().await?;
    let epoch = lock(&mut tx, who, account).await?;
    let count = tx.fixed(&COUNT, &[&Value::Uuid(account.uuid()), &tenant]).await?;
    if count.first().map_or(Ok(0), |row| row.int(0))? >= MOST {
        tx.rollback().await?;
        return Err(Problem::conflict(format!("An account has at most {MOST} keys. Revoke one first."), Vec::new()));
    }
    insert(&mut tx, &kept, &secret, tenant, epoch).await?;
    let view = kept.view(&model.schema);
    let after = view.audited();
    let change = Change { action: "api_key.create", subject: id.uuid(), before: None, after: Some(&after) };
    event::append_change(&mut tx, engine, scope.origin(), now, caller, &change).await?;
    tx.commit().await?;
    engine.wake();
    Ok(NewApiKey { view, key: secret.text })
}

/// Refuses a key of somebody else's, unless it is a program's, and one that would reach what its maker does not.
async fn may_make_for(tx: &mut Tx<'_, Reading>, account: AccountId, scopes: &[KeyScope]) -> Result<()> {
    tx.require(Resource::Users, Action::Update)?;
    let tenant = tx.author.tenant;
    let found = member::find(&mut tx.store, tenant, account).await.map_err(|error| tx.failed(error))?;
    let no_program = || Problem::at("/account", Code::OutOfRange, "No program here has this account.");
    let member = found.filter(|member| is_of_service(&member.email)).ok_or_else(no_program)?;
    grant::may_touch(tx.rights(), &member)?;
    if !member.active {
        return Err(Problem::conflict("This account is not active.", Vec::new()));
    }
    let model = Arc::clone(&tx.model);
    let theirs = model.rights_of(&mut tx.store, tenant, account, None).await?.rights.within(scopes);
    if theirs.permissions().iter().all(|one| tx.rights().hold(one, &model.schema)) {
        Ok(())
    } else {
        Err(Problem::forbidden())
    }
}

/// Locks whoever makes a key and whom it is for, whose epoch this gives. A session that has just ended makes none.
async fn lock(tx: &mut store::Tx, who: &InPerson, account: AccountId) -> Result<Epoch> {
    let maker = who.scope().caller().account();
    let own = account::lock(tx, maker).await?;
    let epoch = if account == maker { own } else { account::lock(tx, account).await? };
    match epoch {
        Some(epoch) if session::is_live(tx, who.session()).await? => Ok(epoch),
        _ => Err(Problem::unauthenticated()),
    }
}

async fn insert(tx: &mut store::Tx, kept: &Kept, secret: &Secret, tenant: Value, epoch: Epoch) -> Result<()> {
    let binds = [
        Value::Uuid(kept.id.uuid()),
        Value::Bytes(secret.hash().to_vec()),
        Value::Uuid(kept.account.uuid()),
        tenant,
        Value::Text(kept.name.clone()),
        Value::Text(kept.prefix.clone()),
        Value::Text(serde_json::to_string(&kept.scopes).map_err(Problem::internal)?),
        epoch.bind(),
        Value::Timestamp(kept.created_at),
        kept.expires_at.map_or(Value::Null, Value::Timestamp),
    ];
    tx.fixed_execute(&INSERT, &binds.each_ref()).await?;
    Ok(())
}
