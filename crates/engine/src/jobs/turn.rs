//! A turn of one tenant: one job is taken and gets on for a while. Nobody is kept waiting for the end of a long one, not
//! another tenant, and not whoever stops the server.

use std::time::Duration;

use insula_model::id::TenantId;
use insula_model::problem::Problem;
use insula_model::value::{Timestamp, Value};

use super::kind::Kind;
use super::work::{After, Failure, Held, Hold};
use crate::background::{LEASE_SECONDS, retry_at};
use crate::engine::Engine;
use crate::sql::Fixed;
use crate::store::{Placement, StoreError};

/// Transactions in one turn.
const STEPS: u32 = 16;
/// Shorter than the lease, so that a store that hangs is given up before another takes over.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for what a job does alone. It holds the job's row until it ends, so that no other takes over.
const CONCLUSION: Duration = Duration::from_secs(40);
/// How often a job is taken without getting on before it is given up.
pub(super) const MAX_ATTEMPTS: i64 = 10;
/// When to look again for what cannot be taken right now.
const LATER_SECONDS: i64 = 1;
/// The same for what only a newer program can do.
const UNKNOWN_SECONDS: i64 = 60;

static NEXT: Fixed = Fixed::new(
    "SELECT due_at FROM insula_tenant.job WHERE tenant_id = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
);
static DUE: Fixed = Fixed::new(
    "SELECT id, kind, fence, attempts, started_at, total, problem FROM insula_tenant.job \
     WHERE tenant_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
);
static TAKE: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET state = 'running', due_at = $1, fence = $2, attempts = $3, started_at = $4 \
     WHERE tenant_id = $5 AND id = $6",
);
static PUT_OFF: Fixed = Fixed::new("UPDATE insula_tenant.job SET due_at = $1 WHERE tenant_id = $2 AND id = $3");
static RETRY: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET state = 'waiting', due_at = $1, problem = $2 \
     WHERE tenant_id = $3 AND id = $4 AND fence = $5 AND state = 'running'",
);

/// Works for a tenant for a while; when to look again, if there is anything to look for.
pub(super) async fn work(engine: &Engine, placement: Placement) -> Result<Option<Timestamp>, StoreError> {
    // A look is a read: most are too early, after something was noted.
    let first = next(engine, placement).await?;
    if first.is_none_or(|due| due > engine.0.clock.now()) {
        return Ok(first);
    }
    let Some(held) = take(engine, placement).await? else {
        let later = engine.0.clock.now().plus_seconds(LATER_SECONDS);
        return Ok(next(engine, placement).await?.map(|due| due.max(later)));
    };
    run(engine, held).await;
    next(engine, placement).await
}

/// When the tenant's first job is due.
async fn next(engine: &Engine, placement: Placement) -> Result<Option<Timestamp>, StoreError> {
    let mut tx = engine.0.stores.tenant_read(placement).await?;
    let rows = tx.fixed(&NEXT, &[&Value::Uuid(placement.tenant.uuid())]).await?;
    tx.commit().await?;
    rows.first().map(|row| row.timestamp(0)).transpose()
}

/// Takes the job that has been due longest, under a fence of its own.
pub(super) async fn take(engine: &Engine, placement: Placement) -> Result<Option<Held>, StoreError> {
    let now = engine.0.clock.now();
    let tenant = Value::Uuid(placement.tenant.uuid());
    let mut tx = engine.0.stores.tenant_write(placement).await?;
    let rows = tx.fixed(&DUE, &[&tenant, &Value::Timestamp(now)]).await?;
    let Some(row) = rows.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let id = Value::Uuid(row.id(0)?);
    let Some(kind) = Kind::named(row.text(1)?) else {
        let later = Value::Timestamp(now.plus_seconds(UNKNOWN_SECONDS));
        tx.fixed_execute(&PUT_OFF, &[&later, &tenant, &id]).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let started_at = row.optional(4, crate::store::Row::timestamp)?.unwrap_or(now);
    let (found, attempts) = (row.int(2)?, row.int(3)?);
    let total = row.optional(5, crate::store::Row::int)?;
    let mut held = Held { placement, id: row.id(0)?, kind, fence: found, attempts, started_at, total };
    if attempts >= MAX_ATTEMPTS {
        // Whoever had it last did not live to say so.
        let problem = row.optional(6, |row, index| Ok(row.text(index)?.to_owned()))?;
        tx.rollback().await?;
        held.fail(engine, Failure::of(problem.as_deref().unwrap_or("internal"))).await?;
        return Ok(None);
    }
    (held.fence, held.attempts) = (found + 1, attempts + 1);
    let lease = Value::Timestamp(now.plus_seconds(LEASE_SECONDS));
    let binds = [lease, Value::Int(held.fence), Value::Int(held.attempts), Value::Timestamp(started_at), tenant, id];
    tx.fixed_execute(&TAKE, &binds.each_ref()).await?;
    tx.commit().await?;
    Ok(Some(held))
}

/// Gets a job on for a while.
pub(super) async fn run(engine: &Engine, mut held: Held) {
    let tenant = held.placement.tenant;
    for step in 1..=STEPS {
        let after = if step < STEPS { Hold::Keep } else { Hold::Release };
        let mut done = within(PATIENCE, held.step(engine, after)).await;
        if matches!(done, Ok(After::Conclusion)) {
            done = within(CONCLUSION, held.conclude(engine)).await;
        }
        match done {
            Ok(After::More | After::Conclusion) => {}
            Ok(After::Nothing) => return told(tenant, &held, "a job has ended"),
            Ok(After::Lost) => return told(tenant, &held, "a job was cancelled or taken by another"),
            Err(error) => {
                let attempts = held.attempts;
                tracing::warn!(%tenant, job = %held.id, kind = held.kind.name(), attempts, %error, "a job did not get on");
                let code = Problem::from(error).code().as_str();
                if let Err(error) = put_off(engine, &held, code).await {
                    // Then it is due when its lease ends.
                    tracing::warn!(%tenant, job = %held.id, %error, "a job could not be put off");
                }
                return;
            }
        }
    }
}

async fn within(
    patience: Duration,
    work: impl Future<Output = Result<After, StoreError>>,
) -> Result<After, StoreError> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|late| Err(StoreError::Unavailable(late.into())))
}

fn told(tenant: TenantId, held: &Held, what: &'static str) {
    tracing::info!(%tenant, job = %held.id, kind = held.kind.name(), "{what}");
}

/// After a failure: waits for another try, or ends.
pub(super) async fn put_off(engine: &Engine, held: &Held, code: &'static str) -> Result<(), StoreError> {
    if held.attempts >= MAX_ATTEMPTS {
        return held.fail(engine, Failure::of(code)).await;
    }
    let mut tx = engine.0.stores.tenant_write(held.placement).await?;
    let binds = [
        Value::Timestamp(retry_at(engine.0.clock.now(), held.attempts.max(1))),
        Value::Text(code.to_owned()),
        Value::Uuid(held.placement.tenant.uuid()),
        Value::Uuid(held.id.uuid()),
        Value::Int(held.fence),
    ];
    tx.fixed_execute(&RETRY, &binds.each_ref()).await?;
    tx.commit().await
}
