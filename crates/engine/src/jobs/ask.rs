//! Jobs that somebody asks for. The platform is told before the transaction that adds one, as of every job, and once more
//! when it has committed, so that the job begins at once.

use insula_model::id::JobId;
use insula_model::problem::Result;

use super::kind::Kind;
use super::{queue, stored};
use crate::audit::Event;
use crate::scope::Scope;
use crate::tx::{Mode, Tx};

/// Tells the platform that a transaction of `scope` may add a job.
pub(crate) async fn announce(scope: &Scope) -> Result<()> {
    let engine = scope.engine();
    Ok(queue::note(engine, scope.caller().tenant(), engine.clock.now()).await?)
}

/// Adds the job, with its event.
pub(crate) async fn ask<M: Mode>(tx: &mut Tx<'_, M>, kind: Kind) -> Result<JobId> {
    let (tenant, id) = (tx.author.tenant, tx.engine().ids.next());
    let (sql, binds) = stored::ask(tenant, id, kind, tx.author.account, tx.author.now);
    tx.store.fixed_execute(sql, &binds.each_ref()).await.map_err(|error| tx.failed(error))?;
    let added = stored::find(&mut tx.store, tenant, id).await.map_err(|error| tx.failed(error))?;
    let after = added.map(|job| job.audited());
    let event =
        Event { action: "job.create", entity: None, subject: Some(id.uuid()), before: None, after: after.as_deref() };
    tx.append(&event).await?;
    Ok(id)
}

/// Has a job begin that was added. Where that fails, it begins when what was announced has settled.
pub(crate) async fn rouse(scope: &Scope) {
    let (engine, tenant) = (scope.engine(), scope.caller().tenant());
    match queue::rouse(engine, tenant, engine.clock.now()).await {
        Ok(()) => engine.wake(),
        Err(error) => tracing::warn!(%tenant, %error, "a job begins later"),
    }
}
