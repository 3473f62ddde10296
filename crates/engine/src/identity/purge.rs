//! Removing sessions that can no longer be continued, with their refresh tokens, keys that signed no token that lives,
//! API keys that are good for nothing, and counts of failed sign-ins nobody asks for any more. Until the end of its chain a session stays, ended or not: a
//! token of it that comes again is then known for what it is.

use insula_model::value::Value;

use super::keys;
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::StoreError;

/// How often.
const PAUSE_SECONDS: i64 = 3600;
/// How long failed sign-ins are remembered: longer than any lock, and than what makes the next one longer.
const TALLY_SECONDS: i64 = 2 * 24 * 3600;
/// How long a key is still shown that has come to its end.
const ENDED_KEY_SECONDS: i64 = 30 * 24 * 3600;
/// Sessions in one transaction: others wait for it.
const BATCH: i64 = 200;

static TAKE: Fixed =
    Fixed::new("SELECT name FROM insula.chore WHERE name = 'purge_sessions' AND due_at <= $1 FOR UPDATE SKIP LOCKED");
static PURGE: Fixed = Fixed::new(
    "DELETE FROM insula.session WHERE id IN \
     (SELECT id FROM insula.session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
);
static CALM: Fixed = Fixed::new(
    "DELETE FROM insula.sign_in_tally WHERE subject IN \
     (SELECT subject FROM insula.sign_in_tally WHERE since <= $1 ORDER BY since LIMIT $2)",
);
/// Of accounts whose epoch was raised since, or whose end is long past.
static STALE_KEYS: Fixed = Fixed::new(
    "DELETE FROM insula.api_key WHERE id IN \
     (SELECT k.id FROM insula.api_key k JOIN insula.account a ON a.id = k.account_id \
      WHERE k.credential_epoch <> a.credential_epoch OR k.expires_at <= $1 LIMIT $2)",
);
static DONE: Fixed = Fixed::new("UPDATE insula.chore SET due_at = $1 WHERE name = 'purge_sessions'");

/// Purges some sessions if it is time to; whether there may be more. Nothing is held beyond the one transaction, so
/// that a node that ends in the middle leaves it to the next.
pub(crate) async fn purge_sessions(engine: &Inner) -> Result<bool, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    if tx.fixed(&TAKE, &[&Value::Timestamp(now)]).await?.is_empty() {
        tx.rollback().await?;
        return Ok(false);
    }
    let purged = tx.fixed_execute(&PURGE, &[&Value::Timestamp(now), &Value::Int(BATCH)]).await?;
    keys::purge(&mut tx, now).await?;
    tx.fixed_execute(&CALM, &[&Value::Timestamp(now.plus_seconds(-TALLY_SECONDS)), &Value::Int(BATCH)]).await?;
    let long_ago = Value::Timestamp(now.plus_seconds(-ENDED_KEY_SECONDS));
    tx.fixed_execute(&STALE_KEYS, &[&long_ago, &Value::Int(BATCH)]).await?;
    let more = purged >= BATCH.unsigned_abs();
    if !more {
        tx.fixed_execute(&DONE, &[&Value::Timestamp(now.plus_seconds(PAUSE_SECONDS))]).await?;
    }
    tx.commit().await?;
    if purged > 0 {
        tracing::info!(sessions = purged, "purged sessions that had come to their end");
    }
    Ok(more)
}
