//! Removing notes that do not count any more.

use insula_model::value::Value;

use super::oldest;
use crate::jobs::{Step, Then, Work};
use crate::sql::Fixed;
use crate::store::StoreError;

static COUNT: Fixed =
    Fixed::new("SELECT count(*) FROM insula_tenant.idempotency_key WHERE tenant_id = $1 AND at <= $2");
/// Another may be using one anew right now: it stays, and nobody waits.
static PURGE: Fixed = Fixed::new(
    "DELETE FROM insula_tenant.idempotency_key WHERE tenant_id = $1 AND (account_id, request) IN \
     (SELECT account_id, request FROM insula_tenant.idempotency_key WHERE tenant_id = $1 AND at <= $2 \
      ORDER BY at LIMIT 200 FOR UPDATE SKIP LOCKED)",
);
static LEFT: Fixed = Fixed::new("SELECT at FROM insula_tenant.idempotency_key WHERE tenant_id = $1 LIMIT 1");

/// Removes some. The next run is needed where any is left.
pub(crate) async fn purge(work: &mut Work) -> Result<Step, StoreError> {
    let (tenant, oldest) = (Value::Uuid(work.tenant().uuid()), Value::Timestamp(oldest(work.started_at)));
    if work.total.is_none() {
        let rows = work.tx.fixed(&COUNT, &[&tenant, &oldest]).await?;
        work.total = rows.first().map(|row| row.int(0)).transpose()?;
    }
    let purged = work.tx.fixed_execute(&PURGE, &[&tenant, &oldest]).await?;
    let purged = i64::try_from(purged).unwrap_or(i64::MAX);
    if purged > 0 {
        return Ok(Step::More(purged));
    }
    let left = work.tx.fixed(&LEFT, &[&tenant]).await?;
    Ok(Step::Last(0, if left.is_empty() { Then::Enough } else { Then::Again }))
}
