//! Jobs as they are stored.

use insula_model::id::{AccountId, JobId, TenantId};
use insula_model::problem::{Code, FieldError};
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use uuid::Uuid;

use super::kind::Kind;
use super::state::State;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

/// How long a job is told of after it has ended.
const KEPT_SECONDS: i64 = 30 * 24 * 3600;

static FIND: Fixed = Fixed::new(
    "SELECT id, kind, state, done, total, errors, problem, due_at, account_id, created_at, started_at, ended_at, slot, \
     refusals FROM insula_tenant.job WHERE tenant_id = $1 AND id = $2",
);
static PAGE: Fixed = Fixed::new(
    "SELECT id, kind, state, done, total, errors, problem, due_at, account_id, created_at, started_at, ended_at, slot, \
     refusals FROM insula_tenant.job WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
);
static PLAN: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.job (tenant_id, id, kind, state, slot, due_at, fence, attempts, done, errors, created_at) \
     VALUES ($1, $2, $3, 'waiting', $4, $4, 0, 0, 0, 0, $5) ON CONFLICT DO NOTHING",
);
static ASK: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.job (tenant_id, id, kind, state, due_at, fence, attempts, done, errors, account_id, \
     created_at) VALUES ($1, $2, $3, 'waiting', $4, 0, 0, 0, 0, $5, $4)",
);
/// A few at a time: whoever ends one takes more than one away.
static PRUNE: Fixed = Fixed::new(
    "DELETE FROM insula_tenant.job WHERE tenant_id = $1 AND id IN (SELECT id FROM insula_tenant.job \
     WHERE tenant_id = $1 AND ended_at <= $2 ORDER BY ended_at LIMIT 20 FOR UPDATE SKIP LOCKED)",
);

/// A job as the API shows it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JobView {
    pub id: JobId,
    /// A name of [`Kind`], or of one that a newer program knows.
    pub kind: String,
    pub state: State,
    /// How many of what it is about are done, and of how many, once that is known.
    pub done: i64,
    pub total: Option<i64>,
    /// How many of those done could not be.
    pub errors: i64,
    /// What it failed of, or what it met when it was tried last.
    pub problem: Option<JobProblem>,
    /// When a waiting one is tried next.
    pub due_at: Option<Timestamp>,
    /// Absent where it is Insula's own idea.
    pub created_by: Option<AccountId>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Which time of its schedule it is the run of.
    #[serde(skip)]
    pub(super) slot: Option<Timestamp>,
}

/// Of the table of problems.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct JobProblem {
    pub code: &'static str,
    pub title: &'static str,
    /// What stood in the way, as far as the reader may know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl JobProblem {
    fn of(code: &str, errors: Vec<FieldError>) -> Self {
        let code = Code::named(code).unwrap_or(Code::Internal);
        Self { code: code.as_str(), title: code.title(), errors }
    }
}

impl JobView {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = State::read(row.text(2)?)?;
        let due_at = row.optional(7, Row::timestamp)?;
        let refusals =
            |row: &Row, index| serde_json::from_str(row.text(index)?).map_err(|error| StoreError::Other(error.into()));
        let refusals = row.optional(13, refusals)?.unwrap_or_default();
        Ok(Self {
            id: row.id(0)?,
            kind: row.text(1)?.to_owned(),
            state,
            done: row.int(3)?,
            total: row.optional(4, Row::int)?,
            errors: row.int(5)?,
            problem: row.optional(6, |row, index| Ok(JobProblem::of(row.text(index)?, refusals)))?,
            due_at: due_at.filter(|_| state == State::Waiting),
            created_by: row.optional(8, Row::id)?,
            created_at: row.timestamp(9)?,
            started_at: row.optional(10, Row::timestamp)?,
            ended_at: row.optional(11, Row::timestamp)?,
            slot: row.optional(12, Row::timestamp)?,
        })
    }

    pub(super) fn is_asked_by(&self, account: AccountId) -> bool {
        self.created_by == Some(account)
    }

    /// The same as `reader` may see it. What stood in the way was looked at with the eyes of who asked for it.
    pub(super) fn seen_by(mut self, reader: AccountId) -> Self {
        let is_asker = self.is_asked_by(reader);
        if let Some(problem) = self.problem.as_mut().filter(|_| !is_asker) {
            problem.errors.clear();
        }
        self
    }

    /// What an audit event tells of it.
    pub(super) fn audited(&self) -> Vec<u8> {
        let Self { kind, state, done, total, errors, .. } = self;
        let problem = self.problem.as_ref().map(|problem| problem.code);
        let told = serde_json::json!({
            "kind": kind, "state": state, "done": done, "total": total, "errors": errors, "problem": problem,
        });
        told.to_string().into_bytes()
    }
}

pub(super) async fn find(tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<Option<JobView>, StoreError> {
    let rows = tx.fixed(&FIND, &[&Value::Uuid(tenant.uuid()), &Value::Uuid(job.uuid())]).await?;
    rows.first().map(JobView::read).transpose()
}

/// Newest first, those older than `before`.
pub(super) async fn page(tx: &mut Tx, tenant: TenantId, before: Uuid, rows: i64) -> Result<Vec<JobView>, StoreError> {
    let binds = [Value::Uuid(tenant.uuid()), Value::Uuid(before), Value::Int(rows)];
    tx.fixed(&PAGE, &binds.each_ref()).await?.iter().map(JobView::read).collect()
}

/// What adds the run of `kind` at `slot`, unless there is one.
pub(super) fn plan(
    tenant: TenantId,
    id: JobId,
    kind: Kind,
    slot: Timestamp,
    now: Timestamp,
) -> (&'static Fixed, Vec<Value>) {
    let binds = vec![
        Value::Uuid(tenant.uuid()),
        Value::Uuid(id.uuid()),
        Value::Text(kind.name().to_owned()),
        Value::Timestamp(slot),
        Value::Timestamp(now),
    ];
    (&PLAN, binds)
}

/// What adds a job that `account` asks for, due at once.
pub(super) fn ask(
    tenant: TenantId,
    id: JobId,
    kind: Kind,
    account: AccountId,
    now: Timestamp,
) -> (&'static Fixed, [Value; 5]) {
    let kind = Value::Text(kind.name().to_owned());
    let (id, account) = (Value::Uuid(id.uuid()), Value::Uuid(account.uuid()));
    (&ASK, [Value::Uuid(tenant.uuid()), id, kind, Value::Timestamp(now), account])
}

/// What removes those that ended long ago.
pub(super) fn prune(tenant: TenantId, now: Timestamp) -> (&'static Fixed, Vec<Value>) {
    (&PRUNE, vec![Value::Uuid(tenant.uuid()), Value::Timestamp(now.plus_seconds(-KEPT_SECONDS))])
}
