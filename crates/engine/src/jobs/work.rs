//! A job that was taken, and the transactions of its work. [`Held::begin`] alone makes a [`Work`], and there is no other
//! way for a kind to reach the tenant's store: what was not looked at under the fence cannot be written.

use insula_model::clock::Ids;
use insula_model::id::{JobId, TenantId};
use insula_model::value::{Timestamp, Value};

use super::kind::Kind;
use super::plan::Plan;
use super::state::State;
use super::stored;
use crate::audit::{self, Event, Outcome};
use crate::background::LEASE_SECONDS;
use crate::engine::Inner;
use crate::sql::Fixed;
use crate::store::{Placement, StoreError, Tx};

/// Locks the job for as long as the transaction is: nobody takes it meanwhile, and who cancels it waits.
static FENCE: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET due_at = $1 \
     WHERE tenant_id = $2 AND id = $3 AND fence = $4 AND state = 'running' AND due_at > $5",
);
static GOT_ON: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET done = done + $1, total = coalesce(total, $2), attempts = 0, problem = NULL, \
     due_at = $3 WHERE tenant_id = $4 AND id = $5",
);
static END: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET state = $1, due_at = NULL, ended_at = $2, problem = $3 \
     WHERE tenant_id = $4 AND id = $5 AND fence = $6 AND due_at IS NOT NULL",
);

/// A job this node has taken, for as long as nobody else does.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) placement: Placement,
    pub(super) id: JobId,
    pub(super) kind: Kind,
    pub(super) fence: i64,
    /// How often it was taken since it last got on, this time included.
    pub(super) attempts: i64,
    /// When it was taken first.
    pub(super) started_at: Timestamp,
    pub(super) total: Option<i64>,
}

/// One transaction of a job's work.
pub(crate) struct Work {
    pub(crate) tx: Tx,
    pub(crate) tenant: TenantId,
    /// The same throughout the job, whoever does it.
    pub(crate) started_at: Timestamp,
    /// How much there is to be done; whoever begins the job finds out.
    pub(crate) total: Option<i64>,
    pub(crate) now: Timestamp,
    pub(crate) ids: Ids,
}

/// What a transaction came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// So many were done, and there are more.
    More(i64),
    /// These were the last.
    Last(i64, Then),
}

/// What becomes of a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    Again,
    /// There will be nothing to do. Whoever changes that plans the next run.
    Enough,
}

/// What is left to do after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum After {
    More,
    Nothing,
    /// The job is no longer this node's: it was cancelled, or taken by another.
    Lost,
}

/// Who has it after the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hold {
    Keep,
    /// Whoever comes first.
    Release,
}

impl Held {
    /// Does one step of the work in one transaction.
    pub(super) async fn step(&mut self, engine: &Inner, hold: Hold) -> Result<After, StoreError> {
        let Some(mut work) = self.begin(engine).await? else { return Ok(After::Lost) };
        match self.kind.step(&mut work).await? {
            Step::More(done) => {
                let now = engine.clock.now();
                let due_at = if hold == Hold::Keep { now.plus_seconds(LEASE_SECONDS) } else { now };
                work.got_on(self.id, done, due_at).await?;
                self.total = self.total.or(work.total);
                work.tx.commit().await?;
                self.attempts = 0;
                Ok(After::More)
            }
            Step::Last(done, then) => {
                let due_at = work.now;
                work.got_on(self.id, done, due_at).await?;
                self.end(&mut work.tx, engine, None, then).await?;
                work.tx.commit().await?;
                Ok(After::Nothing)
            }
        }
    }

    /// A transaction for the work; `None` where the job is not held any more.
    async fn begin(&self, engine: &Inner) -> Result<Option<Work>, StoreError> {
        let mut tx = engine.stores.tenant_write(self.placement).await?;
        let now = engine.clock.now();
        let (tenant, id) = (self.placement.tenant, Value::Uuid(self.id.uuid()));
        let lease = Value::Timestamp(now.plus_seconds(LEASE_SECONDS));
        let binds = [lease, Value::Uuid(tenant.uuid()), id, Value::Int(self.fence), Value::Timestamp(now)];
        if tx.fixed_execute(&FENCE, &binds.each_ref()).await? == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        Ok(Some(Work { tx, tenant, started_at: self.started_at, total: self.total, now, ids: engine.ids.clone() }))
    }

    /// Ends the job in `tx`, with its event: well, or with the code of a problem. False where it is not held any more.
    pub(super) async fn end(
        &self,
        tx: &mut Tx,
        engine: &Inner,
        problem: Option<&str>,
        then: Then,
    ) -> Result<bool, StoreError> {
        let (tenant, now) = (self.placement.tenant, engine.clock.now());
        let (state, outcome) = match problem {
            None => (State::Succeeded, Outcome::Ok),
            Some(_) => (State::Failed, Outcome::Failed),
        };
        let binds = [
            Value::Text(state.name().to_owned()),
            Value::Timestamp(now),
            problem.map_or(Value::Null, |code| Value::Text(code.to_owned())),
            Value::Uuid(tenant.uuid()),
            Value::Uuid(self.id.uuid()),
            Value::Int(self.fence),
        ];
        if tx.fixed_execute(&END, &binds.each_ref()).await? == 0 {
            return Ok(false);
        }
        let ended = stored::find(tx, tenant, self.id).await?;
        let after = ended.map(|job| job.audited());
        let event = Event {
            action: "job.finish",
            entity: None,
            subject: Some(self.id.uuid()),
            before: None,
            after: after.as_deref(),
        };
        audit::append_own(tx, outcome, tenant, &engine.ids, now, &event).await?;
        let next = if then == Then::Again { Plan::next(self.kind, now)? } else { None };
        let next = next.map(|plan| plan.statement(tenant, engine.ids.next(), now));
        for (sql, binds) in next.into_iter().chain([stored::prune(tenant, now)]) {
            tx.send(sql.text(tx.dialect()), vec![binds]).await?;
        }
        Ok(true)
    }
}

impl Work {
    async fn got_on(&mut self, job: JobId, done: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let binds = [
            Value::Int(done),
            self.total.map_or(Value::Null, Value::Int),
            Value::Timestamp(due_at),
            Value::Uuid(self.tenant.uuid()),
            Value::Uuid(job.uuid()),
        ];
        self.tx.fixed_execute(&GOT_ON, &binds.each_ref()).await.map(drop)
    }
}
