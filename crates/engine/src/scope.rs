//! The way to a tenant's data. A [`Scope`] is one verified caller in one tenant for one request; a transaction is
//! opened through it, and its lifetime brands everything taken from that transaction.

use std::sync::Arc;

use insula_model::problem::{Problem, Result};

use crate::caller::Caller;
use crate::engine::{Engine, Inner, Origin};
use crate::store;
use crate::tenant::{CallerRights, Model, Tenant};
use crate::tx::{Altering, Reading, Tx, Writing};

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

    pub(crate) fn engine_handle(&self) -> Engine {
        self.engine.clone()
    }

    /// Reads from one consistent view of the tenant. `work` runs once more if the schema moved under it, and must await
    /// nothing but the transaction.
    pub async fn read<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Reading>) -> Result<R> + Clone,
    {
        let _turn = self.tenant.serve().await?;
        for _ in 0..2 {
            let known = self.tenant.known();
            let mut inner = self.engine().stores.tenant_read(self.caller.placement()).await?;
            let model = self.tenant.model_for_read(&known, &mut inner, self.engine().clock.now()).await?;
            let rights = self.rights(&model, &mut inner).await?;
            let mut tx = Tx::new(self, inner, model, rights);
            let result = work.clone()(&mut tx).await;
            if tx.schema_moved() {
                self.tenant.forget();
                continue;
            }
            // A read has nothing to lose: how its transaction ends does not matter to the answer.
            drop(tx.into_store().commit().await);
            return result;
        }
        Err(Problem::unavailable("the schema kept changing under a read"))
    }

    /// Changes records. What `work` does commits as a whole when it gives `Ok`, and not at all otherwise; either answer
    /// returns only when what it saw is durable.
    pub async fn write<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Writing>) -> Result<R>,
    {
        let _turn = self.tenant.serve().await?;
        let mut inner = self.engine().stores.tenant_write(self.caller.placement()).await?;
        let versions = versions(&inner)?;
        let model = self.tenant.model_at(&mut inner, versions).await?;
        let rights = self.rights(&model, &mut inner).await?;
        let mut tx = Tx::new(self, inner, model, rights);
        let result = work(&mut tx).await;
        finish(tx.into_store(), result).await
    }

    /// Changes the schema or the grants, alone on the tenant. The model is read anew afterwards.
    pub async fn alter<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Altering>) -> Result<R>,
    {
        let _turn = self.tenant.alter().await?;
        let mut inner = self.engine().stores.tenant_alter(self.caller.placement()).await?;
        let versions = versions(&inner)?;
        let model = self.tenant.model_at(&mut inner, versions).await?;
        let rights = self.rights(&model, &mut inner).await?;
        let mut tx = Tx::new(self, inner, model, rights);
        let result = work(&mut tx).await;
        let result = finish(tx.into_store(), result).await;
        self.tenant.forget();
        result
    }

    async fn rights(&self, model: &Model, tx: &mut store::Tx) -> Result<Arc<CallerRights>> {
        model.rights_of(tx, self.caller.placement().tenant, self.caller.account()).await
    }
}

/// The versions a tenant's write found when it began.
fn versions(tx: &store::Tx) -> Result<store::Versions> {
    tx.versions().ok_or_else(|| Problem::internal("a write began without its versions"))
}

/// Commits on `Ok`, rolls back on `Err`.
async fn finish<R>(tx: store::Tx, result: Result<R>) -> Result<R> {
    match result {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(problem) => {
            // The refusal stands whatever becomes of the rollback: a lost connection rolls back too.
            drop(tx.rollback().await);
            Err(problem)
        }
    }
}
