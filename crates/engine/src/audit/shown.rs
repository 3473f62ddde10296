//! How much of an event's values its reader may see: of records what he may read of them, of administration what he may
//! read there. That something happened, and who did it, is told to every reader of the trail.

use std::collections::HashMap;

use insula_model::id::EntityId;
use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::sql::Fixed;
use crate::tx::{Mode, Tx};

static LAST_DESIGN: Fixed = Fixed::new(
    "SELECT id FROM insula_tenant.audit_event \
     WHERE tenant_id = $1 AND entity_id = $2 AND record_id IS NULL ORDER BY id DESC LIMIT 1",
);

#[derive(Clone, Debug)]
pub(super) enum Shown {
    All,
    /// These fields, in events since this one: before it the same names may have meant other fields.
    Fields {
        names: Vec<String>,
        since: Uuid,
    },
    None,
}

/// What is shown of the records of each entity, as far as it was asked for.
pub(super) type OfEntities = HashMap<EntityId, Shown>;

impl Shown {
    /// `values` of the event `id`, or as much of them as is shown.
    pub(super) fn of(&self, id: Uuid, values: Map<String, Json>) -> Option<Map<String, Json>> {
        match self {
            Self::All => Some(values),
            Self::Fields { names, since } if id > *since => {
                Some(values.into_iter().filter(|(name, _)| names.contains(name)).collect())
            }
            Self::Fields { .. } | Self::None => None,
        }
    }
}

impl<M: Mode> Tx<'_, M> {
    /// What of an event's values the caller may see, by its action and entity.
    pub(super) async fn shown(
        &mut self,
        action: &str,
        entity: Option<EntityId>,
        of_entities: &mut OfEntities,
    ) -> Result<Shown> {
        let resource = match (action.split_once('.').map_or(action, |(kind, _)| kind), entity) {
            ("record", Some(entity)) => {
                if let Some(shown) = of_entities.get(&entity) {
                    return Ok(shown.clone());
                }
                let shown = self.shown_of(entity).await?;
                of_entities.insert(entity, shown.clone());
                return Ok(shown);
            }
            (_, Some(_)) => Resource::Entities,
            ("user", _) => Resource::Users,
            ("role" | "api_key", _) => Resource::Roles,
            ("group", _) => Resource::Groups,
            ("org", _) => Resource::Org,
            _ => return Ok(Shown::All),
        };
        // What a design, a role or a key says may name any field or entity.
        let whole = !matches!(resource, Resource::Entities | Resource::Roles)
            || self.designs()
            || self.rights().reads_everything();
        Ok(if whole && self.rights().allows(resource, Action::Read) { Shown::All } else { Shown::None })
    }

    /// A right that reaches some records only shows none of their past: whether they were within reach, no event tells.
    async fn shown_of(&mut self, id: EntityId) -> Result<Shown> {
        let Some(entity) = self.model.schema.entity(id).cloned() else {
            return Ok(if self.rights().reads_everything() { Shown::All } else { Shown::None });
        };
        let Some(reads) = self.model.record_right(&self.caller, &entity, Action::Read) else {
            return Ok(Shown::None);
        };
        if reads.is_whole() {
            return Ok(Shown::All);
        }
        if reads.rule.is_some() {
            return Ok(Shown::None);
        }
        let readable = entity.fields.iter().enumerate().filter(|(position, _)| reads.always_reads(*position));
        let names = readable.map(|(_, field)| field.name.to_string()).collect();
        let binds = [self.tenant(), Value::Uuid(id.uuid())];
        let rows = self.store.fixed(&LAST_DESIGN, &binds.each_ref()).await.map_err(|error| self.failed(error))?;
        match rows.first() {
            Some(row) => Ok(Shown::Fields { names, since: row.id(0)? }),
            None => Ok(Shown::None),
        }
    }
}
