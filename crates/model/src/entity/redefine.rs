//! Reading changes of an entity that is there. Whatever says a change, what comes out is the entity as it is to be, with the
//! ids of what stays: the difference of the two is all that is ever applied.

use uuid::Uuid;

use super::define::{self, Before, MAX_FIELDS, MAX_INDEXED, MAX_LABEL, Origin};
use super::{Entity, Field, FieldKind, Schema, UniqueKey, rule};
use crate::clock::Ids;
use crate::id::{EntityId, FieldId, parse_uuid};
use crate::input::Members;
use crate::json::Json;
use crate::problem::{Code, Errors, Problem, Result, pointer};

/// What is told apart by an id that stays and a name that may change.
pub(super) trait Named {
    fn uuid(&self) -> Uuid;
    fn name(&self) -> &str;
}

impl Named for Field {
    fn uuid(&self) -> Uuid {
        self.id.uuid()
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }
}

impl Named for std::sync::Arc<Entity> {
    fn uuid(&self) -> Uuid {
        self.id.uuid()
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }
}

/// What of `there` each definition is of: by the id it says, where that is known here, else by its name. An id alone never
/// makes anything, or a document could bring back what was dropped.
pub(super) fn matched<'e, T: Named>(
    items: &[Json],
    there: &'e [T],
    at: &str,
    errors: &mut Errors,
) -> Vec<Option<&'e T>> {
    let mut matched: Vec<Option<&T>> = vec![None; items.len()];
    for (i, item) in items.iter().enumerate() {
        let Some(id) = item.member("id") else { continue };
        let at = pointer(&pointer(at, &i.to_string()), "id");
        let Some(id) = (if let Json::Text(id) = id { parse_uuid(id) } else { None }) else {
            errors.add(
                at,
                Code::InvalidFormat,
                "An id is a UUID, as `GET /schema` shows it. Leave it out of what is new.",
            );
            continue;
        };
        let found = there.iter().find(|one| one.uuid() == id);
        if found.is_some_and(|found| matched.iter().flatten().any(|other| other.uuid() == found.uuid())) {
            errors.add(at, Code::NotUnique, "This id stands twice in the document.");
        } else if let Some(place) = matched.get_mut(i) {
            *place = found;
        }
    }
    for (i, item) in items.iter().enumerate() {
        let Some(Json::Text(name)) = item.member("name") else { continue };
        let taken = |one: &&T| !matched.iter().flatten().any(|other| other.uuid() == one.uuid());
        let found = there.iter().filter(taken).find(|one| one.name() == name);
        if let Some(place) = matched.get_mut(i).filter(|place| place.is_none()) {
            *place = found;
        }
    }
    matched
}

/// The unique keys over these fields. One that is there stays, in its place: of two keys a record breaches, it is refused
/// for the older one.
pub(super) fn keys(before: Option<&Entity>, wanted: &[Vec<FieldId>], ids: &Ids) -> Vec<UniqueKey> {
    let there = before.map_or(&[][..], |entity| &entity.unique);
    let kept = there.iter().filter(|key| wanted.contains(&key.fields)).cloned();
    let new = wanted.iter().filter(|fields| !there.iter().any(|key| key.fields == **fields));
    let new = new.map(|fields| UniqueKey { id: ids.next(), fields: fields.clone() });
    kept.chain(new).collect()
}

/// The keys of `fields`, which are those of `before` but for one: its keys over several fields stay while all of those
/// do.
fn keys_of(before: &Entity, fields: &[Field], ids: &Ids) -> Vec<UniqueKey> {
    let singles = fields.iter().filter(|field| field.unique).map(|field| vec![field.id]);
    let all_there = |key: &&UniqueKey| key.fields.iter().all(|id| fields.iter().any(|field| field.id == *id));
    let several = before.unique.iter().filter(|key| key.fields.len() > 1).filter(all_there);
    let wanted: Vec<_> = singles.chain(several.map(|key| key.fields.clone())).collect();
    keys(Some(before), &wanted, ids)
}

/// The entity with other fields, one of them changed or more or less.
fn with_fields(before: &Entity, fields: Vec<Field>, ids: &Ids) -> Entity {
    let title_field = before.title_field.filter(|id| fields.iter().any(|field| field.id == *id));
    Entity { unique: keys_of(before, &fields, ids), title_field, fields, ..before.clone() }
}

fn target_in<'a>(schema: &'a Schema, own: Option<&'a str>, id: EntityId) -> impl Fn(&str) -> Option<EntityId> + 'a {
    move |name: &str| if own == Some(name) { Some(id) } else { schema.named(name).map(|entity| entity.id) }
}

/// Reads `PATCH /entities/{entity}`: what is absent stays (RFC 7396). `fields` are all of them, in their order.
pub fn patch_entity(body: &Json, before: &Entity, schema: &Schema, ids: &Ids) -> Result<Entity> {
    Members::read(body, |members, errors| {
        let mut after = before.clone();
        if members.raw("name").is_some() {
            after.name = define::name(members, errors)?;
        }
        if members.raw("label").is_some() {
            let label = members.optional_text("label", MAX_LABEL, errors).map(str::to_owned);
            after.label = label.unwrap_or_else(|| after.name.to_string());
        }
        if members.raw("plural_label").is_some() {
            let label = members.optional_text("plural_label", MAX_LABEL, errors).map(str::to_owned);
            after.plural_label = label.unwrap_or_else(|| after.label.clone());
        }
        let target = target_in(schema, define::own_name(body), before.id);
        let origin = Origin { id: before.id, before: Before::This(before), target: &target, schema, ids };
        if members.raw("scope").is_some() {
            after.scope = define::scope(members, errors);
        }
        let mut fields = if members.raw("fields").is_some() {
            define::fields(members, &origin, errors)
        } else {
            after.fields.clone()
        };
        define::ensure_unit_field(after.scope, &mut fields, &origin, &members.pointer("fields"), errors);
        if fields != after.fields {
            after = with_fields(&after, fields, ids);
        }
        if members.raw("unique").is_some() {
            after.unique = define::unique(members, &origin, &after.fields, errors);
        }
        if members.raw("title_field").is_some() {
            after.title_field = define::title_field(members, &after.fields, errors);
        }
        if members.raw("soft_delete").is_some() {
            after.soft_delete = define::soft_delete(members, &after.fields, errors);
        } else if after.soft_delete {
            define::check_free_of_system(&after.fields, &members.pointer("fields"), errors);
        }
        // A rule that names a field with a mistake would only repeat it.
        if let Some(rules) = members.raw("rules").is_some().then(|| members.optional_array("rules", errors))
            && errors.is_empty()
        {
            after.rules = rule::read(rules.unwrap_or_default(), &members.pointer("rules"), &after, schema, errors);
        }
        Some(after)
    })
}

/// Reads `POST /entities/{entity}/fields`: the entity with one field more, the last one unless `position` (from 0 on) says
/// where.
pub fn add_field(body: &Json, before: &Entity, schema: &Schema, ids: &Ids) -> Result<(Entity, FieldId)> {
    let mut errors = Errors::default();
    let (body, position) = positioned(body, before.fields.len(), &mut errors);
    let target = target_in(schema, None, before.id);
    let origin = Origin { id: before.id, before: Before::Nothing, target: &target, schema, ids };
    let read = define::field(&body, "", None, &origin, &mut errors);
    if before.fields.len() >= MAX_FIELDS {
        errors.add("", Code::TooLong, format!("An entity has at most {MAX_FIELDS} fields."));
    }
    if let Some(field) = &read {
        define::check_field(field, &before.fields, "", &mut errors);
        define::check_system(field, before, &mut errors);
    }
    errors.check()?;
    let field = read.ok_or_else(unread)?;
    let (id, mut fields) = (field.id, before.fields.clone());
    fields.insert(position.unwrap_or(fields.len()), field);
    Ok((with_fields(before, fields, ids), id))
}

/// Reads `PATCH /entities/{entity}/fields/{field}`: what is absent stays (RFC 7396), but for what another type does not
/// know or says in its own way. `position` (from 0 on) moves the field.
pub fn patch_field(body: &Json, before: &Entity, field: &Field, schema: &Schema, ids: &Ids) -> Result<Entity> {
    let mut errors = Errors::default();
    let (body, position) = positioned(body, before.fields.len() - 1, &mut errors);
    let Json::Object(given) = &body else {
        return Err(Problem::at("", Code::InvalidType, format!("Expected an object, found {}.", body.kind())));
    };
    if given.iter().any(|(name, _)| name == "id") {
        errors.add("/id", Code::UnknownField, "An id never changes.");
    }
    let merged = merged(field, before, given, schema);
    let target = target_in(schema, None, before.id);
    let origin = Origin { id: before.id, before: Before::This(before), target: &target, schema, ids };
    let read = define::field(&merged, "", Some(field), &origin, &mut errors);
    let others: Vec<Field> = before.fields.iter().filter(|other| other.id != field.id).cloned().collect();
    if let Some(field) = &read {
        define::check_field(field, &others, "", &mut errors);
        define::check_system(field, before, &mut errors);
        check_keys(before, &others, field, &mut errors);
    }
    errors.check()?;
    let read = read.ok_or_else(unread)?;
    let mut fields = others;
    let stays = before.fields.iter().position(|other| other.id == field.id).unwrap_or(fields.len());
    fields.insert(position.unwrap_or(stays), read);
    Ok(with_fields(before, fields, ids))
}

/// The entity without a field, without the unique keys it was part of, and with another title or none.
pub fn without_field(before: &Entity, field: FieldId, ids: &Ids) -> Entity {
    let fields = before.fields.iter().filter(|other| other.id != field).cloned().collect();
    with_fields(before, fields, ids)
}

/// The body without `position`, and what that is: up to `most`.
fn positioned(body: &Json, most: usize, errors: &mut Errors) -> (Json, Option<usize>) {
    let Json::Object(members) = body else { return (body.clone(), None) };
    let rest = members.iter().filter(|(name, _)| name != "position").cloned().collect();
    let position = match body.member("position") {
        None | Some(Json::Null) => None,
        Some(Json::Int(n)) => usize::try_from(*n).ok().filter(|n| *n <= most).or_else(|| {
            errors.add("/position", Code::OutOfRange, format!("A position here is 0 to {most}."));
            None
        }),
        Some(other) => {
            errors.add("/position", Code::InvalidType, format!("Expected an integer, found {}.", other.kind()));
            None
        }
    };
    (Json::Object(rest), position)
}

/// The field as it is shown, with what is given in its place. Where the type changes, its rules go with it, but for those
/// that both types have and mean the same by.
fn merged(field: &Field, owner: &Entity, given: &[(String, Json)], schema: &Schema) -> Json {
    let Json::Object(mut members) = Json::from(&field.view(schema, owner)) else { return Json::Object(Vec::new()) };
    let kind = given.iter().find(|(name, _)| name == "type").map(|(_, json)| json);
    let is_other = kind.is_some_and(|kind| *kind != Json::Text(field.kind.name().to_owned()));
    if is_other {
        let chosen = |kind: &Json| matches!(kind, Json::Text(name) if name == "choice" || name == "multi_choice");
        let keeps_options = matches!(field.kind, FieldKind::Choice { .. } | FieldKind::MultiChoice { .. });
        let keeps_options = keeps_options && kind.is_some_and(chosen);
        let common = ["id", "name", "label", "help", "required", "unique", "indexed"];
        members.retain(|(name, _)| common.contains(&name.as_str()) || (keeps_options && name == "options"));
    }
    for (name, json) in given {
        members.retain(|(other, _)| other != name);
        members.push((name.clone(), json.clone()));
    }
    Json::Object(members)
}

/// Keys over several fields have their own limits, which one of these may come to exceed.
fn check_keys(before: &Entity, others: &[Field], field: &Field, errors: &mut Errors) {
    for key in before.unique.iter().filter(|key| key.fields.len() > 1 && key.fields.contains(&field.id)) {
        if let Some(reason) = define::unindexable(&field.kind) {
            errors.add("/type", Code::OutOfRange, format!("{reason} It is part of a unique key."));
        }
        let rest = others.iter().filter(|other| key.fields.contains(&other.id));
        let size: usize = rest.map(|other| other.kind.index_size()).sum::<usize>() + field.kind.index_size();
        if size > MAX_INDEXED {
            let most = MAX_INDEXED / 4;
            let message = format!("The fields of a unique key have at most {most} characters together.");
            errors.add("/max_length", Code::OutOfRange, message);
        }
    }
}

fn unread() -> Problem {
    Problem::internal("a reader gave neither a field nor an error")
}
