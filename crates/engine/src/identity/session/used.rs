//! When sessions were last used, to the minute. Admissions note it in this process; the background writes it down, so
//! that no request waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use insula_model::id::SessionId;
use insula_model::value::{Timestamp, Value};

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

/// Sessions whose use is still to be written.
#[derive(Default)]
pub(in crate::identity) struct Uses(Mutex<HashMap<SessionId, Timestamp>>);

impl Uses {
    pub(in crate::identity) fn note(&self, session: SessionId, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST {
            noted.insert(session, now);
        }
    }

    pub(in crate::identity) fn wait(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> HashMap<SessionId, Timestamp> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes that a session is used now, with the transaction.
pub(in crate::identity) async fn touch(tx: &mut Tx, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
    tx.send(TOUCH.text(tx.dialect()), vec![vec![Value::Timestamp(now), Value::Uuid(session.uuid())]]).await
}

/// Writes down what was noted. What is lost in a failure is noted again by the next use.
pub(crate) async fn write_session_uses(engine: &Inner) -> Result<(), StoreError> {
    let noted = engine.identity.uses.take();
    if noted.is_empty() {
        return Ok(());
    }
    let set = |(session, at): (SessionId, Timestamp)| vec![Value::Timestamp(at), Value::Uuid(session.uuid())];
    let mut tx = engine.stores.platform_write().await?;
    tx.send(TOUCH.text(tx.dialect()), noted.into_iter().map(set).collect()).await?;
    tx.commit().await
}
