//! What of the tenant's schema one caller can use: its entities and fields reduced to the caller's rights, for the
//! document that describes the API. What may not be used is not in it.

use std::sync::Arc;

use insula_model::entity::{Entity, Field, FieldKind, Schema};
use insula_model::id::TenantId;
use insula_model::name::Name;
use insula_model::rights::{Action, FieldMask, RecordRight, Rights};

use crate::tenant::RoleSet;
use crate::tx::{Mode, Tx};

/// Everything a [`Surface`] depends on: two callers with the same key have the same surface.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SurfaceKey {
    tenant: TenantId,
    schema_version: i64,
    grants_version: i64,
    roles: RoleSet,
}

/// What one caller can use.
#[derive(Debug)]
pub struct Surface {
    pub rights: Rights,
    pub entities: Vec<UsableEntity>,
}

/// An entity on whose records the caller can do something.
#[derive(Debug)]
pub struct UsableEntity {
    pub name: Name,
    pub label: String,
    pub plural_label: String,
    /// Never empty.
    pub actions: Vec<Action>,
    pub fields: Vec<UsableField>,
    /// Some of its records are not there for the caller, so that he may write one he does not see.
    pub is_ruled: bool,
    /// Deleted records can be listed and restored.
    pub keeps_deleted: bool,
}

/// A field the caller can read or write.
#[derive(Debug)]
pub struct UsableField {
    pub field: Field,
    /// `Read` where it may be read, `Create` and `Update` where it may be written. Never empty.
    pub actions: Vec<Action>,
    /// The entity a relation leads to, or whose records are linked, where the caller may read it.
    pub target: Option<Name>,
}

impl UsableEntity {
    pub fn allows(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }
}

impl UsableField {
    pub fn allows(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }
}

impl<M: Mode> Tx<'_, M> {
    /// What [`Tx::surface`] would depend on, without making it.
    pub fn surface_key(&self) -> SurfaceKey {
        SurfaceKey {
            tenant: self.author.tenant,
            schema_version: self.model.versions.schema,
            grants_version: self.model.versions.grants,
            roles: (self.rights().roles().to_vec(), self.caller.scopes.clone()),
        }
    }

    /// What the caller can use. Needs no right: who has none sees nothing.
    pub fn surface(&self) -> Surface {
        let schema = &self.model.schema;
        let entities = schema.entities().iter().filter_map(|entity| self.usable(schema, entity)).collect();
        Surface { rights: self.rights().clone(), entities }
    }

    fn usable(&self, schema: &Schema, entity: &Entity) -> Option<UsableEntity> {
        let right = |entity: &Entity, action| self.model.record_right(&self.caller, entity, action);
        let rights: Vec<_> = [Action::Create, Action::Read, Action::Update, Action::Delete]
            .into_iter()
            .filter_map(|action| Some((action, right(entity, action)?)))
            .collect();
        if rights.is_empty() {
            return None;
        }
        let reaches = |position, action: Action| {
            let mask = |mask: &FieldMask| mask.contains(position);
            rights.iter().any(|(granted, right)| match granted {
                Action::Read => action == Action::Read && mask(&right.readable),
                Action::Create | Action::Update => action == *granted && mask(&right.writable),
                Action::Delete | Action::Export | Action::Admin => false,
            })
        };
        let field = |(position, field): (usize, &Field)| {
            let actions: Vec<_> = [Action::Read, Action::Create, Action::Update]
                .into_iter()
                .filter(|action| reaches(position, *action))
                .filter(|action| *action == Action::Read || field.kind != FieldKind::AutoNumber)
                .collect();
            let target = field.kind.target().or(field.kind.linked()).and_then(|id| schema.entity(id));
            let target =
                target.filter(|target| right(target, Action::Read).is_some()).map(|target| target.name.clone());
            (!actions.is_empty()).then(|| UsableField { field: field.clone(), actions, target })
        };
        // What is open on some records only may be null to him.
        let seen = rights.iter().find_map(|(_, right)| right.seen.as_deref());
        let known = seen.unwrap_or(entity);
        let is_ruled = |(action, right): &(Action, Arc<RecordRight>)| *action == Action::Read && right.rule.is_some();
        Some(UsableEntity {
            name: entity.name.clone(),
            label: entity.label.clone(),
            plural_label: entity.plural_label.clone(),
            actions: rights.iter().map(|(action, _)| *action).collect(),
            fields: known.fields.iter().enumerate().filter_map(field).collect(),
            is_ruled: rights.iter().any(is_ruled),
            keeps_deleted: entity.soft_delete,
        })
    }
}
