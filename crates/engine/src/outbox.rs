//! What the platform's store has to tell a tenant's. No transaction spans the two: what is told is written in the
//! platform's transaction that has it to tell, and delivered afterwards until the tenant's store has it.
//!
//! Delivered are finished audit events, as often as it takes and written once: the tenant's store knows the id of what
//! it has. A tenant's events arrive in the order their transactions committed.

mod deliver;

use insula_model::value::{Timestamp, Value};

pub(crate) use deliver::drain;

use crate::audit::Prepared;
use crate::sql::Fixed;
use crate::store::{StoreError, Tx};

/// For [`put`]: the row is locked also where it is there already. Until this transaction ends nobody else adds events of
/// this tenant, so that their positions follow the commits, and nobody removes the row as that of a tenant without any.
static QUEUE: Fixed = Fixed::new(
    "INSERT INTO insula.outbox_queue (tenant_id, due_at, attempts) VALUES ($1, $2, 0) \
     ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = excluded.tenant_id",
);
static PUT: Fixed = Fixed::new(
    "INSERT INTO insula.outbox \
     (tenant_id, event_id, at, action, account_id, entity_id, record_id, canonical, salt, payload) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Puts an event in the outbox of a platform transaction. Comes last in it, since it makes those of the same tenant wait.
/// Where it is called for several tenants, in the order of their ids.
pub(crate) async fn put(tx: &mut Tx, event: Prepared, now: Timestamp) -> Result<(), StoreError> {
    let columns = event.into_columns();
    let dialect = tx.dialect();
    if let Some(tenant) = columns.first() {
        tx.send(QUEUE.text(dialect), vec![vec![tenant.clone(), Value::Timestamp(now)]]).await?;
    }
    tx.send(PUT.text(dialect), vec![columns]).await
}
