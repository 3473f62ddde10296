//! A change of a user through both stores, which no transaction spans. The tenant's store decides who its members are;
//! the platform's rows follow. So the platform notes the account first, then the tenant's store is changed, then the
//! platform's rows are made to agree with it and the note goes. Where that is cut off, at any point, the note stays, and
//! whoever finds it once it is due does the last step.

use std::time::Duration;

use futures_util::future::join_all;
use insula_model::id::{AccountId, TenantId};
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::Value;
use uuid::Uuid;

use super::member;
use crate::background::{LEASE_SECONDS, retry_at};
use crate::engine::Inner;
use crate::identity::account::{self, Standing};
use crate::identity::session::{self, EndReason, Ending};
use crate::sql::Fixed;
use crate::store::{Placement, StoreError, Tx};

/// How long the tenant's part may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// When a note is due: long after the tenant's part has ended one way or the other.
const DUE_SECONDS: i64 = 60;
/// Notes followed at once.
const NOTES: i64 = 8;

static NOTE: Fixed = Fixed::new(
    "INSERT INTO insula.user_change (id, tenant_id, account_id, due_at, attempts) VALUES ($1, $2, $3, $4, 0)",
);
static STRIKE: Fixed = Fixed::new("DELETE FROM insula.user_change WHERE id = $1");
static DUE: Fixed = Fixed::new(
    "SELECT c.id, c.tenant_id, c.account_id, c.attempts FROM insula.user_change c \
     WHERE c.due_at <= $1 AND (SELECT t.cell FROM insula.tenant t WHERE t.id = c.tenant_id) = $2 \
     ORDER BY c.due_at LIMIT $3 FOR UPDATE SKIP LOCKED",
);
static POSTPONE: Fixed = Fixed::new("UPDATE insula.user_change SET due_at = $1, attempts = $2 WHERE id = $3");

/// An account whose rows in two stores may differ.
#[derive(Clone, Copy)]
pub(super) struct Change {
    id: Uuid,
    placement: Placement,
    account: AccountId,
}

/// Notes a change in a platform transaction, before the tenant's store is touched.
pub(super) async fn note(
    tx: &mut Tx,
    engine: &Inner,
    placement: Placement,
    account: AccountId,
) -> Result<Change, StoreError> {
    let change = Change { id: engine.ids.next(), placement, account };
    let binds = [
        Value::Uuid(change.id),
        Value::Uuid(placement.tenant.uuid()),
        Value::Uuid(account.uuid()),
        Value::Timestamp(engine.clock.now().plus_seconds(DUE_SECONDS)),
    ];
    tx.fixed_execute(&NOTE, &binds.each_ref()).await?;
    Ok(change)
}

/// Does the tenant's part, then the platform's. The answer is that of the tenant's: what is done there is in force, and
/// the rest follows.
pub(super) async fn make<R>(engine: &Inner, change: Change, work: impl Future<Output = Result<R>>) -> Result<R> {
    let result = tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|late| Err(Problem::unavailable(late)));
    // What failed may yet turn out to be committed. It is looked at later, when it is settled.
    let open = result
        .as_ref()
        .is_err_and(|problem| matches!(problem.code(), Code::Unavailable | Code::OutcomeUnknown | Code::Internal));
    if !open && let Err(error) = follow(engine, change).await {
        tracing::warn!(%error, "a change of a user reached the tenant's store and follows on the platform's");
    }
    result
}

/// Makes the platform's rows agree with the tenant's store. What is read there is read while the account is locked, so
/// that of two who do this the later one has read the later state.
async fn follow(engine: &Inner, change: Change) -> Result<(), StoreError> {
    let (account, tenant) = (change.account, change.placement.tenant);
    let mut tx = engine.stores.platform_write().await?;
    account::lock(&mut tx, account).await?;
    let standing = standing(engine, change.placement, account).await?;
    account::set_standing(&mut tx, account, tenant, standing.unwrap_or(Standing::Inactive)).await?;
    if standing != Some(Standing::Active) {
        let which = Ending::Member(account, tenant);
        session::end(&mut tx, which, EndReason::Deactivated, engine.clock.now()).await?;
    }
    tx.fixed_execute(&STRIKE, &[&Value::Uuid(change.id)]).await?;
    if standing.is_none() {
        account::leave(&mut tx, account, tenant).await?;
    }
    tx.commit().await?;
    session::forget(engine, Ending::Member(account, tenant));
    Ok(())
}

/// What the tenant's store says of the account; `None` where it is no member.
async fn standing(engine: &Inner, placement: Placement, account: AccountId) -> Result<Option<Standing>, StoreError> {
    let mut tx = engine.stores.tenant_read(placement).await?;
    let member = member::find(&mut tx, placement.tenant, account).await?;
    tx.commit().await?;
    Ok(member.map(|member| if member.active { Standing::Active } else { Standing::Inactive }))
}

/// Follows the changes of one cell that were cut off; whether there were some.
pub(crate) async fn finish_user_changes(engine: &Inner, cell: i64) -> Result<bool, StoreError> {
    let taken = take(engine, cell).await?;
    join_all(taken.iter().map(|(change, attempt)| finish(engine, *change, *attempt))).await;
    Ok(!taken.is_empty())
}

async fn take(engine: &Inner, cell: i64) -> Result<Vec<(Change, i64)>, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let rows = tx.fixed(&DUE, &[&Value::Timestamp(now), &Value::Int(cell), &Value::Int(NOTES)]).await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let tenant: TenantId = row.id(1)?;
        let change = Change { id: row.id(0)?, placement: Placement { tenant, cell }, account: row.id(2)? };
        let attempt = row.int(3)? + 1;
        let due = Value::Timestamp(now.plus_seconds(LEASE_SECONDS));
        tx.fixed_execute(&POSTPONE, &[&due, &Value::Int(attempt), &Value::Uuid(change.id)]).await?;
        taken.push((change, attempt));
    }
    tx.commit().await?;
    Ok(taken)
}

async fn finish(engine: &Inner, change: Change, attempt: i64) {
    tracing::info!(tenant = %change.placement.tenant, attempt, "finishing a change of a user that was cut off");
    let Err(error) = follow(engine, change).await else { return };
    tracing::warn!(tenant = %change.placement.tenant, attempt, %error, "a change of a user waits for the tenant's store");
    let postponed = async {
        let mut tx = engine.stores.platform_write().await?;
        let due = Value::Timestamp(retry_at(engine.clock.now(), attempt));
        tx.fixed_execute(&POSTPONE, &[&due, &Value::Int(attempt), &Value::Uuid(change.id)]).await?;
        tx.commit().await
    };
    if let Err(error) = postponed.await {
        // Then it is due when the lease ends.
        tracing::warn!(%error, "a change of a user could not be put off");
    }
}
