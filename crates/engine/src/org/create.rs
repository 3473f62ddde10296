//! Making a unit.

use insula_model::json::Json;
use insula_model::org::{MAX_UNITS, Unit, UnitDraft, UnitKind};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

use super::{check, unit};
use crate::attempt::Outcome;
use crate::tx::{Altering, Mode, Tx};

impl Tx<'_, Altering> {
    /// Permission: `org`, `create`. `{parent, code?, name, attributes?}`; a company has no parent.
    pub async fn create_unit(&mut self, kind: UnitKind, body: &Json) -> Result<Unit> {
        self.require(Resource::Org, Action::Create)?;
        let UnitDraft { parent, code, name, attributes } = UnitDraft::read(body, kind)?;
        let new = Unit { id: self.engine().ids.next(), kind, parent, code, name, attributes };
        check(&new, &self.model.tree)?;
        if self.model.tree.units().len() >= MAX_UNITS {
            return Err(Problem::conflict(format!("An organisation has at most {MAX_UNITS} units."), Vec::new()));
        }
        unit::insert(self, &new).await?;
        self.org_changed("org.create", None, Some(&new)).await?;
        Ok(new)
    }
}

impl Outcome for Unit {
    fn note(&self) -> serde_json::Value {
        serde_json::json!(self.id)
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let id = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Org, Action::Read)?;
        tx.model.tree.unit(id).map(|unit| Self::clone(unit)).ok_or_else(Problem::not_found)
    }
}
