//! Showing units.

use std::sync::Arc;

use insula_model::id::UnitId;
use insula_model::org::{Unit, UnitKind};
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};

use super::find;
use crate::tx::{Mode, Tx};

impl<M: Mode> Tx<'_, M> {
    /// Every unit of a kind, in the order of their names. Permission: `org`, `read`.
    pub fn units(&self, kind: UnitKind) -> Result<Vec<Arc<Unit>>> {
        self.require(Resource::Org, Action::Read)?;
        Ok(self.model.tree.units().iter().filter(|unit| unit.kind == kind).cloned().collect())
    }

    /// Permission: `org`, `read`.
    pub fn unit(&self, kind: UnitKind, id: UnitId) -> Result<Unit> {
        self.require(Resource::Org, Action::Read)?;
        find(&self.model.tree, kind, id)
    }
}
