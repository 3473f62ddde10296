//! Reading one record.

use std::sync::Arc;

use insula_model::entity::SystemField;
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, RecordId};
use insula_model::problem::{Problem, Result};
use insula_model::value::{ColumnType, Value};

use super::linked::Linked;
use super::params::{self, Params};
use super::plan::PlanKeyRef;
use super::select::{Reader, Select};
use super::visible::VisibleRecord;
use crate::grant::{Grant, Read};
use crate::sql::{Slot, Statement};
use crate::store::Shape;
use crate::tx::{Brand, Mode, Rest, Tx};

/// Which fields of one record are wanted and which relations expanded; checked and compiled.
pub struct ValidSelection<'t> {
    plan: Arc<GetPlan>,
    _brand: Brand<'t>,
}

pub(super) struct GetPlan {
    statement: Statement,
    shape: Shape,
    linked: Vec<Linked>,
    entity: EntityId,
    expands: bool,
}

impl ValidSelection<'_> {
    /// Whether other records are part of the answer, which then changes without the record's own version.
    pub fn expands(&self) -> bool {
        self.plan.expands
    }
}

impl<'t> Grant<'t, Read> {
    /// Checks and compiles the raw query string of a read of one record.
    pub fn selection(&self, raw: &str) -> Result<ValidSelection<'t>> {
        let key = PlanKeyRef(self.caller.role_set, self.entity.id, raw);
        let plan = if let Some(plan) = self.model.plans.gets.get(&key) {
            plan
        } else {
            let plan = Arc::new(self.compile_one(&Params::parse(raw, params::OF_ONE)?)?);
            self.model.plans.gets.insert((&key).into(), Arc::clone(&plan));
            plan
        };
        Ok(ValidSelection { plan, _brand: std::marker::PhantomData })
    }

    fn compile_one(&self, params: &Params) -> Result<GetPlan> {
        let mut select = Select::new(Reader::new(self), self.tenant, self.dialect);
        let mut shape = select.record(params.fields.as_deref(), params.expand.as_deref())?;
        let version = select.column(0, Leaf::System(SystemField::Version));
        shape.captures = vec![(version, ColumnType::Int)];
        let mut w = select.write();
        w.raw(" AND ").column(0, Leaf::System(SystemField::Id)).raw(" = ").bind(Slot::Arg(0));
        let expands = params.expand.is_some();
        let linked = select.take_linked();
        Ok(GetPlan { statement: w.finish(), shape, linked, entity: self.entity.id, expands })
    }
}

impl<'t, M: Mode> Tx<'t, M> {
    /// One record, or 404 where there is none the grant covers.
    pub async fn get(&mut self, id: RecordId, selection: &ValidSelection<'t>) -> Result<VisibleRecord> {
        let GetPlan { statement, shape, linked, entity, .. } = &*selection.plan;
        let mut body = Vec::with_capacity(512);
        if self.rest == Rest::Nothing && linked.is_empty() {
            self.store.expect_one();
        }
        let tail = self.json(statement, &[Value::Uuid(id.uuid())], shape, 1, &mut body).await?;
        if !linked.is_empty() {
            body = self.with_linked(body, &tail.noted, linked).await?;
        }
        match tail.last.first() {
            Some(Value::Int(version)) if tail.rows == 1 => {
                Ok(VisibleRecord { entity: *entity, id, version: *version, is_bare: false, body })
            }
            _ => Err(Problem::not_found()),
        }
    }
}
