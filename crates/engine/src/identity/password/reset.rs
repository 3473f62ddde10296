//! Setting the password with a token that was mailed (requirement B4). It signs nobody in: what else a sign-in asks for
//! is asked then.

use insula_model::id::AccountId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::Value;

use super::Password;
use super::set::{self, Setting};
use super::strength::Strength;
use crate::engine::{Inner, Origin};
use crate::identity::account;
use crate::identity::event::Action;
use crate::identity::opaque::{self, MAX_CHARS};
use crate::identity::session::Ending;
use crate::sql::Fixed;
use crate::store::StoreError;

static FIND: Fixed = Fixed::new(
    "SELECT a.id, a.email, a.password_hash FROM insula.password_reset r \
     JOIN insula.account a ON a.id = r.account_id AND a.email_folded = r.email_folded \
     WHERE r.hash = $1 AND r.expires_at > $2 AND a.active",
);
/// Asked again under the lock of the account: of many at once one finds it.
static USE: Fixed = Fixed::new(
    "DELETE FROM insula.password_reset WHERE hash = $1 AND expires_at > $2 \
     AND email_folded = (SELECT email_folded FROM insula.account a WHERE a.id = account_id AND a.active)",
);

pub(in crate::identity) async fn reset(engine: &Inner, origin: &Origin, body: &Json) -> Result<()> {
    let slots = &engine.identity.slots;
    let (token, password) = Members::read(body, |members, errors| {
        let token = members.text("token", MAX_CHARS, errors);
        let password = Password::read(members, "new_password", slots.hasher(), errors);
        Some((opaque::hash(token?), password?))
    })?;
    let now = Value::Timestamp(engine.clock.now());
    let (account, email, strength) = find(engine, &token, &now).await?.ok_or_else(no_good)?;
    strength.check(slots, &password, "/new_password").await?;
    let hash = slots.hash(password, engine.ids.random()).await?;

    let mut tx = engine.stores.platform_write().await?;
    account::lock(&mut tx, account).await?;
    if tx.fixed_execute(&USE, &[&token, &now]).await? == 0 {
        tx.rollback().await?;
        return Err(no_good());
    }
    let history = strength.policy.history;
    let ending = Ending::Account(account);
    let setting = Setting { account, email: &email, action: Action::PasswordReset, ending, history };
    set::set(tx, engine, origin, &setting, hash).await
}

async fn find(engine: &Inner, token: &Value, now: &Value) -> Result<Option<(AccountId, String, Strength)>, StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&FIND, &[token, now]).await?;
    let found = match rows.first() {
        None => None,
        Some(row) => {
            let (account, email) = (row.id(0)?, row.text(1)?.to_owned());
            let strength = Strength::of_account(&mut tx, account, &email, row.text(2)?).await?;
            Some((account, email, strength))
        }
    };
    tx.commit().await?;
    Ok(found)
}

fn no_good() -> Problem {
    Problem::new(Code::Unauthenticated, "This link is not good any more. Ask for another.")
}
