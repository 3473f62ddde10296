//! When sessions and keys were last used, to the minute. Admissions note it in this process; the background writes it down, so
//! that no request waits for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use insula_model::id::SessionId;
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// More are not noted until these are written: what is missed is noted at the next admission.
const MOST: usize = 10_000;

/// A row that somebody else has locked is let be: whoever it is may be ending the session, and waiting for one while
/// holding another would be a deadlock.
static TOUCH: Fixed = Fixed::new(
    "UPDATE insula.session SET last_used_at = $1 WHERE id IN \
     (SELECT id FROM insula.session WHERE id = $2 AND last_used_at < $1 FOR UPDATE SKIP LOCKED)",
);

static TOUCH_KEY: Fixed = Fixed::new(
    "UPDATE insula.api_key SET last_used_at = $1 WHERE id IN \
     (SELECT id FROM insula.api_key WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1) \
      FOR UPDATE SKIP LOCKED)",
);

/// Those whose use is still to be written.
pub(in crate::identity) struct Uses<I>(Mutex<HashMap<I, Timestamp>>);

impl<I> Default for Uses<I> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<I: Eq + Hash> Uses<I> {
    pub(in crate::identity) fn note(&self, id: I, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST {
            noted.insert(id, now);
        }
    }

    pub(in crate::identity) fn wait(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> HashMap<I, Timestamp> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes that a session is used now, with the transaction.
pub(in crate::identity) async fn touch(tx: &mut Tx, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
    tx.send(TOUCH.text(tx.dialect()), vec![vec![Value::Timestamp(now), Value::Uuid(session.uuid())]]).await
}

/// Writes down what was noted. What is lost in a failure is noted again by the next use.
pub(crate) async fn write_uses(engine: &Inner) -> Result<(), StoreError> {
    let (sessions, keys) = (engine.identity.uses.take(), engine.identity.key_uses.take());
    if sessions.is_empty() && keys.is_empty() {
        return Ok(());
    }
    let set = |id: Uuid, at: Timestamp| vec![Value::Timestamp(at), Value::Uuid(id)];
    let sessions: Vec<_> = sessions.into_iter().map(|(id, at)| set(id.uuid(), at)).collect();
    let keys: Vec<_> = keys.into_iter().map(|(id, at)| set(id.uuid(), at)).collect();
    let mut tx = engine.stores.platform_write().await?;
    for (sql, sets) in [(&TOUCH, sessions), (&TOUCH_KEY, keys)] {
        if !sets.is_empty() {
            tx.send(sql.text(tx.dialect()), sets).await?;
        }
    }
    tx.commit().await
}
