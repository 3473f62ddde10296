//! Showing the schema.

use insula_model::entity::Entity;
use insula_model::id::EntityId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use serde::Serialize;
use serde_json::Value as Json;

use crate::attempt::Outcome;
use crate::tx::{EntityRef, Mode, Tx};

/// An entity as the API shows it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct EntityView(pub(super) Json);

impl<'t, M: Mode> Tx<'t, M> {
    /// Every entity, in the order people gave them.
    pub fn entities(&self) -> Result<Vec<EntityView>> {
        self.require(Resource::Entities, Action::Read)?;
        Ok(self.model.schema.entities().iter().map(|entity| self.view_entity(entity)).collect())
    }

    pub fn show_entity(&self, entity: &EntityRef<'t>) -> Result<EntityView> {
        self.require(Resource::Entities, Action::Read)?;
        Ok(self.view_entity(&entity.entity))
    }

    /// The entity without what is not there for the caller.
    fn view_entity(&self, entity: &Entity) -> EntityView {
        let mut view = entity.view(&self.model.schema);
        let unknown = entity.fields.iter().filter(|field| !self.knows_field(entity, field));
        let unknown: Vec<&str> = unknown.map(|field| field.name.as_str()).collect();
        if !unknown.is_empty() {
            let is_known = |id| entity.field(id).is_some_and(|field| self.knows_field(entity, field));
            let telling = entity.rules.iter().filter(|rule| !rule.expr.fields().all(is_known));
            conceal(&mut view, &unknown, &telling.map(|rule| rule.name.as_str()).collect::<Vec<_>>());
        }
        EntityView(view)
    }
}

/// Takes every mention of these fields out of an entity's view, and with it the rules that tell of them.
fn conceal(view: &mut Json, unknown: &[&str], telling: &[&str]) {
    let is_unknown = |name: &Json| name.as_str().is_some_and(|name| unknown.contains(&name));
    if let Some(fields) = view.get_mut("fields").and_then(Json::as_array_mut) {
        fields.retain(|field| !field.get("name").is_some_and(is_unknown));
    }
    if let Some(keys) = view.get_mut("unique").and_then(Json::as_array_mut) {
        keys.retain(|key| !key.as_array().is_some_and(|names| names.iter().any(is_unknown)));
    }
    if let Some(rules) = view.get_mut("rules").and_then(Json::as_array_mut) {
        rules.retain(|rule| !rule.get("name").and_then(Json::as_str).is_some_and(|name| telling.contains(&name)));
    }
    if let Some(title) = view.get_mut("title_field").filter(|title| is_unknown(title)) {
        *title = Json::Null;
    }
}

impl Outcome for EntityView {
    fn note(&self) -> Json {
        self.0.get("id").cloned().unwrap_or_default()
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: Json) -> Result<Self> {
        let id: EntityId = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Entities, Action::Read)?;
        tx.model.schema.entity(id).map(|entity| tx.view_entity(entity)).ok_or_else(Problem::not_found)
    }
}

impl EntityView {
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Json::as_str).unwrap_or_default()
    }
}
