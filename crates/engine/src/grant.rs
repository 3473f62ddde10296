//! Permission to act on the records of one entity, as a value: what it allows is compiled into every statement made
//! with it. A grant for one action is no grant for another.

use std::marker::PhantomData;
use std::sync::Arc;

use insula_model::entity::{Entity, Field};
use insula_model::id::TenantId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, RecordRight};

use crate::sql::{Dialect, Policy};
use crate::tenant::{CallerRights, Model};
use crate::tx::{Brand, EntityRef, Mode, Tx};

/// An action on records, as a type.
pub trait RecordAction: sealed::Sealed {
    const ACTION: Action;
}

#[derive(Debug)]
pub enum Create {}
#[derive(Debug)]
pub enum Read {}
#[derive(Debug)]
pub enum Update {}
#[derive(Debug)]
pub enum Delete {}

impl RecordAction for Create {
    const ACTION: Action = Action::Create;
}
impl RecordAction for Read {
    const ACTION: Action = Action::Read;
}
impl RecordAction for Update {
    const ACTION: Action = Action::Update;
}
impl RecordAction for Delete {
    const ACTION: Action = Action::Delete;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Create {}
    impl Sealed for super::Read {}
    impl Sealed for super::Update {}
    impl Sealed for super::Delete {}
}

/// Permission for one action on the records of one entity, within one transaction.
pub struct Grant<'t, A: RecordAction> {
    pub(crate) tenant: TenantId,
    pub(crate) dialect: Dialect,
    pub(crate) entity: Arc<Entity>,
    pub(crate) right: Arc<RecordRight>,
    /// What the caller may read, which is what any answer may show; absent where nothing may be read.
    pub(crate) reads: Option<Arc<RecordRight>>,
    pub(crate) model: Arc<Model>,
    pub(crate) caller: Arc<CallerRights>,
    brand: Brand<'t>,
    action: PhantomData<A>,
}

impl<'t, M: Mode> Tx<'t, M> {
    /// The caller's permission for `A` on the records of `entity`.
    pub fn authorize<A: RecordAction>(&self, entity: &EntityRef<'t>) -> Result<Grant<'t, A>> {
        let right = |action| self.model.record_right(&self.caller, &entity.entity, action);
        let granted = right(A::ACTION).ok_or_else(Problem::forbidden)?;
        let reads = if A::ACTION == Action::Read { Some(Arc::clone(&granted)) } else { right(Action::Read) };
        Ok(Grant {
            tenant: self.author.tenant,
            dialect: self.store.dialect(),
            entity: Arc::clone(&entity.entity),
            right: granted,
            reads,
            model: Arc::clone(&self.model),
            caller: Arc::clone(&self.caller),
            brand: PhantomData,
            action: PhantomData,
        })
    }
}

impl<A: RecordAction> Grant<'_, A> {
    /// For the conditions of its rights in SQL.
    pub(crate) fn policy(&self) -> Policy<'_> {
        Policy { tenant: self.tenant, schema: &self.model.schema, entity: &self.entity }
    }

    /// Whether a field of the granted entity may be read on every record that may.
    pub(crate) fn shows(&self, field: &Field) -> bool {
        self.reads.as_deref().is_some_and(|reads| reads.always_reads_field(&self.entity, field))
    }
}
