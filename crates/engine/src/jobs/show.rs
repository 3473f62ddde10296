//! One job.

use insula_model::id::JobId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::stored::{self, JobView};
use crate::scope::Scope;
use crate::tx::{Mode, Tx};

/// Permission: `tenant`, `read`, or to have asked for it.
pub async fn show(scope: &Scope, job: JobId) -> Result<JobView> {
    scope.read(async |tx| read(tx, job).await).await
}

pub(super) async fn read<M: Mode>(tx: &mut Tx<'_, M>, job: JobId) -> Result<JobView> {
    find(tx, job, Action::Read).await
}

/// The job, for who may do this with all of them, or has asked for it.
pub(super) async fn find<M: Mode>(tx: &mut Tx<'_, M>, job: JobId, action: Action) -> Result<JobView> {
    let (tenant, account) = (tx.author.tenant, tx.author.account);
    let found = stored::find(&mut tx.store, tenant, job).await.map_err(|error| tx.failed(error))?;
    if !found.as_ref().is_some_and(|found| found.is_asked_by(account)) {
        tx.require(Resource::Tenant, action)?;
    }
    found.map(|found| found.seen_by(account)).ok_or_else(Problem::not_found)
}
