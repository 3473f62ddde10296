//! Devices somebody has signed in with (requirement B6): a cookie of random bits, of which the store keeps the hash. It is
//! good for one thing, to be counted by itself when a sign-in fails.

use insula_model::id::AccountId;
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use super::opaque::{self, MAX_CHARS, OpaqueToken};
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// How long one is known that is not used.
pub const KNOWN_SECONDS: i64 = 180 * 24 * 3600;
/// Of one account; the longest unused give way.
const MOST: i64 = 50;

static KNOWN: Fixed = Fixed::new("SELECT 1 FROM insula.device WHERE hash = $1 AND account_id = $2 AND used_at > $3");
static USE: Fixed = Fixed::new("UPDATE insula.device SET used_at = $1 WHERE hash = $2 AND account_id = $3");
static ISSUE: Fixed = Fixed::new("INSERT INTO insula.device (hash, account_id, used_at) VALUES ($1, $2, $3)");
static GIVE_WAY: Fixed = Fixed::new(
    "DELETE FROM insula.device WHERE account_id = $1 AND hash NOT IN \
     (SELECT hash FROM insula.device WHERE account_id = $1 ORDER BY used_at DESC LIMIT $2)",
);
static FORGET: Fixed = Fixed::new("DELETE FROM insula.device WHERE account_id = $1");

/// The hash of `token`, if it is that of a device of the account. Asked in the same way of nobody (requirement B7).
pub(super) async fn known(
    tx: &mut Tx,
    token: Option<&str>,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let hash = opaque::hash(token.filter(|token| token.len() <= MAX_CHARS).unwrap_or_default());
    let account = Value::Uuid(account.map_or(Uuid::nil(), AccountId::uuid));
    let since = Value::Timestamp(now.plus_seconds(-KNOWN_SECONDS));
    let found = tx.fixed(&KNOWN, &[&hash, &account, &since]).await?;
    Ok((!found.is_empty()).then_some(hash))
}

/// Knows the device from now on; what its cookie is to be, where it is a new one.
pub(super) async fn keep(
    tx: &mut Tx,
    engine: &Inner,
    known: Option<&Value>,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let (account, now) = (Value::Uuid(account.uuid()), Value::Timestamp(now));
    if let Some(hash) = known {
        tx.fixed_execute(&USE, &[&now, hash, &account]).await?;
        return Ok(None);
    }
    let token = OpaqueToken::fresh(engine);
    tx.fixed_execute(&ISSUE, &[&token.hash, &account, &now]).await?;
    tx.fixed_execute(&GIVE_WAY, &[&account, &Value::Int(MOST)]).await?;
    Ok(Some(token.text))
}

/// Knows none of the account's devices any more: somebody else may have signed in with them.
pub(super) async fn forget(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    tx.fixed_execute(&FORGET, &[&Value::Uuid(account.uuid())]).await?;
    Ok(())
}
