//! What a tenant designs: entities, their fields, and the schema they make together.

mod define;
mod document;
mod field;
mod plan;
mod redefine;
mod retype;
mod rule;
mod schema;
mod view;

use serde::{Deserialize, Serialize};

pub use define::define;
pub use document::{MAX_ENTITIES, document};
pub use field::{Field, FieldColumn, FieldKind, OnDelete, SystemField};
pub use plan::{Plan, Revision, Step, StepKind, Warning, WarningKind};
pub use redefine::{add_field, patch_entity, patch_field, without_field};
pub use retype::Refused;
pub use rule::Rule;
pub use schema::Schema;

use crate::id::{EntityId, FieldId, UniqueId};
use crate::name::Name;
use crate::rights::PermissionScope;
use crate::value::ColumnType;

/// One entity. Its id never changes and is never used again, so names may.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entity {
    pub id: EntityId,
    pub name: Name,
    pub label: String,
    pub plural_label: String,
    /// The field that stands for a record where one line must do.
    pub title_field: Option<FieldId>,
    pub fields: Vec<Field>,
    pub unique: Vec<UniqueKey>,
    /// Deleted records are kept for a while and can be restored; to everything else they are gone.
    #[serde(default)]
    pub soft_delete: bool,
    /// What must hold of every record that is written.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// To whom its records belong. If to a kind of unit, a field says to which: see [`Entity::unit_field`].
    #[serde(default)]
    pub scope: PermissionScope,
}

/// The name of the field that says to which unit a record belongs, where the entity's scope asks for it.
pub const UNIT_FIELD: &str = "unit";

/// No two records agree on all of these fields. Null equals nothing, so records with a null never clash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UniqueKey {
    pub id: UniqueId,
    /// One field where the field itself is `unique`, else the fields of a key of the entity.
    pub fields: Vec<FieldId>,
}

/// When a record was deleted, where its entity keeps deleted ones: its name in the API and in the store alike. It is no
/// [`SystemField`], since no living record has it.
pub const DELETED_AT: &str = "deleted_at";

/// A column of an entity's records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Column<'e> {
    System(SystemField),
    Field(&'e Field),
}

impl Entity {
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }

    /// The field that says to which unit a record belongs, if records belong to units.
    pub fn unit_field(&self) -> Option<&Field> {
        self.unit_position().and_then(|position| self.fields.get(position))
    }

    /// The position of that field.
    pub fn unit_position(&self) -> Option<usize> {
        self.scope.unit()?;
        let is_it = |field: &Field| field.kind == FieldKind::Unit && field.name.as_str() == UNIT_FIELD;
        self.fields.iter().position(is_it)
    }

    /// A system column or field by its name in the API.
    pub fn column_named(&self, name: &str) -> Option<Column<'_>> {
        SystemField::named(name).map(Column::System).or_else(|| self.field_named(name).map(Column::Field))
    }
}

impl<'e> Column<'e> {
    pub fn name(self) -> &'e str {
        match self {
            Self::System(field) => field.name(),
            Self::Field(field) => field.name.as_str(),
        }
    }

    pub const fn column_type(self) -> ColumnType {
        match self {
            Self::System(field) => field.column_type(),
            Self::Field(field) => field.kind.column_type(),
        }
    }

    /// Whether the store itself guarantees a value, so that a comparison needs no care for null.
    pub const fn is_never_null(self) -> bool {
        match self {
            Self::System(_) => true,
            Self::Field(field) => field.required || !field.kind.is_column(),
        }
    }
}
