//! Showing the schema.

use insula_model::id::EntityId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use serde::Serialize;

use crate::attempt::Outcome;
use crate::tx::{EntityRef, Mode, Tx};

/// An entity as the API shows it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct EntityView(pub(super) serde_json::Value);

impl<'t, M: Mode> Tx<'t, M> {
    /// Every entity, in the order people gave them.
    pub fn entities(&self) -> Result<Vec<EntityView>> {
        self.require(Resource::Entities, Action::Read)?;
        let schema = &self.model.schema;
        Ok(schema.entities().iter().map(|entity| EntityView(entity.view(schema))).collect())
    }

    pub fn show_entity(&self, entity: &EntityRef<'t>) -> Result<EntityView> {
        self.require(Resource::Entities, Action::Read)?;
        Ok(EntityView(entity.entity.view(&self.model.schema)))
    }
}

impl Outcome for EntityView {
    fn note(&self) -> serde_json::Value {
        self.0.get("id").cloned().unwrap_or_default()
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let id: EntityId = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Entities, Action::Read)?;
        let schema = &tx.model.schema;
        schema.entity(id).map(|entity| Self(entity.view(schema))).ok_or_else(Problem::not_found)
    }
}

impl EntityView {
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}
