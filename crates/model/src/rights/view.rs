//! A permission as the API shows it: entities and fields by the names they have now. What is gone, or is not for the
//! reader to know, is not named.

use serde::Serialize;

use super::{Action, FieldLists, Permission, PermissionScope, Resource, Target};
use crate::entity::Schema;
use crate::id::FieldId;

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PermissionView {
    pub resource: String,
    pub actions: Vec<Action>,
    pub scope: PermissionScope,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<FieldNames>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldNames {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<Vec<String>>,
}

impl Target {
    /// `records:ticket`, `users`, …; nothing where the entity is gone.
    pub fn name(self, schema: &Schema) -> Option<String> {
        match self {
            Self::Only(Resource::Records(id)) => schema.entity(id).map(|entity| format!("records:{}", entity.name)),
            other => Some(other.into()),
        }
    }
}

impl Permission {
    /// `known` says which fields the reader knows of. Nothing where the entity is gone.
    pub fn view(&self, schema: &Schema, known: &dyn Fn(FieldId) -> bool) -> Option<PermissionView> {
        let names = |list: &Option<Vec<FieldId>>| {
            list.as_ref().map(|list| {
                let fields = list.iter().filter(|id| known(**id)).filter_map(|id| schema.field(*id));
                fields.map(|(_, field)| field.name.to_string()).collect()
            })
        };
        let fields = FieldNames { read: names(&self.fields.read), write: names(&self.fields.write) };
        Some(PermissionView {
            resource: self.target.name(schema)?,
            actions: self.actions.clone(),
            scope: self.scope,
            rule: self
                .rule
                .as_ref()
                .map(|rule| rule.text(&|id| schema.field(id).filter(|_| known(id)).map(|(_, field)| field))),
            fields: (self.fields != FieldLists::default()).then_some(fields),
        })
    }
}
