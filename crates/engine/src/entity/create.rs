//! Making an entity: its row in the catalogue, its table, its event, in one transaction.

use insula_model::entity::{self, Entity};
use insula_model::json::Json;
use insula_model::problem::{Code, FieldError, Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;

use super::ddl;
use super::show::EntityView;
use crate::attempt::{Attempt, Done};
use crate::audit::Event;
use crate::jobs::{Kind, Plan, Planned};
use crate::sql::Fixed;
use crate::tx::{Altering, Tx};

/// Most entities one tenant can have.
const MOST: usize = 1000;

static INSERT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.entity (tenant_id, id, name, position, definition) VALUES ($1, $2, $3, $4, $5)",
);
static BUMP: Fixed =
    Fixed::new("UPDATE insula_tenant.tenant SET schema_version = schema_version + 1 WHERE tenant_id = $1");

impl Attempt {
    /// Makes the entity that `body` defines, once for each key. Where it keeps deleted records, their purge is planned.
    pub async fn create_entity(&self, body: &Json) -> Result<Done<EntityView>> {
        let plan = if keeps_deleted(body) {
            // Each entity's own: there may have been none that kept any, and so no run.
            Plan::prepare(self.scope(), Kind::PurgeDeletedRecords, &Planned::default()).await?
        } else {
            None
        };
        let done = self.alter(body, async |tx| {
            let made = tx.create_entity(body).await?;
            if let Some(plan) = plan {
                plan.write(tx).await?;
            }
            Ok(made)
        });
        done.await
    }
}

/// Whether a definition, sound or not, asks for that.
fn keeps_deleted(body: &Json) -> bool {
    let Json::Object(members) = body else { return false };
    members.iter().any(|(name, value)| name == "soft_delete" && *value == Json::Bool(true))
}

impl Tx<'_, Altering> {
    /// Makes the entity that `body` defines.
    pub async fn create_entity(&mut self, body: &Json) -> Result<EntityView> {
        self.require(Resource::Entities, Action::Create)?;
        let schema = &self.model.schema;
        let entity = entity::define(body, schema, &self.engine().ids)?;
        if schema.named(entity.name.as_str()).is_some() {
            let message = format!("There is an entity `{}` already.", entity.name);
            let error = FieldError { pointer: "/name".to_owned(), code: Code::NotUnique, message };
            return Err(Problem::conflict("The name is taken.", vec![error]));
        }
        if schema.entities().len() >= MOST {
            return Err(Problem::conflict(format!("An organisation has at most {MOST} entities."), Vec::new()));
        }
        let view = entity.view(schema);
        let position = i64::try_from(schema.entities().len()).unwrap_or(i64::MAX);
        self.store_definition(&entity, position).await?;
        for statement in ddl::create(self.store.dialect(), self.author.tenant, &entity) {
            self.store.ddl(&statement).await.map_err(|error| self.failed(error))?;
        }
        self.schema_event("entity.create", &entity, None, Some(&view)).await?;
        Ok(EntityView(view))
    }

    async fn store_definition(&mut self, entity: &Entity, position: i64) -> Result<()> {
        let definition = serde_json::to_string(entity).map_err(Problem::internal)?;
        let row = [
            self.tenant(),
            Value::Uuid(entity.id.uuid()),
            Value::Text(entity.name.to_string()),
            Value::Int(position),
            Value::Text(definition),
        ];
        let done = self.store.fixed_execute(&INSERT, &row.iter().collect::<Vec<_>>()).await;
        done.map(drop).map_err(|error| self.failed(error))
    }

    /// Counts the schema's version up and writes the event of its change.
    pub(super) async fn schema_event(
        &mut self,
        action: &'static str,
        entity: &Entity,
        before: Option<&serde_json::Value>,
        after: Option<&serde_json::Value>,
    ) -> Result<()> {
        let tenant = self.tenant();
        self.store.fixed_execute(&BUMP, &[&tenant]).await.map_err(|error| self.failed(error))?;
        let bytes = |view: Option<&serde_json::Value>| view.map(|view| view.to_string().into_bytes());
        let (before, after) = (bytes(before), bytes(after));
        let event =
            Event { action, entity: Some(entity), subject: None, before: before.as_deref(), after: after.as_deref() };
        self.append(&event).await
    }
}
