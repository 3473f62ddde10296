//! From a key to a caller: whose it is, and that he is still there. Believed for a second, as sessions are.

use std::sync::Arc;

use insula_model::problem::{Problem, Result};
use insula_model::value::{Timestamp, Value};

use super::secret::{self, KeyHash};
use crate::caller::{Caller, Credential, Key};
use crate::engine::Inner;
use crate::identity::admission::{Live, USE_SECONDS};
use crate::sql::Fixed;
use crate::store::{Placement, Row, StoreError};

/// The end of a key that has none.
const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);

static LIVE: Fixed = Fixed::new(
    "SELECT k.id, k.account_id, k.tenant_id, k.scopes, k.expires_at, k.last_used_at, t.cell, a.email \
     FROM insula.api_key k \
     JOIN insula.account a ON a.id = k.account_id \
     JOIN insula.membership m ON m.account_id = k.account_id AND m.tenant_id = k.tenant_id \
     JOIN insula.tenant t ON t.id = k.tenant_id \
     WHERE k.hash = $1 AND k.credential_epoch = a.credential_epoch AND a.active AND m.active AND t.status = 'active'",
);

/// A key that was good, and whose it was.
pub(in crate::identity) struct LiveKey {
    pub(in crate::identity) key: Arc<Key>,
    pub(in crate::identity) live: Live,
}

/// Verifies a key. Whatever is wrong, the answer is the same.
pub(in crate::identity) async fn admit(engine: &Inner, bearer: &str, now: Timestamp) -> Result<Caller> {
    let hash = secret::hash_of(bearer).ok_or_else(Problem::unauthenticated)?;
    let found = match engine.identity.admitted.key(&hash, now) {
        Some(found) => found,
        // Once a second, and no part of every request's size.
        None => Box::pin(look_up(engine, hash, now)).await?.ok_or_else(Problem::unauthenticated)?,
    };
    if now >= found.live.expires_at {
        return Err(Problem::unauthenticated());
    }
    let Live { account, placement, ref email, .. } = found.live;
    Ok(Caller::verified(account, Credential::Key(Arc::clone(&found.key)), placement, Arc::clone(email)))
}

/// Asks the platform store and remembers a yes, as of `now`.
async fn look_up(engine: &Inner, hash: KeyHash, now: Timestamp) -> Result<Option<Arc<LiveKey>>, StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&LIVE, &[&Value::Bytes(hash.to_vec())]).await?;
    tx.commit().await?;
    let Some(row) = rows.first() else {
        engine.identity.admitted.forget_key(&hash);
        return Ok(None);
    };
    let found = Arc::new(read(row, now)?);
    let last_used = row.optional(5, Row::timestamp)?;
    if now < found.live.expires_at && last_used.is_none_or(|at| at.plus_seconds(USE_SECONDS) <= now) {
        engine.identity.key_uses.note(found.key.id, now);
    }
    engine.identity.admitted.keep_key(hash, Arc::clone(&found));
    Ok(Some(found))
}

fn read(row: &Row, now: Timestamp) -> Result<LiveKey, StoreError> {
    Ok(LiveKey {
        key: Arc::new(Key { id: row.id(0)?, scopes: super::read_scopes(row.text(3)?)?.into() }),
        live: Live {
            account: row.id(1)?,
            placement: Placement { tenant: row.id(2)?, cell: row.int(6)? },
            email: row.text(7)?.into(),
            expires_at: row.optional(4, Row::timestamp)?.unwrap_or(FOREVER),
            checked_at: now,
        },
    })
}
