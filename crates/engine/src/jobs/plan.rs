//! Planning a run of a schedule: in the transaction of what makes it necessary, once for each time of the schedule.

use std::sync::atomic::{AtomicI64, Ordering};

use insula_model::id::{JobId, TenantId};
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};

use super::kind::Kind;
use super::{queue, stored};
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store::StoreError;
use crate::tx::{Mode, Tx, as_it_is};

/// A run that is less than this away may have looked before what is done now commits.
const AHEAD_SECONDS: i64 = 60;

/// A run of a schedule.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Plan {
    kind: Kind,
    slot: Timestamp,
}

/// Up to when a tenant's runs of a kind are known to be planned, in microseconds since 1970. It spares asking.
#[derive(Default)]
pub(crate) struct Planned(AtomicI64);

impl Planned {
    fn cover(&self, slot: Timestamp) -> bool {
        self.0.load(Ordering::Relaxed) >= slot.as_micros()
    }

    /// To be told once the plan has committed.
    pub(crate) fn note(&self, plan: Plan) {
        self.0.fetch_max(plan.slot.as_micros(), Ordering::Relaxed);
    }
}

impl Plan {
    /// The next run, if `kind` has a schedule.
    pub(crate) fn next(kind: Kind, now: Timestamp) -> Result<Option<Self>, StoreError> {
        Ok(kind.next_slot(now)?.map(|slot| Self { kind, slot }))
    }

    /// What a transaction of `scope` that gives `kind` something to do has to [`Plan::write`]; `None` where it is there
    /// already. The platform is told before, so that no node misses it.
    pub(crate) async fn prepare(scope: &Scope, kind: Kind, planned: &Planned) -> Result<Option<Self>, StoreError> {
        let (engine, now) = (scope.engine(), scope.engine().clock.now());
        let next = Self::next(kind, now.plus_seconds(AHEAD_SECONDS))?.filter(|plan| !planned.cover(plan.slot));
        if next.is_some() {
            queue::note(engine, scope.caller().tenant(), now).await?;
        }
        Ok(next)
    }

    /// The same of what can wait for another request, where this one cannot wait for the platform.
    pub(crate) async fn ahead(scope: &Scope, kind: Kind, planned: &Planned) -> Option<Self> {
        Self::prepare(scope, kind, planned).await.unwrap_or_else(|error| {
            tracing::warn!(%error, kind = kind.name(), "a job is not planned");
            None
        })
    }

    /// What adds the run, unless it is there, where there is no transaction of a scope.
    pub(super) fn statement(self, tenant: TenantId, id: JobId, now: Timestamp) -> (&'static Fixed, Vec<Value>) {
        stored::plan(tenant, id, self.kind, self.slot, now)
    }

    /// Adds the run, unless it is there.
    pub(crate) async fn write<M: Mode>(self, tx: &mut Tx<'_, M>) -> Result<()> {
        let (id, dialect) = (tx.engine().ids.next(), tx.store.dialect());
        let (sql, binds) = self.statement(tx.author.tenant, id, tx.author.now);
        tx.send(sql.text(dialect), vec![binds], as_it_is()).await
    }
}
