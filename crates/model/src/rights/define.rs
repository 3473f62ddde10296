//! Reading a role as people write it: entities and fields by name, each only if the author knows of it.

use super::{Action, FieldLists, Permission, PermissionScope, Resource, Target};
use crate::entity::{Entity, Field, Schema, SystemField};
use crate::expr::{Context, MAX_LENGTH, Reach, Template};
use crate::id::FieldId;
use crate::input::{Members, text};
use crate::json::Json;
use crate::name::is_code;
use crate::problem::{Code, Errors, Result, pointer};

const MAX_CODE: usize = 50;
const MAX_NAME: usize = 200;
/// Lines of one role.
const MAX_GRANTS: usize = 200;

/// A new role.
#[derive(Clone, PartialEq, Debug)]
pub struct RoleDraft {
    pub code: String,
    pub name: String,
    pub permissions: Vec<Permission>,
}

/// What is absent stays.
#[derive(Clone, PartialEq, Debug)]
pub struct RoleChange {
    pub code: Option<String>,
    pub name: Option<String>,
    pub permissions: Option<Vec<Permission>>,
}

/// What the author of a role can name.
pub struct Author<'a> {
    pub schema: &'a Schema,
    /// Whether he knows of the entity at all.
    pub knows: &'a dyn Fn(&Entity) -> bool,
    /// Whether he may read every record of the entity: a rule that leads there tells of any of them.
    pub sees: &'a dyn Fn(&Entity) -> bool,
    /// Whether he may read the field on every record he may read.
    pub reads: &'a dyn Fn(&Entity, &Field) -> bool,
    /// Whether he may write it on some.
    pub writes: &'a dyn Fn(&Entity, &Field) -> bool,
}

impl RoleDraft {
    /// Reads `{code, name, grants}`.
    pub fn read(body: &Json, author: &Author<'_>) -> Result<Self> {
        Members::read(body, |members, errors| {
            let code = members.required("code", errors).and_then(|json| code(json, members.pointer("code"), errors));
            let name = members.required("name", errors).and_then(|json| name(json, members.pointer("name"), errors));
            let permissions = members.required("grants", errors);
            let permissions = permissions.and_then(|json| grants(json, &members.pointer("grants"), author, errors));
            Some(Self { code: code?, name: name?, permissions: permissions? })
        })
    }
}

impl RoleChange {
    /// Reads `{code?, name?, grants?}`; `grants` replaces them all.
    pub fn read(body: &Json, author: &Author<'_>) -> Result<Self> {
        Members::read(body, |members, errors| {
            let code = members.raw("code").and_then(|json| code(json, members.pointer("code"), errors));
            let name = members.raw("name").and_then(|json| name(json, members.pointer("name"), errors));
            let permissions = members.raw("grants");
            let permissions = permissions.and_then(|json| grants(json, &members.pointer("grants"), author, errors));
            Some(Self { code, name, permissions })
        })
    }
}

pub(crate) fn code(json: &Json, at: String, errors: &mut Errors) -> Option<String> {
    let code = text(json, at.clone(), 1, MAX_CODE, errors)?;
    if is_code(code) {
        return Some(code.to_owned());
    }
    errors.add(at, Code::InvalidFormat, "A code is made of the letters A–Z and a–z, digits, `_` and `-`.");
    None
}

pub(crate) fn name(json: &Json, at: String, errors: &mut Errors) -> Option<String> {
    let name = text(json, at.clone(), 1, MAX_NAME, errors)?;
    if name.chars().any(char::is_control) || name.trim().is_empty() {
        errors.add(at, Code::InvalidFormat, "A name stands on one line and is not blank.");
        return None;
    }
    Some(name.to_owned())
}

/// The items of an array.
pub(super) fn list<'j>(json: &'j Json, at: &str, most: usize, errors: &mut Errors) -> Option<&'j [Json]> {
    match json {
        Json::Array(items) if items.len() > most => {
            errors.add(at, Code::TooLong, format!("At most {most} fit here."));
            None
        }
        Json::Array(items) => Some(items),
        other => {
            errors.add(at, Code::InvalidType, format!("Expected an array, found {}.", other.kind()));
            None
        }
    }
}

fn grants(json: &Json, at: &str, author: &Author<'_>, errors: &mut Errors) -> Option<Vec<Permission>> {
    let items = list(json, at, MAX_GRANTS, errors)?;
    let mut grants = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        grants.extend(grant(item, &pointer(at, &index.to_string()), author, errors));
    }
    Some(grants)
}

fn grant(json: &Json, at: &str, author: &Author<'_>, errors: &mut Errors) -> Option<Permission> {
    let mut members = Members::of(json, at, errors)?;
    let target = target(&mut members, author, errors);
    let actions = actions(&mut members, errors);
    let scope = scope(&mut members, errors);
    let rule = members.optional("where");
    let fields = members.optional("fields");
    let (rule_at, fields_at, scope_at) =
        (members.pointer("where"), members.pointer("fields"), members.pointer("scope"));
    members.finish(errors);
    let (target, actions, scope) = (target?, actions?, scope?);
    let of_records = matches!(target, Target::AllRecords | Target::Only(Resource::Records(_)));
    let entity = match target {
        Target::Only(Resource::Records(id)) => author.schema.entity(id),
        _ => None,
    };
    if scope != PermissionScope::Tenant && !of_records {
        errors.add(scope_at, Code::OutOfRange, "Only records are somebody's own or a unit's. Choose `tenant`.");
    } else if let Some(entity) = entity.filter(|entity| scope.unit().is_some() && entity.unit_field().is_none()) {
        let message = format!("Records of `{}` belong to no unit: give the entity a `scope` first.", entity.name);
        errors.add(scope_at, Code::OutOfRange, message);
    }
    let Some(entity) = entity else {
        for (given, at) in [(rule, rule_at), (fields, fields_at)] {
            if given.is_some() {
                errors.add(
                    at,
                    Code::OutOfRange,
                    "Name one entity, as in `records:ticket`, to say this of its records.",
                );
            }
        }
        return Some(Permission { target, actions, scope, rule: None, fields: FieldLists::default() });
    };
    let rule = rule.and_then(|json| read_rule(json, rule_at, entity, author, errors));
    let fields = fields.and_then(|json| lists(json, &fields_at, entity, author, errors)).unwrap_or_default();
    Some(Permission { target, actions, scope, rule, fields })
}

pub(super) fn target(members: &mut Members<'_>, author: &Author<'_>, errors: &mut Errors) -> Option<Target> {
    let name = members.text("resource", 100, errors)?;
    let found = match name.strip_prefix("records:") {
        Some("*") => Some(Target::AllRecords),
        Some(entity) => {
            let entity = author.schema.named(entity).filter(|entity| (author.knows)(entity));
            entity.map(|entity| Target::Only(Resource::Records(entity.id)))
        }
        None => Resource::ADMINISTRATION.into_iter().find(|resource| resource.name() == name).map(Target::Only),
    };
    if found.is_none() {
        let known = Resource::ADMINISTRATION.map(Resource::name).join(", ");
        let message = format!("Choose `records:` and an entity, `records:*`, or one of: {known}.");
        errors.add(members.pointer("resource"), Code::OutOfRange, message);
    }
    found
}

pub(super) fn actions(members: &mut Members<'_>, errors: &mut Errors) -> Option<Vec<Action>> {
    let json = members.required("actions", errors)?;
    let at = members.pointer("actions");
    let items = list(json, &at, Action::ALL.len(), errors)?;
    if items.is_empty() {
        errors.add(at, Code::TooShort, "Name at least one action.");
        return None;
    }
    let mut actions = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let found = Action::ALL.into_iter().find(|action| *item == Json::Text(action.name().to_owned()));
        let at = pointer(&at, &index.to_string());
        match found {
            Some(action) if actions.contains(&action) => errors.add(at, Code::NotUnique, "This action is named twice."),
            Some(action) => actions.push(action),
            None => {
                let known = Action::ALL.map(Action::name).join(", ");
                errors.add(at, Code::OutOfRange, format!("Choose among: {known}."));
            }
        }
    }
    actions.sort_unstable();
    Some(actions)
}

fn scope(members: &mut Members<'_>, errors: &mut Errors) -> Option<PermissionScope> {
    let at = members.pointer("scope");
    let text = members.text("scope", 20, errors)?;
    PermissionScope::read(text, at, errors)
}

fn read_rule(json: &Json, at: String, entity: &Entity, author: &Author<'_>, errors: &mut Errors) -> Option<Template> {
    let source = text(json, at.clone(), 1, MAX_LENGTH, errors)?;
    let context = Context {
        schema: author.schema,
        entity,
        readable: author.reads,
        visible: author.sees,
        params: None,
        reach: Reach::Around,
    };
    match Template::parse(source, &context) {
        Ok(rule) => Some(rule),
        Err(error) => {
            errors.add(at, error.kind.code(), error.message);
            None
        }
    }
}

fn lists(json: &Json, at: &str, entity: &Entity, author: &Author<'_>, errors: &mut Errors) -> Option<FieldLists> {
    let mut members = Members::of(json, at, errors)?;
    let mut one = |key: &'static str, always: fn(SystemField) -> bool| {
        let json = members.optional(key)?;
        field_list(json, &members.pointer(key), entity, author, always, errors)
    };
    // Every reader sees what the system keeps, so a list may name it.
    let (read, write) = (one("read", |_| true), one("write", |_| false));
    members.finish(errors);
    Some(FieldLists { read, write })
}

fn field_list(
    json: &Json,
    at: &str,
    entity: &Entity,
    author: &Author<'_>,
    always: fn(SystemField) -> bool,
    errors: &mut Errors,
) -> Option<Vec<FieldId>> {
    let items = list(json, at, entity.fields.len() + SystemField::ALL.len(), errors)?;
    let mut ids = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = pointer(at, &index.to_string());
        let Some(name) = text(item, at.clone(), 1, 63, errors) else { continue };
        if SystemField::named(name).is_some_and(always) {
            continue;
        }
        let known = |field: &&Field| (author.reads)(entity, field) || (author.writes)(entity, field);
        match entity.field_named(name).filter(known) {
            Some(field) if ids.contains(&field.id) => errors.add(at, Code::NotUnique, "This field is named twice."),
            Some(field) => ids.push(field.id),
            None => errors.add(at, Code::UnknownField, format!("`{name}` is not a field of `{}`.", entity.name)),
        }
    }
    Some(ids)
}
