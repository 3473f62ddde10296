//! What callers ask of the schema, each as the entities it is to have: to be made, or to be planned only.

use std::sync::Arc;

use insula_model::entity::{self, Entity, Field, Revision, Schema};
use insula_model::id::{EntityId, FieldId};
use insula_model::json::Json;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use serde::Serialize;

use super::conversion::Change;
use super::dry_run::PlanView;
use super::show::EntityView;
use crate::attempt::Outcome;
use crate::tx::{Designing, EntityRef, Mode, Tx};

/// A change somebody asks for.
#[derive(Clone, Copy, Debug)]
pub enum Design<'a> {
    CreateEntity(&'a Json),
    PatchEntity {
        entity: &'a str,
        body: &'a Json,
    },
    DropEntity {
        entity: &'a str,
    },
    AddField {
        entity: &'a str,
        body: &'a Json,
    },
    PatchField {
        entity: &'a str,
        field: &'a str,
        body: &'a Json,
    },
    DropField {
        entity: &'a str,
        field: &'a str,
    },
    /// The whole schema.
    Document(&'a Json),
}

/// A field as the API shows it.
#[derive(Debug, Serialize)]
pub struct FieldView {
    #[serde(skip)]
    owner: EntityId,
    #[serde(skip)]
    id: FieldId,
    #[serde(flatten)]
    view: serde_json::Value,
}

impl<M: Mode> Tx<'_, M> {
    /// What a change would come to. Permission: that of the change.
    pub async fn plan_design(&mut self, design: Design<'_>) -> Result<PlanView> {
        let revisions = self.revisions(design)?;
        self.dry_run(&revisions).await
    }

    pub(super) fn revisions(&self, design: Design<'_>) -> Result<Vec<Revision>> {
        let (schema, ids) = (&self.model.schema, &self.engine().ids);
        let one = match design {
            Design::CreateEntity(body) => {
                self.require(Resource::Entities, Action::Create)?;
                Revision::Create(entity::define(body, schema, ids)?)
            }
            Design::PatchEntity { entity, body } => {
                let before = self.designed(entity)?;
                alter(&before, entity::patch_entity(body, &before, schema, ids)?)
            }
            Design::DropEntity { entity } => {
                let entity = self.entity(entity)?;
                self.require(Resource::Entities, Action::Delete)?;
                Revision::Drop(entity.entity)
            }
            Design::AddField { entity, body } => {
                let before = self.designed(entity)?;
                alter(&before, entity::add_field(body, &before, schema, ids)?.0)
            }
            Design::PatchField { entity, field, body } => {
                let before = self.designed(entity)?;
                let field = field_of(&before, field)?;
                alter(&before, entity::patch_field(body, &before, field, schema, ids)?)
            }
            Design::DropField { entity, field } => {
                let before = self.designed(entity)?;
                let field = field_of(&before, field)?;
                alter(&before, entity::without_field(&before, field.id, ids))
            }
            Design::Document(body) => {
                self.require(Resource::Entities, Action::Update)?;
                return entity::document(body, schema, ids);
            }
        };
        Ok(vec![one])
    }

    /// An entity whose design the caller may change, who then knows all of it.
    fn designed(&self, name: &str) -> Result<Arc<Entity>> {
        let entity = self.entity(name)?;
        self.require(Resource::Entities, Action::Update)?;
        Ok(entity.entity)
    }
}

fn alter(before: &Arc<Entity>, after: Entity) -> Revision {
    Revision::Alter { before: Arc::clone(before), after }
}

fn field_of<'e>(entity: &'e Entity, name: &str) -> Result<&'e Field> {
    entity.field_named(name).ok_or_else(Problem::not_found)
}

impl<'t> Tx<'t, Designing> {
    /// Makes the entity that `body` defines. Permission: `entities`, `create`.
    pub async fn create_entity(&mut self, body: &Json) -> Result<EntityView> {
        self.require(Resource::Entities, Action::Create)?;
        let made = entity::define(body, &self.model.schema, &self.engine().ids)?;
        let id = made.id;
        let revised = self.revise(&[Revision::Create(made)]).await?;
        view_entity(&revised.schema, id)
    }

    /// Permission: `entities`, `update`.
    pub(super) async fn patch_entity(&mut self, entity: &str, body: &Json) -> Result<Change<EntityView>> {
        let before = self.designed(entity)?;
        let revisions = self.revisions(Design::PatchEntity { entity, body })?;
        let revised = self.revise_or_convert(&revisions).await?;
        revised.try_map(|revised| view_entity(&revised.schema, before.id))
    }

    /// Drops the entity; 409 while a relation of another entity leads to it. Its id is never used again, so what is made
    /// later under its name inherits nothing.
    pub async fn drop_entity(&mut self, entity: &EntityRef<'t>) -> Result<()> {
        self.require(Resource::Entities, Action::Delete)?;
        self.revise(&[Revision::Drop(Arc::clone(&entity.entity))]).await.map(drop)
    }

    /// Permission: `entities`, `update`.
    pub async fn add_field(&mut self, entity: &str, body: &Json) -> Result<FieldView> {
        let before = self.designed(entity)?;
        let (after, id) = entity::add_field(body, &before, &self.model.schema, &self.engine().ids)?;
        let revised = self.revise(&[alter(&before, after)]).await?;
        view_field(&revised.schema, before.id, id)
    }

    /// Permission: `entities`, `update`.
    pub(super) async fn patch_field(&mut self, entity: &str, field: &str, body: &Json) -> Result<Change<FieldView>> {
        let before = self.designed(entity)?;
        let id = field_of(&before, field)?.id;
        let revisions = self.revisions(Design::PatchField { entity, field, body })?;
        let revised = self.revise_or_convert(&revisions).await?;
        revised.try_map(|revised| view_field(&revised.schema, before.id, id))
    }

    /// Permission: `entities`, `update`.
    pub async fn drop_field(&mut self, entity: &str, field: &str) -> Result<()> {
        let revisions = self.revisions(Design::DropField { entity, field })?;
        self.revise(&revisions).await.map(drop)
    }
}

fn view_entity(schema: &Schema, id: EntityId) -> Result<EntityView> {
    let entity = schema.entity(id).ok_or_else(|| Problem::internal("a change left no entity"))?;
    Ok(EntityView(entity.view(schema)))
}

fn view_field(schema: &Schema, entity: EntityId, id: FieldId) -> Result<FieldView> {
    let owner = schema.entity(entity).ok_or_else(Problem::not_found)?;
    let field = owner.field(id).ok_or_else(Problem::not_found)?;
    Ok(FieldView { owner: entity, id, view: field.view(schema, owner) })
}

impl Outcome for FieldView {
    fn note(&self) -> serde_json::Value {
        serde_json::json!([self.owner, self.id])
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let (owner, id): (EntityId, FieldId) = serde_json::from_value(note).map_err(Problem::internal)?;
        tx.require(Resource::Entities, Action::Read)?;
        let entity = tx.model.schema.entity(owner).ok_or_else(Problem::not_found)?;
        let field = entity.field(id).filter(|field| tx.knows_field(entity, field)).ok_or_else(Problem::not_found)?;
        view_field(&tx.model.schema, owner, field.id)
    }
}
