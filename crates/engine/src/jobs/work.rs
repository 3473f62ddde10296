//! A job that was taken, and the transactions of its work. [`Held::begin`] alone makes a [`Work`], and there is no other
//! way for a kind to reach the tenant's store: what was not looked at under the fence cannot be written.

use insula_model::clock::Ids;
use insula_model::id::{JobId, TenantId};
use insula_model::problem::{Code, FieldError, Problem};
use insula_model::value::{Timestamp, Value};

use super::kind::Kind;
use super::plan::Plan;
use super::state::State;
use super::stored;
use crate::audit::{self, Event, Outcome};
use crate::background::LEASE_SECONDS;
use crate::engine::Engine;
use crate::sql::Fixed;
use crate::store::{Placement, StoreError, Tx};

/// Locks the job for as long as the transaction is: nobody takes it meanwhile, and who cancels it waits.
static FENCE: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET due_at = $1 \
     WHERE tenant_id = $2 AND id = $3 AND fence = $4 AND state = 'running' AND due_at > $5",
);
static GOT_ON: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET done = done + $1, total = coalesce(total, $2), errors = coalesce($3, errors), \
     attempts = 0, problem = NULL, due_at = $4 WHERE tenant_id = $5 AND id = $6",
);
static END: Fixed = Fixed::new(
    "UPDATE insula_tenant.job SET state = $1, due_at = NULL, ended_at = $2, problem = $3, refusals = $4 \
     WHERE tenant_id = $5 AND id = $6 AND fence = $7 AND due_at IS NOT NULL",
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
    pub(crate) placement: Placement,
    pub(crate) job: JobId,
    /// The same throughout the job, whoever does it.
    pub(crate) started_at: Timestamp,
    /// How much there is to be done; whoever begins the job finds out.
    pub(crate) total: Option<i64>,
    /// How many of those done could not be, where the work has counted them.
    pub(crate) errors: Option<i64>,
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
    /// Nothing was done: for what is left it has to be alone on the tenant, and able to change its tables.
    Alone,
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
    /// What takes [`Held::conclude`].
    Conclusion,
    Nothing,
    /// The job is no longer this node's: it was cancelled, or taken by another.
    Lost,
}

/// Why a job fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    /// Of the table of problems.
    pub(super) code: &'a str,
    /// What stood in the way, for whoever asked for it.
    pub(super) errors: &'a [FieldError],
}

impl<'a> Failure<'a> {
    /// One of which no more is known.
    pub(super) const fn of(code: &'a str) -> Self {
        Self { code, errors: &[] }
    }
}

/// Beside whom a transaction of the work runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    Shared,
    Alone,
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
    pub(super) async fn step(&mut self, engine: &Engine, hold: Hold) -> Result<After, StoreError> {
        let Some(mut work) = self.begin(engine, Room::Shared).await? else { return Ok(After::Lost) };
        match self.kind.step(&mut work).await? {
            Step::More(done) => {
                let now = engine.0.clock.now();
                let due_at = if hold == Hold::Keep { now.plus_seconds(LEASE_SECONDS) } else { now };
                work.got_on(done, due_at).await?;
                self.total = self.total.or(work.total);
                work.tx.commit().await?;
                self.attempts = 0;
                Ok(After::More)
            }
            Step::Last(done, then) => {
                let due_at = work.now;
                work.got_on(done, due_at).await?;
                self.end(&mut work.tx, engine, None, then).await?;
                work.tx.commit().await?;
                Ok(After::Nothing)
            }
            Step::Alone => {
                work.tx.rollback().await?;
                Ok(After::Conclusion)
            }
        }
    }

    /// Ends the job alone on the tenant: as it was asked for, or with what stands in its way.
    pub(super) async fn conclude(&self, engine: &Engine) -> Result<After, StoreError> {
        let tenant = engine.0.tenants.get(self.placement);
        let _turn = tenant.alter().await.map_err(undecided)?;
        let Some(work) = self.begin(engine, Room::Alone).await? else { return Ok(After::Lost) };
        match self.kind.conclude(work, engine).await {
            Ok(mut work) => {
                self.end(&mut work.tx, engine, None, Then::Enough).await?;
                work.tx.commit().await?;
                tenant.forget();
            }
            Err(problem) if problem.code().status() < 500 => {
                let failure = Failure { code: problem.code().as_str(), errors: problem.errors() };
                self.fail(engine, failure).await?;
            }
            Err(problem) => return Err(undecided(problem)),
        }
        Ok(After::Nothing)
    }

    /// Ends the job with a problem, and takes away what it has made on its way.
    pub(super) async fn fail(&self, engine: &Engine, failure: Failure<'_>) -> Result<(), StoreError> {
        let stores = &engine.0.stores;
        let mut tx = if self.kind.is_designing() {
            stores.tenant_redesign(self.placement).await?
        } else {
            stores.tenant_write(self.placement).await?
        };
        if !self.end(&mut tx, engine, Some(failure), Then::Again).await? {
            return tx.rollback().await;
        }
        self.kind.clear(&mut tx, self.placement.tenant, self.id).await?;
        tx.commit().await
    }

    /// A transaction for the work; `None` where the job is not held any more.
    async fn begin(&self, engine: &Engine, room: Room) -> Result<Option<Work>, StoreError> {
        let mut tx = match room {
            Room::Shared => engine.0.stores.tenant_write(self.placement).await?,
            Room::Alone => engine.0.stores.tenant_redesign(self.placement).await?,
        };
        let now = engine.0.clock.now();
        let (tenant, id) = (self.placement.tenant, Value::Uuid(self.id.uuid()));
        let lease = Value::Timestamp(now.plus_seconds(LEASE_SECONDS));
        let binds = [lease, Value::Uuid(tenant.uuid()), id, Value::Int(self.fence), Value::Timestamp(now)];
        if tx.fixed_execute(&FENCE, &binds.each_ref()).await? == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        let Self { placement, id: job, started_at, total, .. } = *self;
        Ok(Some(Work { tx, placement, job, started_at, total, errors: None, now, ids: engine.0.ids.clone() }))
    }

    /// Ends the job in `tx`, with its event: well, or with a problem. False where it is not held any more.
    async fn end(
        &self,
        tx: &mut Tx,
        engine: &Engine,
        failure: Option<Failure<'_>>,
        then: Then,
    ) -> Result<bool, StoreError> {
        let (tenant, now) = (self.placement.tenant, engine.0.clock.now());
        let (state, outcome) = match failure {
            None => (State::Succeeded, Outcome::Ok),
            Some(_) => (State::Failed, Outcome::Failed),
        };
        let errors = failure.map(|failure| failure.errors).filter(|errors| !errors.is_empty());
        let refusals = errors.map(serde_json::to_string).transpose();
        let refusals = refusals.map_err(|error| StoreError::Other(error.into()))?;
        let binds = [
            Value::Text(state.name().to_owned()),
            Value::Timestamp(now),
            failure.map_or(Value::Null, |failure| Value::Text(failure.code.to_owned())),
            refusals.map_or(Value::Null, Value::Text),
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
        audit::append_own(tx, outcome, tenant, &engine.0.ids, now, &event).await?;
        let next = if then == Then::Again { Plan::next(self.kind, now)? } else { None };
        let next = next.map(|plan| plan.statement(tenant, engine.0.ids.next(), now));
        for (sql, binds) in next.into_iter().chain([stored::prune(tenant, now)]) {
            tx.send(sql.text(tx.dialect()), vec![binds]).await?;
        }
        Ok(true)
    }
}

impl Work {
    pub(crate) const fn tenant(&self) -> TenantId {
        self.placement.tenant
    }

    async fn got_on(&mut self, done: i64, due_at: Timestamp) -> Result<(), StoreError> {
        let known = |count: Option<i64>| count.map_or(Value::Null, Value::Int);
        let binds = [
            Value::Int(done),
            known(self.total),
            known(self.errors),
            Value::Timestamp(due_at),
            Value::Uuid(self.tenant().uuid()),
            Value::Uuid(self.job.uuid()),
        ];
        self.tx.fixed_execute(&GOT_ON, &binds.each_ref()).await.map(drop)
    }
}

/// A problem that says nothing of the job: it is tried again.
fn undecided(problem: Problem) -> StoreError {
    match problem.code() {
        Code::Internal => StoreError::Other(problem.into()),
        _ => StoreError::Unavailable(problem.into()),
    }
}
