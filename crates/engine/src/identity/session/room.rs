//! How many sessions an account may have (requirement A6). Counted while its row is locked, so that sign-ins at once
//! are counted one after the other.

use insula_model::id::{AccountId, SessionId};
use insula_model::value::{Timestamp, Value};

use super::{EndReason, Ending, Refusal};
use crate::engine::{Inner, WhenFull};
use crate::identity::account::Epoch;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// Those that live, oldest first.
static LIVE: Fixed = Fixed::new(
    "SELECT id FROM insula.session WHERE account_id = $1 AND credential_epoch = $2 AND ended_at IS NULL \
     AND expires_at > $3 AND last_used_at > $4 ORDER BY created_at, id",
);

/// Makes room for one session more of an account that is locked; how many had to go for it.
pub(super) async fn make(
    tx: &mut Tx,
    engine: &Inner,
    account: AccountId,
    epoch: Epoch,
    now: Timestamp,
) -> Result<Result<usize, Refusal>, StoreError> {
    let options = &engine.identity.options;
    let idle_since = Value::Timestamp(options.idle_since(now));
    let binds = [Value::Uuid(account.uuid()), epoch.bind(), Value::Timestamp(now), idle_since];
    let live = tx.fixed(&LIVE, &binds.each_ref()).await?;
    let surplus = (live.len() + 1).saturating_sub(options.session_limit);
    if surplus > 0 && options.when_full == WhenFull::Deny {
        return Ok(Err(Refusal::Full));
    }
    for row in live.iter().take(surplus) {
        let oldest: SessionId = row.id(0)?;
        super::end(tx, Ending::One(oldest), EndReason::Evicted, now).await?;
    }
    Ok(Ok(surplus))
}
