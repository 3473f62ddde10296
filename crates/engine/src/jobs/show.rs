//! One job.

use insula_model::id::JobId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::stored::{self, JobView};
use crate::scope::Scope;
use crate::tx::{Mode, Tx};

/// Permission: `tenant`, `read`.
pub async fn show(scope: &Scope, job: JobId) -> Result<JobView> {
    scope.read(async |tx| read(tx, job).await).await
}

pub(super) async fn read<M: Mode>(tx: &mut Tx<'_, M>, job: JobId) -> Result<JobView> {
    tx.require(Resource::Tenant, Action::Read)?;
    let tenant = tx.author.tenant;
    let found = stored::find(&mut tx.store, tenant, job).await.map_err(|error| tx.failed(error))?;
    found.ok_or_else(Problem::not_found)
}
