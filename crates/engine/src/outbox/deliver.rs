//! Delivering. Whoever delivers to a tenant takes it first, by moving the time it is due ahead: that keeps others away
//! for as long as a delivery may take, and no longer, should this process end in the middle of it. What keeps an event
//! from being written twice is its id alone.

use std::time::Duration;

use futures_util::future::join_all;
use insula_model::id::TenantId;
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use crate::audit::{self, Prepared};
use crate::background::{LEASE_SECONDS, Taken, retry_at};
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{Placement, StoreError};

/// Tenants delivered to at once.
const TENANTS: i64 = 8;
/// Events in one transaction.
const EVENTS: i64 = 100;
/// Shorter than the lease, so that a store that hangs is given up before another takes over.
const PATIENCE: Duration = Duration::from_secs(10);

static DUE: Fixed = Fixed::new(
    "SELECT q.tenant_id, q.attempts FROM insula.outbox_queue q \
     WHERE q.due_at <= $1 AND (SELECT t.cell FROM insula.tenant t WHERE t.id = q.tenant_id) = $2 \
     ORDER BY q.due_at LIMIT $3 FOR UPDATE SKIP LOCKED",
);
static POSTPONE: Fixed = Fixed::new("UPDATE insula.outbox_queue SET due_at = $1, attempts = $2 WHERE tenant_id = $3");
static WAITING: Fixed = Fixed::new(
    "SELECT tenant_id, event_id, at, action, account_id, entity_id, record_id, canonical, salt, payload \
     FROM insula.outbox WHERE tenant_id = $1 ORDER BY position LIMIT $2",
);
static LOCK: Fixed = Fixed::new("SELECT attempts FROM insula.outbox_queue WHERE tenant_id = $1 FOR UPDATE");
static DONE: Fixed = Fixed::new("DELETE FROM insula.outbox WHERE event_id = $1");
static LEAVE_QUEUE: Fixed = Fixed::new(
    "DELETE FROM insula.outbox_queue WHERE tenant_id = $1 \
     AND NOT EXISTS (SELECT 1 FROM insula.outbox WHERE tenant_id = $1)",
);

/// Delivers what is due in one cell, to a few tenants; whether there may be more.
pub(crate) async fn drain(engine: &Inner, cell: i64) -> Result<bool, StoreError> {
    let taken = take(engine, cell).await?;
    join_all(taken.iter().map(|taken| deliver(engine, *taken))).await;
    Ok(!taken.is_empty())
}

async fn take(engine: &Inner, cell: i64) -> Result<Vec<Taken>, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let rows = tx.fixed(&DUE, &[&Value::Timestamp(now), &Value::Int(cell), &Value::Int(TENANTS)]).await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let placement = Placement { tenant: row.id(0)?, cell };
        let one = Taken { placement, number: row.int(1)? + 1 };
        postpone(&mut tx, one, now.plus_seconds(LEASE_SECONDS)).await?;
        taken.push(one);
    }
    tx.commit().await?;
    Ok(taken)
}

async fn postpone(tx: &mut crate::store::Tx, taken: Taken, due: Timestamp) -> Result<(), StoreError> {
    let tenant = Value::Uuid(taken.placement.tenant.uuid());
    tx.fixed_execute(&POSTPONE, &[&Value::Timestamp(due), &Value::Int(taken.number), &tenant]).await?;
    Ok(())
}

async fn deliver(engine: &Inner, taken: Taken) {
    let tenant = taken.placement.tenant;
    let delivered = tokio::time::timeout(PATIENCE, hand_over(engine, taken.placement)).await;
    let failure: Box<dyn std::error::Error + Send + Sync> = match delivered {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.into(),
        Err(late) => late.into(),
    };
    tracing::warn!(%tenant, attempt = taken.number, error = %failure, "events wait for a tenant's store");
    if let Err(error) = put_off(engine, taken).await {
        // Then it is due when the lease ends.
        tracing::warn!(%tenant, %error, "a delivery could not be put off");
    }
}

async fn put_off(engine: &Inner, taken: Taken) -> Result<(), StoreError> {
    let mut tx = engine.stores.platform_write().await?;
    postpone(&mut tx, taken, retry_at(engine.clock.now(), taken.number)).await?;
    tx.commit().await
}

/// One batch, from one store to the other.
async fn hand_over(engine: &Inner, placement: Placement) -> Result<(), StoreError> {
    let tenant = Value::Uuid(placement.tenant.uuid());
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&WAITING, &[&tenant, &Value::Int(EVENTS)]).await?;
    tx.commit().await?;
    let ids = rows.iter().map(|row| row.id::<Uuid>(1)).collect::<Result<Vec<_>, _>>()?;
    let events = rows.iter().map(Prepared::from_columns).collect::<Result<Vec<_>, _>>()?;

    let mut tx = engine.stores.tenant_write(placement).await?;
    for event in &events {
        audit::append_once(&mut tx, event).await?;
    }
    tx.commit().await?;
    settle(engine, placement.tenant, ids).await
}

/// Forgets what has arrived, and the tenant with its last event.
async fn settle(engine: &Inner, tenant: TenantId, arrived: Vec<Uuid>) -> Result<(), StoreError> {
    let id = Value::Uuid(tenant.uuid());
    let mut tx = engine.stores.platform_write().await?;
    // A statement of its own: only those after it see what whoever held the row has put in.
    tx.fixed(&LOCK, &[&id]).await?;
    for event in arrived {
        tx.fixed_execute(&DONE, &[&Value::Uuid(event)]).await?;
    }
    if tx.fixed_execute(&LEAVE_QUEUE, &[&id]).await? == 0 {
        tx.fixed_execute(&POSTPONE, &[&Value::Timestamp(engine.clock.now()), &Value::Int(0), &id]).await?;
    }
    tx.commit().await
}
