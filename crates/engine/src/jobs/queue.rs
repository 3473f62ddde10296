//! Which tenants have jobs, on the platform. A tenant's row is noted before a transaction of his store adds a job, and
//! says when to look next. It is taken as in the outbox, by moving that time ahead; whoever took it writes only over the
//! time it wrote itself, so that what others noted meanwhile stands.

use std::time::Duration;

use futures_util::future::join_all;
use insula_model::id::TenantId;
use insula_model::value::{Timestamp, Value};

use super::turn;
use crate::background::{LEASE_SECONDS, Taken, retry_at};
use crate::engine::{Engine, Inner};
use crate::sql::Fixed;
use crate::store::{Placement, StoreError};

/// Tenants worked for at once.
const TENANTS: i64 = 8;
/// How long a transaction that was noted may take until it has committed or never will.
const SETTLED_SECONDS: i64 = 30;
/// For one turn: longer than all of its steps usually take together, and not for ever.
const PATIENCE: Duration = Duration::from_mins(1);

static NOTE: Fixed = Fixed::new(
    "INSERT INTO insula.job_queue AS q (tenant_id, due_at, attempts, kept_until) VALUES ($1, $2, 0, $3) \
     ON CONFLICT (tenant_id) DO UPDATE SET \
     due_at = CASE WHEN q.due_at < excluded.due_at THEN q.due_at ELSE excluded.due_at END, \
     kept_until = CASE WHEN q.kept_until > excluded.kept_until THEN q.kept_until ELSE excluded.kept_until END",
);
static DUE: Fixed = Fixed::new(
    "SELECT q.tenant_id, q.attempts FROM insula.job_queue q \
     WHERE q.due_at <= $1 AND (SELECT t.cell FROM insula.tenant t WHERE t.id = q.tenant_id) = $2 \
     ORDER BY q.due_at LIMIT $3 FOR UPDATE SKIP LOCKED",
);
static TAKE: Fixed = Fixed::new("UPDATE insula.job_queue SET due_at = $1 WHERE tenant_id = $2");
static LEAVE: Fixed =
    Fixed::new("DELETE FROM insula.job_queue WHERE tenant_id = $1 AND due_at = $2 AND kept_until <= $3");
/// At the given time, or when what was noted has settled, if that is earlier.
static LOOK_AGAIN: Fixed = Fixed::new(
    "UPDATE insula.job_queue SET attempts = $1, due_at = CASE WHEN kept_until > $2 AND kept_until < $3 \
     THEN kept_until ELSE $3 END WHERE tenant_id = $4 AND due_at = $5",
);

/// Notes that a transaction of the tenant's store is about to add a job.
pub(super) async fn note(engine: &Inner, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
    let settled = now.plus_seconds(SETTLED_SECONDS);
    look_at(engine, tenant, settled, settled).await
}

/// Notes that one has added a job that is due already.
pub(super) async fn rouse(engine: &Inner, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
    look_at(engine, tenant, now, now).await
}

async fn look_at(engine: &Inner, tenant: TenantId, at: Timestamp, kept_until: Timestamp) -> Result<(), StoreError> {
    let mut tx = engine.stores.platform_write().await?;
    let binds = [Value::Uuid(tenant.uuid()), Value::Timestamp(at), Value::Timestamp(kept_until)];
    tx.fixed_execute(&NOTE, &binds.each_ref()).await?;
    tx.commit().await
}

/// Works a turn for a few tenants of a cell whose jobs are due.
pub(crate) async fn run_due(engine: &Engine, cell: i64) -> Result<(), StoreError> {
    let now = engine.0.clock.now();
    let lease = now.plus_seconds(LEASE_SECONDS);
    let mut tx = engine.0.stores.platform_write().await?;
    let rows = tx.fixed(&DUE, &[&Value::Timestamp(now), &Value::Int(cell), &Value::Int(TENANTS)]).await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let placement = Placement { tenant: row.id(0)?, cell };
        let tenant = Value::Uuid(placement.tenant.uuid());
        tx.fixed_execute(&TAKE, &[&Value::Timestamp(lease), &tenant]).await?;
        taken.push(Taken { placement, number: row.int(1)? + 1 });
    }
    tx.commit().await?;
    join_all(taken.iter().map(|taken| serve(engine, *taken, lease))).await;
    Ok(())
}

async fn serve(engine: &Engine, taken: Taken, lease: Timestamp) {
    let tenant = taken.placement.tenant;
    let worked = tokio::time::timeout(PATIENCE, turn::work(engine, taken.placement)).await;
    let settled = match worked.unwrap_or_else(|late| Err(StoreError::Unavailable(late.into()))) {
        Ok(next) => settle(engine, tenant, lease, next).await,
        Err(error) => {
            tracing::warn!(%tenant, attempt = taken.number, %error, "jobs wait for a tenant's store");
            let again = retry_at(engine.0.clock.now(), taken.number);
            look_again(engine, tenant, lease, again, taken.number).await
        }
    };
    if let Err(error) = settled {
        // Then somebody looks when the lease ends.
        tracing::warn!(%tenant, %error, "it is not noted when a tenant's next job is due");
    }
}

/// Notes when the next job is due; forgets a tenant that has none.
async fn settle(
    engine: &Engine,
    tenant: TenantId,
    lease: Timestamp,
    next: Option<Timestamp>,
) -> Result<(), StoreError> {
    if let Some(next) = next {
        return look_again(engine, tenant, lease, next, 0).await;
    }
    let (id, now) = (Value::Uuid(tenant.uuid()), engine.0.clock.now());
    let mut tx = engine.0.stores.platform_write().await?;
    let left = tx.fixed_execute(&LEAVE, &[&id, &Value::Timestamp(lease), &Value::Timestamp(now)]).await?;
    tx.commit().await?;
    if left == 0 {
        // Something was noted: it has settled by then.
        return look_again(engine, tenant, lease, now.plus_seconds(SETTLED_SECONDS), 0).await;
    }
    Ok(())
}

async fn look_again(
    engine: &Engine,
    tenant: TenantId,
    lease: Timestamp,
    at: Timestamp,
    attempts: i64,
) -> Result<(), StoreError> {
    let binds = [
        Value::Int(attempts),
        Value::Timestamp(engine.0.clock.now()),
        Value::Timestamp(at),
        Value::Uuid(tenant.uuid()),
        Value::Timestamp(lease),
    ];
    let mut tx = engine.0.stores.platform_write().await?;
    tx.fixed_execute(&LOOK_AGAIN, &binds.each_ref()).await?;
    tx.commit().await
}
