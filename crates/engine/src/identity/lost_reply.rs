//! The reply of a refresh, told once more to a client that lost it (requirement A4). For a few seconds the next token
//! lies in the row of the one it was traded for, sealed under a key that only that one makes: whoever has the store alone
//! has neither.

use insula_model::value::{Timestamp, Value};

use super::opaque::OpaqueToken;
use crate::engine::Inner;
use crate::seal::Seal;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// How long after its use a token may come again without harm.
const GRACE_MICROS: i64 = 10_000_000;
const LABEL: &str = "insula/refresh-token/successor/v1";
/// Erased in one transaction.
const BATCH: i64 = 500;

static ERASE: Fixed = Fixed::new(
    "UPDATE insula.refresh_token SET successor_sealed = NULL WHERE session_id = $1 AND successor = $2 \
     AND successor_sealed IS NOT NULL",
);
static ERASE_OLD: Fixed = Fixed::new(
    "UPDATE insula.refresh_token SET successor_sealed = NULL WHERE hash IN \
     (SELECT hash FROM insula.refresh_token WHERE successor_sealed IS NOT NULL AND used_at < $1 \
      ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
);

/// Whether a token that was used at `used` may still be told what it was traded for.
pub(super) fn may_be_told(used: Timestamp, now: Timestamp) -> bool {
    used >= eldest(now)
}

/// What was traded before has no second reply any more.
pub(crate) fn eldest(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.as_micros().saturating_sub(GRACE_MICROS))
}

/// `next` for the row of `token`.
pub(super) fn seal(engine: &Inner, token: &str, next: &OpaqueToken) -> Result<Value, StoreError> {
    let sealed = Seal::new(LABEL, token.as_bytes()).seal("", next.text.as_bytes(), engine.ids.random());
    sealed.map(Value::Bytes).ok_or_else(|| StoreError::Other("sealing failed".into()))
}

pub(super) fn open(token: &str, sealed: &[u8]) -> Option<String> {
    let text = Seal::new(LABEL, token.as_bytes()).open("", sealed)?;
    String::from_utf8(text.to_vec()).ok()
}

/// A token that is used has arrived: its reply is told no more.
pub(super) async fn erase(tx: &mut Tx, session: Value, token_hash: Value) -> Result<(), StoreError> {
    tx.send(ERASE.text(tx.dialect()), vec![vec![session, token_hash]]).await
}

/// Erases some of what is too old to be told; whether there may be more.
pub(crate) async fn erase_lost_replies(engine: &Inner) -> Result<bool, StoreError> {
    let mut tx = engine.stores.platform_write().await?;
    let eldest = Value::Timestamp(eldest(engine.clock.now()));
    let erased = tx.fixed_execute(&ERASE_OLD, &[&eldest, &Value::Int(BATCH)]).await?;
    tx.commit().await?;
    Ok(erased >= BATCH.unsigned_abs())
}
