//! Removing a unit that nothing belongs to.

use std::sync::Arc;

use insula_model::entity::FieldKind;
use insula_model::expr::Leaf;
use insula_model::id::UnitId;
use insula_model::org::{Unit, UnitKind};
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;

use super::{find, unit};
use crate::sql::{Slot, SqlWriter};
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    /// Permission: `org`, `delete`. 409 while a unit, a user or a record refers to it, deleted records included.
    pub async fn delete_unit(&mut self, kind: UnitKind, id: UnitId) -> Result<()> {
        self.require(Resource::Org, Action::Delete)?;
        let before = find(&self.model.tree, kind, id)?;
        let in_the_way = if self.model.tree.units().iter().any(|unit| unit.parent == Some(id)) {
            Some("Other units are part of it. Move or remove them first.")
        } else if unit::is_peopled(self, &before).await? {
            Some("Users belong to it. Move them first.")
        } else if self.is_recorded(&before).await? {
            Some("Records belong or refer to it, deleted ones perhaps. Change them first.")
        } else {
            None
        };
        if let Some(reason) = in_the_way {
            return Err(Problem::conflict(reason, Vec::new()));
        }
        unit::delete(self, &before).await?;
        self.org_changed("org.delete", Some(&before), None).await
    }

    /// Whether a record, seen or not, refers to it. No record comes to while the grants are changed.
    async fn is_recorded(&mut self, unit: &Unit) -> Result<bool> {
        let model = Arc::clone(&self.model);
        for entity in model.schema.entities() {
            for field in entity.fields.iter().filter(|field| field.kind == FieldKind::Unit) {
                let mut w = SqlWriter::new(self.store.dialect());
                w.raw("SELECT 1 FROM ").table(self.author.tenant, entity.id).raw(" AS a0 WHERE ");
                w.column(0, Leaf::Field(field.column())).raw(" = ").bind(Slot::Arg(0)).raw(" LIMIT 1");
                if !self.rows(&w.finish(), &[Value::Uuid(unit.id.uuid())]).await?.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
