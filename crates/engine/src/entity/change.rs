//! Applying what somebody wants the schema to be: tables, catalogue, events and history, in one transaction.

use std::sync::Arc;

use insula_model::entity::{Entity, FieldKind, Plan, Revision, Schema, UniqueKey};
use insula_model::id::EntityId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Permission, Resource};
use insula_model::value::Value;
use serde_json::Value as Json;

use super::conversion::Change;
use super::ddl;
use super::survey::Left;
use crate::audit::Event;
use crate::roles;
use crate::sql::Fixed;
use crate::tx::{Designing, Mode, Tx};

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.entity (tenant_id, id, name, position, definition) VALUES ($1, $2, $3, $4, $5)",
);
static UPDATE: Fixed =
    Fixed::new("UPDATE insula_tenant.entity SET name = $1, definition = $2 WHERE tenant_id = $3 AND id = $4");
static PARK: Fixed = Fixed::new("UPDATE insula_tenant.entity SET name = $1 WHERE tenant_id = $2 AND id = $3");
static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.entity WHERE tenant_id = $1 AND id = $2");
static BUMP: Fixed =
    Fixed::new("UPDATE insula_tenant.tenant SET schema_version = schema_version + 1 WHERE tenant_id = $1");

/// The schema as a change leaves it.
pub(super) struct Revised {
    pub(super) schema: Schema,
    pub(super) plan: Plan,
}

impl<M: Mode> Tx<'_, M> {
    /// Refuses what the caller may not do to the schema.
    pub(super) fn require_revisions(&self, revisions: &[Revision]) -> Result<()> {
        for revision in revisions {
            match revision {
                Revision::Create(_) => self.require(Resource::Entities, Action::Create)?,
                Revision::Drop(_) => self.require(Resource::Entities, Action::Delete)?,
                Revision::Alter { .. } => self.require(Resource::Entities, Action::Update)?,
            }
        }
        Ok(())
    }

    /// What `revisions` come to.
    pub(super) async fn plan_of(&mut self, revisions: &[Revision]) -> Result<Plan> {
        let roles = roles::all(self).await?.into_iter().filter(|role| !role.built_in);
        let permissions: Vec<Permission> = roles.flat_map(|role| role.permissions).collect();
        Ok(Plan::of(revisions, &self.model.schema, &permissions))
    }
}

impl Tx<'_, Designing> {
    /// Makes the schema what `revisions` say, at its next version. Where they say nothing new, nothing happens.
    pub(super) async fn revise(&mut self, revisions: &[Revision]) -> Result<Revised> {
        let revised = self.intended(revisions).await?;
        self.refuse_beside_conversion(revisions).await?;
        if !revised.plan.is_empty() {
            self.make(revisions, &revised, &[]).await?;
        }
        Ok(revised)
    }

    /// The same, or the job that will do it where there are many values to be taken over.
    pub(super) async fn revise_or_convert(&mut self, revisions: &[Revision]) -> Result<Change<Revised>> {
        let revised = self.intended(revisions).await?;
        self.refuse_beside_conversion(revisions).await?;
        if revised.plan.is_empty() {
            return Ok(Change::Made(revised));
        }
        if self.converts_many(revisions).await? {
            return self.convert_later(revisions).await.map(Change::Later);
        }
        self.make(revisions, &revised, &[]).await?;
        Ok(Change::Made(revised))
    }

    /// What `revisions` would make of the schema, where the caller may ask for it.
    pub(super) async fn intended(&mut self, revisions: &[Revision]) -> Result<Revised> {
        self.require_revisions(revisions)?;
        let schema = self.model.schema.revised(revisions)?;
        let plan = self.plan_of(revisions).await?;
        Ok(Revised { schema, plan })
    }

    /// Does what `revisions` say. Of the entities in `converted`, a job has taken over the values.
    pub(super) async fn make(
        &mut self,
        revisions: &[Revision],
        revised: &Revised,
        converted: &[EntityId],
    ) -> Result<()> {
        self.shape(revisions, converted).await?;
        self.catalogue(revisions).await?;
        for revision in revisions {
            self.tell(revision, &revised.schema).await?;
        }
        let tenant = self.tenant();
        self.store.fixed_execute(&BUMP, &[&tenant]).await.map_err(|error| self.failed(error))?;
        self.remember(revised.schema.version(), &revised.plan.steps).await
    }

    /// The tables. Of several new entities each may lead to any other, so relations come when all are there.
    async fn shape(&mut self, revisions: &[Revision], converted: &[EntityId]) -> Result<()> {
        let (dialect, tenant) = (self.store.dialect(), self.author.tenant);
        let new: Vec<&Entity> = revisions
            .iter()
            .filter_map(|r| if let Revision::Create(entity) = r { Some(entity) } else { None })
            .collect();
        let bare: Vec<Entity> =
            new.iter().map(|entity| if new.len() > 1 { bare(entity) } else { Entity::clone(entity) }).collect();
        for entity in &bare {
            self.run_all(ddl::create(dialect, tenant, entity)).await?;
        }
        for (bare, entity) in bare.iter().zip(new) {
            if bare.fields.len() < entity.fields.len() {
                self.reshape(bare, entity, Left::All).await?;
            }
        }
        for revision in revisions {
            if let Revision::Alter { before, after } = revision {
                let left = if converted.contains(&after.id) { Left::Changed } else { Left::All };
                self.reshape(before, after, left).await?;
            }
        }
        for revision in revisions {
            if let Revision::Drop(entity) = revision {
                self.run_all(ddl::drop(dialect, tenant, entity)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn run_all(&mut self, statements: Vec<String>) -> Result<()> {
        for statement in statements {
            self.store.ddl(&statement).await.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// The rows that hold the definitions. Names may change hands, so those that change are let go of first.
    async fn catalogue(&mut self, revisions: &[Revision]) -> Result<()> {
        let tenant = self.tenant();
        let id = |id: EntityId| Value::Uuid(id.uuid());
        for revision in revisions {
            match revision {
                Revision::Drop(entity) => self.fixed(&DELETE, [tenant.clone(), id(entity.id)]).await?,
                Revision::Alter { before, after } if before.name != after.name => {
                    // No name looks like an id.
                    let parked = Value::Text(after.id.to_string());
                    self.fixed(&PARK, [parked, tenant.clone(), id(after.id)]).await?;
                }
                _ => {}
            }
        }
        for revision in revisions {
            if let Revision::Alter { after, .. } = revision {
                let name = Value::Text(after.name.to_string());
                self.fixed(&UPDATE, [name, definition(after)?, tenant.clone(), id(after.id)]).await?;
            }
        }
        let mut position = i64::try_from(self.model.schema.entities().len()).unwrap_or(i64::MAX);
        for revision in revisions {
            if let Revision::Create(entity) = revision {
                let name = Value::Text(entity.name.to_string());
                let row = [tenant.clone(), id(entity.id), name, Value::Int(position), definition(entity)?];
                self.fixed(&INSERT, row).await?;
                position = position.saturating_add(1);
            }
        }
        Ok(())
    }

    pub(super) async fn fixed<const N: usize>(&mut self, sql: &Fixed, binds: [Value; N]) -> Result<()> {
        let done = self.store.fixed_execute(sql, &binds.each_ref()).await;
        done.map(drop).map_err(|error| self.failed(error))
    }

    /// The event of one revision. What stays as it is makes none.
    async fn tell(&mut self, revision: &Revision, schema: &Schema) -> Result<()> {
        let model = Arc::clone(&self.model);
        let was = |entity: &Entity| entity.view(&model.schema);
        let (action, entity, before, after): (_, &Entity, Option<Json>, Option<Json>) = match revision {
            Revision::Create(entity) => ("entity.create", entity, None, Some(entity.view(schema))),
            Revision::Alter { before, after } if **before == *after => return Ok(()),
            Revision::Alter { before, after } => ("entity.update", after, Some(was(before)), Some(after.view(schema))),
            Revision::Drop(entity) => ("entity.delete", entity, Some(was(entity)), None),
        };
        let bytes = |view: Option<Json>| view.map(|view| view.to_string().into_bytes());
        let (before, after) = (bytes(before), bytes(after));
        let (before, after) = (before.as_deref(), after.as_deref());
        self.append(&Event { action, entity: Some(entity), subject: None, before, after }).await
    }
}

fn definition(entity: &Entity) -> Result<Value> {
    serde_json::to_string(entity).map(Value::Text).map_err(Problem::internal)
}

/// The entity without what leads to others.
fn bare(entity: &Entity) -> Entity {
    let leads = |kind: &FieldKind| kind.target().or(kind.linked()).is_some();
    let fields: Vec<_> = entity.fields.iter().filter(|field| !leads(&field.kind)).cloned().collect();
    let all_there = |key: &&UniqueKey| key.fields.iter().all(|id| fields.iter().any(|field| field.id == *id));
    let unique = entity.unique.iter().filter(all_there).cloned().collect();
    Entity { fields, unique, ..entity.clone() }
}
