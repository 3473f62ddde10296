//! Names in an expression → columns, within what the author may read.
//!
//! A field that may not be read and a field that does not exist must be one and the same here: nothing in this module
//! may tell them apart, neither by kind nor by wording.

use super::check::{Context, ExprError, Reach};
use super::{Leaf, Path};
use crate::entity::{Column as EntityColumn, Entity, FieldKind, SystemField};
use crate::value::ColumnType;

/// How many relations a path may lead over.
pub const MAX_HOPS: usize = 3;

/// A column the author may read, with what error messages need.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// As the author wrote it, without `record.`.
    pub name: String,
    pub path: Path,
    pub kind: ColumnKind<'a>,
    /// Microseconds added to what the column holds; whole days for a date.
    pub shift: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ColumnKind<'a> {
    System(SystemField),
    Field(&'a FieldKind),
}

impl Column<'_> {
    /// "an integer", "text", …
    pub(super) fn describe(&self) -> &'static str {
        match self.kind {
            ColumnKind::System(field) => describe_type(field.column_type()),
            ColumnKind::Field(FieldKind::Choice { .. }) => "a choice",
            ColumnKind::Field(FieldKind::MultiChoice { .. }) => "a set of options",
            ColumnKind::Field(FieldKind::Code) => "a code",
            ColumnKind::Field(FieldKind::Relation { .. }) => "a relation",
            ColumnKind::Field(FieldKind::User) => "a user",
            ColumnKind::Field(FieldKind::Unit) => "a unit",
            ColumnKind::Field(FieldKind::Email) => "an e-mail address",
            ColumnKind::Field(FieldKind::Url) => "a URL",
            ColumnKind::Field(FieldKind::Phone) => "a phone number",
            ColumnKind::Field(kind) => describe_type(kind.column_type()),
        }
    }
}

const fn describe_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "a boolean",
        ColumnType::Int => "an integer",
        ColumnType::Decimal { .. } => "a decimal",
        ColumnType::Text => "text",
        ColumnType::Date => "a date",
        ColumnType::Time => "a time of day",
        ColumnType::Timestamp => "a datetime",
        ColumnType::Duration => "a duration",
        ColumnType::Json => "a JSON value",
        ColumnType::Texts => "a set of texts",
        ColumnType::Uuids => "a set of records",
        ColumnType::Uuid => "an id",
    }
}

/// Finds the column `names` lead to; they are what was written between the dots, without `record`.
pub(super) fn resolve<'a>(names: &[&str], context: &Context<'a>) -> Result<Column<'a>, ExprError> {
    let written = names.join(".");
    // The id behind a relation is the relation's own column: no join.
    let names = match names {
        [path @ .., last] if !path.is_empty() && *last == SystemField::Id.name() => path,
        all => all,
    };
    let ends_in_relation = written.len() > names.join(".").len();
    let Some((last, relations)) = names.split_last() else {
        return Err(ExprError::unknown(&written, context.entity));
    };
    if context.reach == Reach::Record && !relations.is_empty() {
        return Err(ExprError::invalid(format!(
            "`{written}` leads to another record, which may change without this rule being asked; name fields of the \
             record itself"
        )));
    }
    if relations.len() > MAX_HOPS {
        return Err(ExprError::invalid(format!("`{written}` leads over more than {MAX_HOPS} relations")));
    }
    walk(relations, last, context)
        .filter(|(_, kind)| !ends_in_relation || matches!(kind, ColumnKind::Field(FieldKind::Relation { .. })))
        .map(|(path, kind)| Column { name: written.clone(), path, kind, shift: 0 })
        .ok_or_else(|| ExprError::unknown(&written, context.entity))
}

fn walk<'a>(relations: &[&str], last: &str, context: &Context<'a>) -> Option<(Path, ColumnKind<'a>)> {
    let mut entity = context.entity;
    let mut hops = Vec::with_capacity(relations.len());
    for name in relations {
        let field = entity.field_named(name).filter(|field| (context.readable)(entity, field))?;
        entity = context.schema.entity(field.kind.target()?)?;
        if !(context.visible)(entity) {
            return None;
        }
        hops.push(field.id);
    }
    leaf(entity, last, context).map(|(leaf, column)| {
        let never_null = hops.is_empty() && column.is_never_null();
        let kind = match column {
            EntityColumn::System(field) => ColumnKind::System(field),
            EntityColumn::Field(field) => ColumnKind::Field(&field.kind),
        };
        (Path { hops, leaf, column_type: column.column_type(), never_null }, kind)
    })
}

fn leaf<'a>(entity: &'a Entity, name: &str, context: &Context<'_>) -> Option<(Leaf, EntityColumn<'a>)> {
    match entity.column_named(name)? {
        column @ EntityColumn::System(field) => Some((Leaf::System(field), column)),
        column @ EntityColumn::Field(field) => {
            (context.readable)(entity, field).then_some((Leaf::Field(field.column()), column))
        }
    }
}
