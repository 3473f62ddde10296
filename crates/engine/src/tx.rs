//! One transaction of one scope, and what is taken from it: entities, grants. Everything taken carries the
//! transaction's lifetime as a brand, so that it cannot be used in another.

use std::marker::PhantomData;
use std::sync::Arc;

use insula_model::entity::Entity;
use insula_model::id::{AccountId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource, Rights};
use insula_model::value::{Timestamp, Value};

use crate::audit::{self, Event};
use crate::engine::Inner;
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::store;
use crate::tenant::{CallerRights, Model};

static NEXT_GRANTS: Fixed =
    Fixed::new("UPDATE insula_tenant.tenant SET grants_version = grants_version + 1 WHERE tenant_id = $1");

/// What a transaction may do.
pub trait Mode: sealed::Sealed {}

/// Only reads.
#[derive(Debug)]
pub enum Reading {}
/// Changes records.
#[derive(Debug)]
pub enum Writing {}
/// Changes the schema or the grants.
#[derive(Debug)]
pub enum Altering {}

impl Mode for Reading {}
impl Mode for Writing {}
impl Mode for Altering {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Reading {}
    impl Sealed for super::Writing {}
    impl Sealed for super::Altering {}
}

/// Invariant in `'t`: two transactions' brands never unify.
pub(crate) type Brand<'t> = PhantomData<fn(&'t ()) -> &'t ()>;

/// One open transaction.
pub struct Tx<'t, M: Mode> {
    pub(crate) store: store::Tx,
    pub(crate) model: Arc<Model>,
    pub(crate) caller: Arc<CallerRights>,
    pub(crate) author: Author,
    engine: crate::engine::Engine,
    schema_moved: bool,
    brand: Brand<'t>,
    mode: PhantomData<M>,
}

/// Who does what this transaction does; repeated in every audit event of it.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    pub(crate) email: Arc<str>,
    pub(crate) origin: crate::engine::Origin,
    pub(crate) now: Timestamp,
}

/// An entity of the tenant this transaction is on.
#[derive(Clone, Debug)]
pub struct EntityRef<'t> {
    pub(crate) entity: Arc<Entity>,
    brand: Brand<'t>,
}

impl<'t, M: Mode> Tx<'t, M> {
    pub(crate) fn new(scope: &Scope, store: store::Tx, model: Arc<Model>, caller: Arc<CallerRights>) -> Self {
        let author = Author {
            tenant: scope.caller().placement().tenant,
            account: scope.caller().account(),
            email: scope.caller().email_shared(),
            origin: scope.origin().clone(),
            now: scope.engine().clock.now(),
        };
        let engine = scope.engine_handle();
        Self { store, model, caller, author, engine, schema_moved: false, brand: PhantomData, mode: PhantomData }
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine.0
    }

    pub(crate) const fn schema_moved(&self) -> bool {
        self.schema_moved
    }

    pub(crate) fn into_store(self) -> store::Tx {
        self.store
    }

    /// Notes that the schema moved, so that a read is begun again, and passes the failure on.
    pub(crate) fn failed(&mut self, error: store::StoreError) -> Problem {
        self.schema_moved |= matches!(error, store::StoreError::SchemaMoved(_));
        match error {
            // A write that meets it knows its versions to be right only until the owner's next change.
            moved @ store::StoreError::SchemaMoved(_) => Problem::unavailable(moved),
            other => other.into(),
        }
    }

    /// Appends an audit event to this transaction.
    pub(crate) async fn append(&mut self, event: &Event<'_>) -> Result<()> {
        let appended = audit::append(&mut self.store, &self.author, &self.engine.0.ids, event).await;
        appended.map_err(|error| self.failed(error))
    }

    /// What the caller may do.
    pub fn rights(&self) -> &Rights {
        &self.caller.rights
    }

    /// An entity by its name. Unknown and invisible are one answer.
    pub fn entity(&self, name: &str) -> Result<EntityRef<'t>> {
        let entity = self.model.schema.named(name).ok_or_else(Problem::not_found)?;
        if !self.knows(entity) {
            return Err(Problem::not_found());
        }
        Ok(EntityRef { entity: Arc::clone(entity), brand: PhantomData })
    }

    /// Whether an entity is there for the caller.
    pub(crate) fn knows(&self, entity: &Entity) -> bool {
        self.rights().touches(entity) || self.rights().allows(Resource::Entities, Action::Read)
    }

    /// Refuses what the caller's roles do not allow.
    pub(crate) fn require(&self, resource: Resource, action: Action) -> Result<()> {
        if self.rights().allows(resource, action) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

impl Tx<'_, Altering> {
    /// Ends a change of who may do what: its event, and the grants' next version, so that it bites at once.
    pub(crate) async fn grants_changed(&mut self, event: &Event<'_>) -> Result<()> {
        self.append(event).await?;
        let tenant = Value::Uuid(self.author.tenant.uuid());
        self.store.fixed_execute(&NEXT_GRANTS, &[&tenant]).await.map_err(|error| self.failed(error))?;
        Ok(())
    }
}

impl EntityRef<'_> {
    pub fn name(&self) -> &str {
        self.entity.name.as_str()
    }
}
