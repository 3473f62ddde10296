//! Fields: a type with its rules.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::id::{EntityId, FieldId};
use crate::name::Name;
use crate::value::{ColumnType, Decimal, MAX_ADDRESS, MAX_URL};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Field {
    pub id: FieldId,
    pub name: Name,
    pub label: String,
    pub help: String,
    pub kind: FieldKind,
    pub required: bool,
    pub unique: bool,
    pub indexed: bool,
    /// The value, as JSON text of the field's own type, of a record that does not name the field.
    pub default: Option<serde_json::Value>,
    /// How often its values have come to be held in another way: see [`FieldColumn`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Where the values of a field are held. A field whose values come to be held in another way (a new type, another scale)
/// gets another column: whoever still believes in the old one finds it gone, instead of misreading what is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FieldColumn {
    pub field: FieldId,
    pub generation: u32,
}

impl Field {
    /// Of the same field with another type.
    pub(super) fn next_generation(&self, kind: &FieldKind) -> u32 {
        self.generation + u32::from(kind.column_type() != self.kind.column_type())
    }

    pub const fn column(&self) -> FieldColumn {
        FieldColumn { field: self.id, generation: self.generation }
    }
}

/// The type of a field with the rules that belong to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FieldKind {
    /// Lengths in code points.
    Text {
        min_length: Option<u32>,
        max_length: u32,
    },
    /// Text of any length that reads over lines; it is neither sorted by nor indexed.
    LongText {
        min_length: Option<u32>,
        max_length: u32,
    },
    /// HTML of which what is not allowed is taken out; lengths as stored.
    RichText {
        max_length: u32,
    },
    Code,
    Email,
    Url,
    Phone,
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Decimal {
        precision: u8,
        scale: u8,
        /// Units of the field's own scale.
        min: Option<i64>,
        max: Option<i64>,
    },
    /// Numbered by the system from 1 on, in the order in which records are made; no number is given twice.
    AutoNumber,
    Boolean,
    Date,
    Time,
    Datetime,
    /// Bounds in microseconds.
    Duration {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// An id that leads nowhere by itself, such as another system's.
    Uuid,
    Choice {
        options: Vec<String>,
    },
    /// Any of the options, in their order.
    MultiChoice {
        options: Vec<String>,
    },
    /// Any JSON value.
    Json,
    Relation {
        target: EntityId,
        on_delete: OnDelete,
    },
    /// Any number of records of another entity, each of which may be linked by many. A deleted one is unlinked.
    Relations {
        target: EntityId,
    },
    /// The account of a member of the tenant. Like `created_by` it stays when the member goes.
    User,
    /// A company, branch or department, which stays while a record refers to it.
    Unit,
}

/// What happens to a record when the record it refers to is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The other record cannot be deleted.
    Restrict,
    /// It is deleted too.
    Cascade,
    /// It loses the reference.
    SetNull,
}

/// The columns every record has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SystemField {
    Id,
    CreatedAt,
    CreatedBy,
    UpdatedAt,
    UpdatedBy,
    Version,
}

impl SystemField {
    pub const ALL: [Self; 6] =
        [Self::Id, Self::CreatedAt, Self::CreatedBy, Self::UpdatedAt, Self::UpdatedBy, Self::Version];

    /// Its name in the API and in the store alike.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::CreatedBy => "created_by",
            Self::UpdatedAt => "updated_at",
            Self::UpdatedBy => "updated_by",
            Self::Version => "version",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    pub const fn column_type(self) -> ColumnType {
        match self {
            Self::Id | Self::CreatedBy | Self::UpdatedBy => ColumnType::Uuid,
            Self::CreatedAt | Self::UpdatedAt => ColumnType::Timestamp,
            Self::Version => ColumnType::Int,
        }
    }
}

impl FieldKind {
    /// The type's name in the API.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::LongText { .. } => "long_text",
            Self::RichText { .. } => "rich_text",
            Self::Code => "code",
            Self::Email => "email",
            Self::Url => "url",
            Self::Phone => "phone",
            Self::Integer { .. } => "integer",
            Self::AutoNumber => "auto_number",
            Self::Decimal { .. } => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::Datetime => "datetime",
            Self::Duration { .. } => "duration",
            Self::Uuid => "uuid",
            Self::Choice { .. } => "choice",
            Self::MultiChoice { .. } => "multi_choice",
            Self::Json => "json",
            Self::Relation { .. } => "relation",
            Self::Relations { .. } => "relations",
            Self::User => "user",
            Self::Unit => "unit",
        }
    }

    pub const fn column_type(&self) -> ColumnType {
        match self {
            Self::Text { .. }
            | Self::LongText { .. }
            | Self::RichText { .. }
            | Self::Code
            | Self::Email
            | Self::Url
            | Self::Phone
            | Self::Choice { .. } => ColumnType::Text,
            Self::Integer { .. } | Self::AutoNumber => ColumnType::Int,
            Self::Decimal { scale, .. } => ColumnType::Decimal { scale: *scale },
            Self::Boolean => ColumnType::Bool,
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
            Self::Datetime => ColumnType::Timestamp,
            Self::Duration { .. } => ColumnType::Duration,
            Self::MultiChoice { .. } => ColumnType::Texts,
            Self::Json => ColumnType::Json,
            Self::Relations { .. } => ColumnType::Uuids,
            Self::Uuid | Self::Relation { .. } | Self::User | Self::Unit => ColumnType::Uuid,
        }
    }

    /// Whether its values lie in a column of the entity's own table. Links have a table of their own.
    pub const fn is_column(&self) -> bool {
        !matches!(self, Self::Relations { .. })
    }

    /// The entity whose records a field links.
    pub const fn linked(&self) -> Option<EntityId> {
        match self {
            Self::Relations { target } => Some(*target),
            _ => None,
        }
    }

    /// The most bytes a value takes in an index; a code point takes up to four.
    pub fn index_size(&self) -> usize {
        match self {
            Self::Text { max_length, .. } => *max_length as usize * 4,
            Self::Code => 50,
            Self::Email => MAX_ADDRESS,
            Self::Url => MAX_URL,
            Self::Phone | Self::Relation { .. } | Self::Uuid | Self::User | Self::Unit => 16,
            Self::Choice { options } => options.iter().map(String::len).max().unwrap_or(0),
            _ => 8,
        }
    }

    /// The entity a relation leads to.
    pub const fn target(&self) -> Option<EntityId> {
        match self {
            Self::Relation { target, .. } => Some(*target),
            _ => None,
        }
    }

    /// Whether records can be put in an order by it, and found by an index on it. Both need a value of bounded size.
    pub const fn is_orderable(&self) -> bool {
        !matches!(
            self,
            Self::LongText { .. }
                | Self::RichText { .. }
                | Self::MultiChoice { .. }
                | Self::Json
                | Self::Relations { .. }
        )
    }

    /// The bounds of a decimal field, at its scale.
    pub fn decimal_bounds(&self) -> (Option<Decimal>, Option<Decimal>) {
        match self {
            Self::Decimal { scale, min, max, .. } => {
                (min.map(|units| Decimal::new(units, *scale)), max.map(|units| Decimal::new(units, *scale)))
            }
            _ => (None, None),
        }
    }
}

impl Eq for Field {}

impl Hash for Field {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
