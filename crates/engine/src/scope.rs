//! The way to a tenant's data. A [`Scope`] is one verified caller in one tenant for one request; a transaction is
//! opened through it, and its lifetime brands everything taken from that transaction.

use std::sync::Arc;

use insula_model::problem::{Problem, Result};

use crate::caller::Caller;
use crate::engine::{Engine, Inner, Origin};
use crate::store::{self, Versions};
use crate::tenant::{Belief, CallerRights, Model, Tenant};
use crate::tx::{Altering, Designing, Finished, Mode, Reading, Tx, Writing};

/// How often is begun again what crossed with others, or what the schema moved under. Each time one of those has ended.
const ATTEMPTS: usize = 5;

/// A verified caller in one tenant, for one request.
pub struct Scope {
    engine: Engine,
    caller: Caller,
    tenant: Arc<Tenant>,
    origin: Origin,
}

impl Scope {
    pub(crate) fn new(engine: Engine, caller: Caller, origin: Origin) -> Self {
        let tenant = engine.0.tenants.get(caller.placement());
        Self { engine, caller, tenant, origin }
    }

    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine.0
    }

    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub(crate) fn engine_handle(&self) -> Engine {
        self.engine.clone()
    }

    /// Reads from one consistent view of the tenant. `work` runs again if the schema moved under it or the store gave it
    /// up, and must await nothing but the transaction.
    pub async fn read<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Reading>) -> Result<R> + Clone,
    {
        let _turn = self.tenant.serve().await?;
        for _ in 1..ATTEMPTS {
            let done = self.try_read(work.clone()).await?;
            if !done.schema_moved && !done.crossed {
                return done.result;
            }
            self.tenant.forget();
        }
        self.try_read(work).await?.result
    }

    /// Changes records. What `work` does commits as a whole when it gives `Ok`, and not at all otherwise; either answer
    /// returns only when what it saw is durable. `work` runs again if the model it saw was outdated, or if it was given
    /// up for the sake of another that it held up.
    pub async fn write<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Writing>) -> Result<R> + Clone,
    {
        let _turn = self.tenant.serve().await?;
        if let Some(believed) = self.tenant.believed(&self.caller) {
            let tx = self.engine().stores.tenant_write_at(self.caller.placement(), believed.0.versions).await?;
            let first = if versions(&tx)? == believed.0.versions {
                self.run(tx, believed, work.clone()).await
            } else {
                self.run_anew(tx, work.clone()).await?
            };
            // A refusal that rests on belief alone is worth nothing.
            if !first.schema_moved && !first.crossed && (first.confirmed || first.result.is_ok()) {
                return first.result;
            }
        }
        for _ in 1..ATTEMPTS {
            let done = self.write_anew(work.clone()).await?;
            if !done.crossed {
                return done.result;
            }
        }
        self.write_anew(work).await?.result
    }

    /// Changes the grants, alone on the tenant. The model is read anew afterwards.
    pub async fn alter<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Altering>) -> Result<R>,
    {
        let _turn = self.tenant.alter().await?;
        let tx = self.engine().stores.tenant_alter(self.caller.placement()).await?;
        let result = self.run_anew(tx, work).await?.result;
        self.tenant.forget();
        result
    }

    /// Changes the schema, alone on the tenant. The model is read anew afterwards. `work` runs again if it was given up for
    /// the sake of reads that it and that held up each other.
    pub async fn design<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Designing>) -> Result<R> + Clone,
    {
        let _turn = self.tenant.alter().await?;
        for _ in 1..ATTEMPTS {
            let done = self.try_design(work.clone()).await?;
            if !done.crossed {
                return done.result;
            }
        }
        self.try_design(work).await?.result
    }

    async fn try_design<R, F>(&self, work: F) -> Result<Finished<R>>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Designing>) -> Result<R>,
    {
        let tx = self.engine().stores.tenant_redesign(self.caller.placement()).await?;
        let done = self.run_anew(tx, work).await;
        self.tenant.forget();
        done
    }

    async fn try_read<R, F>(&self, work: F) -> Result<Finished<R>>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Reading>) -> Result<R>,
    {
        let known = self.tenant.known();
        let mut tx = self.engine().stores.tenant_read(self.caller.placement()).await?;
        let model = self.tenant.model_for_read(&known, &mut tx, self.engine().clock.now()).await?;
        let rights = self.rights(&model, &mut tx).await?;
        Ok(self.run(tx, (model, rights), work).await)
    }

    async fn write_anew<R, F>(&self, work: F) -> Result<Finished<R>>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Writing>) -> Result<R>,
    {
        let tx = self.engine().stores.tenant_write(self.caller.placement()).await?;
        self.run_anew(tx, work).await
    }

    /// Works under the model of the versions the transaction found.
    async fn run_anew<R, M, F>(&self, mut tx: store::Tx, work: F) -> Result<Finished<R>>
    where
        M: Mode,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, M>) -> Result<R>,
    {
        let versions = versions(&tx)?;
        let model = self.tenant.model_at(&mut tx, versions).await?;
        let rights = self.rights(&model, &mut tx).await?;
        Ok(self.run(tx, (model, rights), work).await)
    }

    async fn run<R, M, F>(&self, tx: store::Tx, (model, rights): Belief, work: F) -> Finished<R>
    where
        M: Mode,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, M>) -> Result<R>,
    {
        let mut tx = Tx::new(self, tx, model, rights);
        let result = work(&mut tx).await;
        tx.finish(result).await
    }

    async fn rights(&self, model: &Model, tx: &mut store::Tx) -> Result<Arc<CallerRights>> {
        model.rights_of(tx, self.caller.tenant(), self.caller.account(), self.caller.key()).await
    }
}

#[cfg(test)]
mod tests;

/// The versions a tenant's write found, or believed to find, when it began.
fn versions(tx: &store::Tx) -> Result<Versions> {
    tx.versions().ok_or_else(|| Problem::internal("a write began without its versions"))
}
