//! Reading the definition of an entity, a new one or one that is there. What this release does not do yet is refused,
//! never ignored.

use std::ops::RangeInclusive;

use super::redefine::{self, matched};
use super::{DELETED_AT, Entity, Field, FieldKind, OnDelete, Schema, UNIT_FIELD, UniqueKey, retype, rule};
use crate::clock::Ids;
use crate::draft;
use crate::id::{EntityId, FieldId};
use crate::input::{self, Members};
use crate::json::Json;
use crate::name::{Name, NameError};
use crate::problem::{Code, Errors, Result, pointer};
use crate::rights::PermissionScope;
use crate::value::{Decimal, Duration, MAX_INTEGER, MAX_PRECISION};

/// The most fields an entity can have: both engines hold more columns, people do not.
pub(super) const MAX_FIELDS: usize = 500;
pub(super) const MAX_LABEL: usize = 200;
const MAX_HELP: usize = 2_000;
/// The longest `text`; longer belongs into `long_text`.
const MAX_TEXT: u32 = 10_000;
const DEFAULT_TEXT: u32 = 255;
/// A body holds one of these with room to spare, whatever its characters.
const MAX_LONG_TEXT: u32 = 200_000;
const DEFAULT_LONG_TEXT: u32 = 20_000;
const MAX_OPTIONS: usize = 500;
/// Bytes of what is unique or indexed. PostgreSQL's index entries end at some 2 700.
pub(super) const MAX_INDEXED: usize = 2_600;

/// Reads `POST /entities`. Every mistake comes back with its pointer.
pub fn define(body: &Json, schema: &Schema, ids: &Ids) -> Result<Entity> {
    Members::read(body, |members, errors| {
        let own = own_name(body);
        let id = ids.next();
        let target = |name: &str| if own == Some(name) { Some(id) } else { schema.named(name).map(|entity| entity.id) };
        entity(members, &Origin { id, before: Before::Nothing, target: &target, schema, ids }, errors)
    })
}

/// Where a definition comes from, and what it may name.
pub(super) struct Origin<'a> {
    pub(super) id: EntityId,
    pub(super) before: Before<'a>,
    /// The entity of a name.
    pub(super) target: &'a dyn Fn(&str) -> Option<EntityId>,
    pub(super) schema: &'a Schema,
    pub(super) ids: &'a Ids,
}

/// What a definition takes the place of.
#[derive(Clone, Copy)]
pub(super) enum Before<'a> {
    /// It is of something new, and says no id.
    Nothing,
    /// It is part of a document that repeats ids, those of another place maybe. None of its fields is there yet.
    Elsewhere,
    This(&'a Entity),
}

impl<'a> Before<'a> {
    pub(super) const fn entity(self) -> Option<&'a Entity> {
        match self {
            Self::This(entity) => Some(entity),
            Self::Nothing | Self::Elsewhere => None,
        }
    }
}

/// Reads a whole entity: what is left out is as in a new one, or is gone.
pub(super) fn entity(members: &mut Members<'_>, origin: &Origin<'_>, errors: &mut Errors) -> Option<Entity> {
    let name = name(members, errors);
    let label = members.optional_text("label", MAX_LABEL, errors).map(str::to_owned);
    let plural_label = members.optional_text("plural_label", MAX_LABEL, errors).map(str::to_owned);
    let scope = scope(members, errors);
    let mut fields = fields(members, origin, errors);
    ensure_unit_field(scope, &mut fields, origin, &members.pointer("fields"), errors);
    let unique = unique(members, origin, &fields, errors);
    let title_field = title_field(members, &fields, errors);
    let soft_delete = soft_delete(members, &fields, errors);
    let rules = members.optional_array("rules", errors).unwrap_or_default();
    let name = name?;
    let label = label.unwrap_or_else(|| name.to_string());
    let mut entity = Entity {
        id: origin.id,
        plural_label: plural_label.unwrap_or_else(|| label.clone()),
        label,
        name,
        title_field,
        fields,
        unique,
        soft_delete,
        rules: Vec::new(),
        scope,
    };
    // A rule that names a field with a mistake would only repeat it.
    if errors.is_empty() {
        entity.rules = rule::read(rules, &members.pointer("rules"), &entity, origin.schema, errors);
    }
    Some(entity)
}

/// The name a definition gives itself, so that it may lead to itself.
pub(super) fn own_name(body: &Json) -> Option<&str> {
    match body.member("name") {
        Some(Json::Text(name)) => Some(name),
        _ => None,
    }
}

pub(super) fn name(members: &mut Members<'_>, errors: &mut Errors) -> Option<Name> {
    let json = members.required("name", errors)?;
    let at = members.pointer("name");
    let Json::Text(text) = json else {
        errors.add(at, Code::InvalidType, format!("Expected a string, found {}.", json.kind()));
        return None;
    };
    match Name::parse(text) {
        Ok(name) => Some(name),
        Err(NameError::Shape) => {
            errors.add(
                at,
                Code::InvalidFormat,
                "A name is a lower-case letter, then up to 62 lower-case letters, digits or `_`.",
            );
            None
        }
        Err(NameError::Reserved) => {
            errors.add(at, Code::InvalidFormat, format!("`{text}` has a meaning of its own; choose another name."));
            None
        }
    }
}

/// To whom records belong.
pub(super) fn scope(members: &mut Members<'_>, errors: &mut Errors) -> PermissionScope {
    let text = members.optional_text("scope", 20, errors);
    let read = text.and_then(|text| PermissionScope::read(text, members.pointer("scope"), errors));
    read.unwrap_or_default()
}

/// Records that belong to units have a field that says to which: it is made where nobody thought of it, and one that is
/// there already stays, with its values.
pub(super) fn ensure_unit_field(
    scope: PermissionScope,
    fields: &mut Vec<Field>,
    origin: &Origin<'_>,
    at: &str,
    errors: &mut Errors,
) {
    if scope.unit().is_none() {
        return;
    }
    let position = fields.iter().position(|field| field.name.as_str() == UNIT_FIELD);
    match position.and_then(|position| Some((position, fields.get(position)?))) {
        Some((_, field)) if field.kind == FieldKind::Unit => {}
        Some((position, _)) => {
            let message = "With this `scope` the field `unit` says to which unit a record belongs: its type is `unit`.";
            errors.add(pointer(&pointer(at, &position.to_string()), "type"), Code::OutOfRange, message);
        }
        None => {
            let Ok(name) = Name::parse(UNIT_FIELD) else { return };
            let is_it = |field: &&Field| field.kind == FieldKind::Unit && field.name == name;
            let before = origin.before.entity().and_then(|entity| entity.fields.iter().find(is_it)).cloned();
            fields.push(before.unwrap_or_else(|| Field {
                id: origin.ids.next(),
                generation: 0,
                label: "Unit".to_owned(),
                name,
                help: String::new(),
                kind: FieldKind::Unit,
                required: false,
                unique: false,
                indexed: true,
                default: None,
            }));
        }
    }
}

/// Whether deleted records are kept. Then one has a member more, whose name no field can have.
pub(super) fn soft_delete(members: &mut Members<'_>, fields: &[Field], errors: &mut Errors) -> bool {
    let keeps = members.optional_bool("soft_delete", errors).unwrap_or(false);
    if keeps {
        check_free_of_system(fields, &members.pointer("fields"), errors);
    }
    keeps
}

/// Refuses a field, of those at `at`, under the name of the member that a kept record has more.
pub(super) fn check_free_of_system(fields: &[Field], at: &str, errors: &mut Errors) {
    if let Some(position) = fields.iter().position(|field| field.name.as_str() == DELETED_AT) {
        errors.add(format!("{at}/{position}/name"), Code::InvalidFormat, kept_by_system());
    }
}

/// The same of one field of `entity`.
pub(super) fn check_system(field: &Field, entity: &Entity, errors: &mut Errors) {
    if entity.soft_delete && field.name.as_str() == DELETED_AT {
        errors.add("/name", Code::InvalidFormat, kept_by_system());
    }
}

fn kept_by_system() -> String {
    format!("With `soft_delete` the system itself keeps `{DELETED_AT}`; choose another name.")
}

pub(super) fn fields(members: &mut Members<'_>, origin: &Origin<'_>, errors: &mut Errors) -> Vec<Field> {
    let at = members.pointer("fields");
    let items = members.optional_array("fields", errors).unwrap_or_default();
    if items.len() > MAX_FIELDS {
        errors.add(at, Code::TooLong, format!("An entity has at most {MAX_FIELDS} fields."));
        return Vec::new();
    }
    let there = origin.before.entity().map_or(&[][..], |entity| &entity.fields);
    let matched = match origin.before {
        Before::Nothing => vec![None; items.len()],
        Before::Elsewhere | Before::This(_) => matched(items, there, &at, errors),
    };
    let mut fields: Vec<Field> = Vec::with_capacity(items.len());
    for (i, (item, before)) in items.iter().zip(matched).enumerate() {
        let at = pointer(&at, &i.to_string());
        if let Some(field) = field(item, &at, before, origin, errors) {
            check_field(&field, &fields, &at, errors);
            fields.push(field);
        }
    }
    fields
}

/// What a field must be beside the `others` of its entity.
pub(super) fn check_field(field: &Field, others: &[Field], at: &str, errors: &mut Errors) {
    if others.iter().any(|other| other.name == field.name) {
        errors.add(pointer(at, "name"), Code::NotUnique, "Two fields of one entity cannot have the same name.");
    }
    if (field.unique || field.indexed) && field.kind.index_size() > MAX_INDEXED {
        let most = MAX_INDEXED / 4;
        let message = format!("What is unique or indexed has at most {most} characters; lower `max_length`.");
        errors.add(pointer(at, "max_length"), Code::OutOfRange, message);
    }
}

/// Reads a whole field, in place of `before` where that is there.
pub(super) fn field(
    json: &Json,
    at: &str,
    before: Option<&Field>,
    origin: &Origin<'_>,
    errors: &mut Errors,
) -> Option<Field> {
    let (target, ids) = (origin.target, origin.ids);
    let mut members = Members::of(json, at, errors)?;
    if !matches!(origin.before, Before::Nothing) {
        // Read where fields were told apart by it.
        members.raw("id");
    }
    let name = name(&mut members, errors);
    let label = members.optional_text("label", MAX_LABEL, errors).map(str::to_owned);
    let help = members.optional_text("help", MAX_HELP, errors).unwrap_or_default().to_owned();
    let mut required = members.optional_bool("required", errors).unwrap_or(false);
    let mut unique = members.optional_bool("unique", errors).unwrap_or(false);
    let indexed = members.optional_bool("indexed", errors).unwrap_or(false);
    let kind = kind(&mut members, target, required, errors);
    for (key, off) in [("sensitivity", "none"), ("markup", "literal")] {
        if let Some(json) = members.optional(key)
            && *json != Json::Text(off.to_owned())
        {
            errors.add(
                members.pointer(key),
                Code::NotSupported,
                format!("Only `{off}` is supported yet; leave `{key}` out."),
            );
        }
    }
    if members.optional_bool("encrypted", errors) == Some(true) {
        errors.add(members.pointer("encrypted"), Code::NotSupported, "Encrypted fields are not supported yet.");
    }
    if kind == Some(FieldKind::AutoNumber) {
        (required, unique) = (true, true);
    }
    if let Some(kind) = &kind {
        for (key, wanted) in [("unique", unique), ("indexed", indexed)] {
            if wanted && let Some(reason) = unindexable(kind) {
                errors.add(members.pointer(key), Code::OutOfRange, reason);
            }
        }
    }
    let mut default = members.optional("default");
    if default.is_some() && kind == Some(FieldKind::AutoNumber) {
        errors.add(members.pointer("default"), Code::NotSupported, "The system numbers the records; leave it out.");
        default = None;
    }
    if default.is_some() && kind == Some(FieldKind::Unit) {
        let message = "A unit cannot be a default: it may go, and the default would stay.";
        errors.add(members.pointer("default"), Code::NotSupported, message);
        default = None;
    }
    let default_at = members.pointer("default");
    if let (Some(before), Some(kind)) = (before, &kind)
        && !retype::converts(&before.kind, kind)
    {
        errors.add(members.pointer("type"), Code::OutOfRange, retype::advice(&before.kind, kind));
    }
    members.finish(errors);
    let (name, kind) = (name?, kind?);
    let mut field = Field {
        id: before.map_or_else(|| ids.next(), |before| before.id),
        generation: before.map_or(0, |before| before.next_generation(&kind)),
        label: label.unwrap_or_else(|| name.to_string()),
        name,
        help,
        kind,
        required,
        unique,
        indexed,
        default: None,
    };
    if let Some(json) = default {
        match draft::value_of(&field, json) {
            Ok(_) => field.default = Some(json.into()),
            Err((code, message)) => errors.add(default_at, code, message),
        }
    }
    Some(field)
}

/// The type with the rules that belong to it. Rules of other types are unknown fields.
fn kind(
    members: &mut Members<'_>,
    target: &dyn Fn(&str) -> Option<EntityId>,
    required: bool,
    errors: &mut Errors,
) -> Option<FieldKind> {
    let name = members.text("type", 50, errors)?;
    Some(match name {
        "text" => {
            let (min_length, max_length) = lengths(members, MAX_TEXT, DEFAULT_TEXT, errors);
            FieldKind::Text { min_length, max_length }
        }
        "long_text" => {
            let (min_length, max_length) = lengths(members, MAX_LONG_TEXT, DEFAULT_LONG_TEXT, errors);
            FieldKind::LongText { min_length, max_length }
        }
        "rich_text" => {
            let max_length = length(members, "max_length", 1..=MAX_LONG_TEXT, errors).unwrap_or(DEFAULT_LONG_TEXT);
            FieldKind::RichText { max_length }
        }
        "code" => FieldKind::Code,
        "email" => FieldKind::Email,
        "url" => FieldKind::Url,
        "phone" => FieldKind::Phone,
        "integer" => {
            let (min, max) = (bound(members, "min", errors), bound(members, "max", errors));
            ordered(members, min, max, errors);
            FieldKind::Integer { min, max }
        }
        "decimal" => decimal(members, errors)?,
        "boolean" => FieldKind::Boolean,
        "date" => FieldKind::Date,
        "time" => FieldKind::Time,
        "datetime" => FieldKind::Datetime,
        "duration" => {
            let (min, max) = (duration_bound(members, "min", errors), duration_bound(members, "max", errors));
            ordered(members, min, max, errors);
            FieldKind::Duration { min, max }
        }
        "uuid" => FieldKind::Uuid,
        "user" => FieldKind::User,
        "unit" => FieldKind::Unit,
        "choice" => FieldKind::Choice { options: options(members, errors)? },
        "multi_choice" => FieldKind::MultiChoice { options: options(members, errors)? },
        "json" => FieldKind::Json,
        "auto_number" => FieldKind::AutoNumber,
        "relations" => relations(members, target, required, errors)?,
        "relation" => relation(members, target, required, errors)?,
        "file" | "secret" | "formula" | "rollup" | "lookup" => {
            errors.add(
                members.pointer("type"),
                Code::NotSupported,
                format!("Fields of type `{name}` are not supported yet."),
            );
            return None;
        }
        _ => {
            let known = "text, long_text, rich_text, code, email, url, phone, integer, auto_number, decimal, boolean, date, time, datetime, \
                         duration, uuid, json, choice, multi_choice, relation, relations, user, unit";
            errors.add(
                members.pointer("type"),
                Code::OutOfRange,
                format!("There is no type `{name}`. Choose one of: {known}."),
            );
            return None;
        }
    })
}

fn lengths(members: &mut Members<'_>, most: u32, usual: u32, errors: &mut Errors) -> (Option<u32>, u32) {
    let max_length = length(members, "max_length", 1..=most, errors).unwrap_or(usual);
    (length(members, "min_length", 0..=max_length, errors), max_length)
}

fn length(
    members: &mut Members<'_>,
    key: &'static str,
    range: RangeInclusive<u32>,
    errors: &mut Errors,
) -> Option<u32> {
    let n = members.optional_int(key, errors)?;
    let length = u32::try_from(n).ok().filter(|n| range.contains(n));
    if length.is_none() {
        let (least, most) = range.into_inner();
        errors.add(members.pointer(key), Code::OutOfRange, format!("This length is between {least} and {most}."));
    }
    length
}

fn bound(members: &mut Members<'_>, key: &'static str, errors: &mut Errors) -> Option<i64> {
    let n = members.optional_int(key, errors)?;
    if n.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
        errors.add(members.pointer(key), Code::OutOfRange, "Integers stay within ±2⁵³.");
        return None;
    }
    Some(n)
}

/// In microseconds.
fn duration_bound(members: &mut Members<'_>, key: &'static str, errors: &mut Errors) -> Option<i64> {
    let text = members.optional_text(key, 100, errors)?;
    let bound = Duration::parse(text);
    if bound.is_none() {
        errors.add(members.pointer(key), Code::InvalidFormat, "A duration is written as in ISO 8601, such as PT1H30M.");
    }
    bound.map(Duration::micros)
}

fn ordered(members: &Members<'_>, min: Option<i64>, max: Option<i64>, errors: &mut Errors) {
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        errors.add(members.pointer("min"), Code::OutOfRange, "`min` must not be above `max`.");
    }
}

fn decimal(members: &mut Members<'_>, errors: &mut Errors) -> Option<FieldKind> {
    let digits = |n: i64| u8::try_from(n).ok().filter(|n| *n <= MAX_PRECISION);
    let precision = members.optional_int("precision", errors).unwrap_or(i64::from(MAX_PRECISION));
    let scale = members.optional_int("scale", errors).unwrap_or(2);
    let (Some(precision), Some(scale)) = (digits(precision).filter(|p| *p > 0), digits(scale)) else {
        errors.add(
            members.pointer("precision"),
            Code::OutOfRange,
            "A decimal has 1 to 18 digits, 0 to 18 of them after the point.",
        );
        return None;
    };
    if scale > precision {
        errors.add(members.pointer("scale"), Code::OutOfRange, "`scale` must not be above `precision`.");
        return None;
    }
    let mut limit = |key: &'static str| {
        let at = members.pointer(key);
        let json = members.optional(key)?;
        let text = match json {
            Json::Text(text) => text.clone(),
            Json::Int(n) if n.unsigned_abs() <= MAX_INTEGER.unsigned_abs() => n.to_string(),
            other => {
                errors.add(at, Code::InvalidType, format!("Expected a decimal as a string, found {}.", other.kind()));
                return None;
            }
        };
        let units =
            Decimal::parse(&text).and_then(|d| d.rescale(scale)).ok().filter(|d| d.fits(precision)).map(Decimal::units);
        if units.is_none() {
            errors.add(at, Code::OutOfRange, "The bound does not fit the field's own precision and scale.");
        }
        units
    };
    let (min, max) = (limit("min"), limit("max"));
    ordered(members, min, max, errors);
    Some(FieldKind::Decimal { precision, scale, min, max })
}

fn options(members: &mut Members<'_>, errors: &mut Errors) -> Option<Vec<String>> {
    let at = members.pointer("options");
    let items = members.optional_array("options", errors).unwrap_or_default();
    if items.is_empty() || items.len() > MAX_OPTIONS {
        errors.add(at, Code::OutOfRange, format!("A choice has 1 to {MAX_OPTIONS} options."));
        return None;
    }
    let mut options: Vec<String> = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let at = pointer(&at, &i.to_string());
        if let Some(option) = input::text(item, at.clone(), 1, MAX_LABEL, errors) {
            if options.iter().any(|other| other == option) {
                errors.add(at, Code::NotUnique, "This option is named twice.");
            }
            options.push(option.to_owned());
        }
    }
    Some(options)
}

fn relation(
    members: &mut Members<'_>,
    target: &dyn Fn(&str) -> Option<EntityId>,
    required: bool,
    errors: &mut Errors,
) -> Option<FieldKind> {
    let on_delete = match members.optional_text("on_delete", 20, errors) {
        None | Some("restrict") => OnDelete::Restrict,
        Some("cascade") => OnDelete::Cascade,
        Some("set_null") => OnDelete::SetNull,
        Some(_) => {
            errors.add(members.pointer("on_delete"), Code::OutOfRange, "Choose one of: restrict, cascade, set_null.");
            OnDelete::Restrict
        }
    };
    if required && on_delete == OnDelete::SetNull {
        errors.add(
            members.pointer("on_delete"),
            Code::OutOfRange,
            "A required relation cannot lose its value; choose restrict or cascade.",
        );
    }
    target_of(members, target, errors).map(|target| FieldKind::Relation { target, on_delete })
}

fn relations(
    members: &mut Members<'_>,
    target: &dyn Fn(&str) -> Option<EntityId>,
    required: bool,
    errors: &mut Errors,
) -> Option<FieldKind> {
    if required {
        let message = "Any of the linked records may be deleted, the last one too; leave `required` out.";
        errors.add(members.pointer("required"), Code::OutOfRange, message);
    }
    target_of(members, target, errors).map(|target| FieldKind::Relations { target })
}

fn target_of(
    members: &mut Members<'_>,
    target: &dyn Fn(&str) -> Option<EntityId>,
    errors: &mut Errors,
) -> Option<EntityId> {
    let name = members.text("target", 63, errors)?;
    let found = target(name);
    if found.is_none() {
        errors.add(members.pointer("target"), Code::OutOfRange, format!("There is no entity `{name}`."));
    }
    found
}

/// Why values of this type cannot be indexed, if they cannot.
pub(super) fn unindexable(kind: &FieldKind) -> Option<String> {
    let message = || format!("A field of type `{}` cannot be indexed or unique.", kind.name());
    (!kind.is_orderable()).then(message)
}

/// Keys over several fields, and one for each field that is unique by itself.
pub(super) fn unique(
    members: &mut Members<'_>,
    origin: &Origin<'_>,
    fields: &[Field],
    errors: &mut Errors,
) -> Vec<UniqueKey> {
    let mut keys: Vec<Vec<FieldId>> = fields.iter().filter(|field| field.unique).map(|field| vec![field.id]).collect();
    let at = members.pointer("unique");
    for (i, item) in members.optional_array("unique", errors).unwrap_or_default().iter().enumerate() {
        let at = pointer(&at, &i.to_string());
        let Json::Array(names) = item else {
            errors.add(at, Code::InvalidType, format!("Expected an array of field names, found {}.", item.kind()));
            continue;
        };
        let mut key = Vec::new();
        let mut size = 0;
        for (j, name) in names.iter().enumerate() {
            let found = fields.iter().find(|field| matches!(name, Json::Text(text) if field.name.as_str() == text));
            match found {
                Some(field) if !key.contains(&field.id) => {
                    if let Some(reason) = unindexable(&field.kind) {
                        errors.add(pointer(&at, &j.to_string()), Code::OutOfRange, reason);
                    }
                    size += field.kind.index_size();
                    key.push(field.id);
                }
                Some(_) => errors.add(pointer(&at, &j.to_string()), Code::NotUnique, "This field is named twice."),
                None => errors.add(pointer(&at, &j.to_string()), Code::UnknownField, "This entity has no such field."),
            }
        }
        if names.is_empty() || names.len() > 16 {
            errors.add(at, Code::OutOfRange, "A unique key has 1 to 16 fields.");
        } else if key.len() > 1 && size > MAX_INDEXED {
            let most = MAX_INDEXED / 4;
            let message =
                format!("The fields of a unique key have at most {most} characters together; lower `max_length`.");
            errors.add(at, Code::OutOfRange, message);
        } else if keys.contains(&key) {
            errors.add(at, Code::NotUnique, "There is such a key already.");
        } else {
            keys.push(key);
        }
    }
    redefine::keys(origin.before.entity(), &keys, origin.ids)
}

pub(super) fn title_field(members: &mut Members<'_>, fields: &[Field], errors: &mut Errors) -> Option<FieldId> {
    let name = members.optional_text("title_field", 63, errors)?;
    let found = fields.iter().find(|field| field.name.as_str() == name).map(|field| field.id);
    if found.is_none() {
        errors.add(members.pointer("title_field"), Code::UnknownField, "This entity has no such field.");
    }
    found
}
