//! Cancelling: from then on the job changes nothing any more, running or not. What it has done stays.

use insula_model::id::JobId;
use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::Action;
use insula_model::value::Value;

use super::kind::Kind;
use super::plan::Plan;
use super::show;
use super::state::State;
use super::stored::JobView;
use crate::attempt::{Attempt, Done, Outcome};
use crate::audit::Event;
use crate::sql::Fixed;
use crate::tx::{Mode, Tx};

/// Waits for a transaction of the job's work that is under way, and is seen by the next one.
static CANCEL: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET state = 'cancelled', due_at = NULL, ended_at = $1 \
     WHERE tenant_id = $2 AND id = $3 AND due_at IS NOT NULL",
);

/// Permission: `tenant`, `update`, or to have asked for it. 409 where the job has ended by itself; one that is cancelled
/// already stays so.
pub async fn cancel(attempt: &Attempt, job: JobId) -> Result<Done<JobView>> {
    let found = attempt.read(async |tx| show::find(tx, job, Action::Update).await).await?;
    let Some(kind) = Kind::named(&found.kind).filter(|kind| kind.is_designing()) else {
        return attempt.write(&Json::Null, async |tx| end(tx, job).await).await;
    };
    attempt
        .design(&Json::Null, async |tx| {
            let view = end(tx, job).await?;
            let tenant = tx.author.tenant;
            let cleared = kind.clear(&mut tx.store, tenant, job).await;
            cleared.map(|()| view).map_err(|error| tx.failed(error))
        })
        .await
}

async fn end<M: Mode>(tx: &mut Tx<'_, M>, job: JobId) -> Result<JobView> {
    show::find(tx, job, Action::Update).await?;
    let tenant = tx.author.tenant;
    let binds = [Value::Timestamp(tx.author.now), Value::Uuid(tenant.uuid()), Value::Uuid(job.uuid())];
    let ended = tx.store.fixed_execute(&CANCEL, &binds.each_ref()).await.map_err(|error| tx.failed(error))?;
    let view = show::find(tx, job, Action::Update).await?;
    if ended == 0 {
        return match view.state {
            State::Cancelled => Ok(view),
            _ => Err(Problem::conflict("This job has ended already.", Vec::new())),
        };
    }
    // The next run of its schedule is not what was cancelled.
    if let (Some(kind), Some(slot)) = (Kind::named(&view.kind), view.slot)
        && let Some(next) = Plan::next(kind, slot.max(tx.author.now))?
    {
        next.write(tx).await?;
    }
    let after = view.audited();
    let event =
        Event { action: "job.cancel", entity: None, subject: Some(job.uuid()), before: None, after: Some(&after) };
    tx.append(&event).await?;
    Ok(view)
}

impl Outcome for JobView {
    fn note(&self) -> serde_json::Value {
        serde_json::json!(self.id)
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let job = serde_json::from_value(note).map_err(Problem::internal)?;
        show::read(tx, job).await
    }
}
