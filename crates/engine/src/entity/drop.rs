//! Dropping an entity with all its records. Its id is never used again, so what is made later under its name inherits
//! nothing.

use std::sync::Arc;

use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;

use super::ddl;
use crate::sql::Fixed;
use crate::tx::{Altering, EntityRef, Tx};

static DELETE: Fixed = Fixed::new("DELETE FROM insula_tenant.entity WHERE tenant_id = $1 AND id = $2");

impl<'t> Tx<'t, Altering> {
    /// Drops the entity; 409 while a relation of another entity leads to it.
    pub async fn drop_entity(&mut self, entity: &EntityRef<'t>) -> Result<()> {
        self.require(Resource::Entities, Action::Delete)?;
        let entity = Arc::clone(&entity.entity);
        let schema = &self.model.schema;
        let leading = || schema.relations_to(entity.id).chain(schema.links_to(entity.id));
        let referring = leading().find(|(owner, _)| owner.id != entity.id);
        if let Some((owner, field)) = referring {
            let detail = format!("`{}.{}` leads to this entity. Drop that one first.", owner.name, field.name);
            return Err(Problem::conflict(detail, Vec::new()));
        }
        let before = entity.view(schema);
        let row = [self.tenant(), Value::Uuid(entity.id.uuid())];
        let done = self.store.fixed_execute(&DELETE, &[&row[0], &row[1]]).await;
        done.map_err(|error| self.failed(error))?;
        for statement in ddl::drop(self.store.dialect(), self.author.tenant, &entity) {
            self.store.ddl(&statement).await.map_err(|error| self.failed(error))?;
        }
        self.schema_event("entity.delete", &entity, Some(&before), None).await
    }
}
