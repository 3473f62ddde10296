//! Changes to several entities at once, all or nothing. Later ones name the records of earlier ones by `"$ref:name"`.

use std::collections::HashMap;

use insula_model::id::RecordId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Result, pointer};
use uuid::Uuid;

use super::batch::record_id;
use super::insert::ValidRecord;
use super::update::{Precondition, ValidPatch};
use super::visible::{VisibleResult, VisibleResults};
use crate::grant::{Create, Delete, Grant, RecordAction, Update};
use crate::tx::{EntityRef, Tx, Writing};

/// Most operations at once.
const MOST: usize = 1000;
/// Longest name of a record among the operations, in code points.
const MAX_REF: usize = 63;
const REF: &str = "$ref:";

/// Operations that were checked as a whole, each with its grant.
pub struct Operations<'t>(Vec<Operation<'t>>);

enum Operation<'t> {
    Create(Grant<'t, Create>, ValidRecord<'t>),
    Update(Grant<'t, Update>, RecordId, Precondition, ValidPatch<'t>),
    Delete(Grant<'t, Delete>, RecordId, Precondition),
}

/// The records that earlier operations have named.
type Names = HashMap<String, RecordId>;

impl<'t> Tx<'t, Writing> {
    /// Checks `{operations: [{op, entity, id?, version?, data?, ref?}]}`. Each needs the permission of its `op` on its
    /// entity.
    pub fn operations(&self, body: &Json) -> Result<Operations<'t>> {
        Members::read(body, |members, errors| {
            let items = match members.required("operations", errors)? {
                Json::Array(items) => items,
                other => {
                    let message = format!("Expected an array, found {}.", other.kind());
                    errors.add("/operations", Code::InvalidType, message);
                    return None;
                }
            };
            if items.len() > MOST {
                errors.add("/operations", Code::TooLong, format!("At most {MOST} operations can be done at once."));
                return None;
            }
            let mut names = Names::new();
            let read = |(i, json)| self.operation(json, &format!("/operations/{i}"), &mut names, errors).transpose();
            Some(items.iter().enumerate().filter_map(read).collect::<Result<Vec<_>>>().map(Operations))
        })?
    }

    /// Nothing where there are mistakes.
    fn operation(
        &self,
        json: &Json,
        at: &str,
        names: &mut Names,
        errors: &mut Errors,
    ) -> Result<Option<Operation<'t>>> {
        let Some(mut members) = Members::of(json, at, errors) else { return Ok(None) };
        let op = members.text("op", 20, errors);
        let entity = members.text("entity", MAX_REF, errors).and_then(|name| self.named(name, at, errors));
        let id = members.optional("id").cloned();
        let version = members.optional_int("version", errors);
        let data = members.optional("data").cloned();
        let name = members.optional_text("ref", MAX_REF, errors);
        members.finish(errors);
        let (Some(op), Some(entity)) = (op, entity) else { return Ok(None) };

        let misplaced = |errors: &mut Errors, member: &str, there: bool| {
            if there {
                let message = format!("`{op}` takes no `{member}`.");
                errors.add(pointer(at, member), Code::UnknownField, message);
            }
        };
        let precondition = version.map_or(Precondition::None, |version| Precondition::Version(vec![version]));
        let data_at = pointer(at, "data");
        let (id, operation) = match op {
            "create" => {
                misplaced(errors, "id", id.is_some());
                misplaced(errors, "version", version.is_some());
                let grant = self.authorize::<Create>(&entity)?;
                let id = self.engine().ids.next();
                let data = resolved(data.as_ref(), &grant, &data_at, names, errors);
                let record = data.and_then(|data| grant.draft_of(id, &data, data_at, errors));
                (Some(id), record.map(|record| Operation::Create(grant, record)))
            }
            "update" => {
                let grant = self.authorize::<Update>(&entity)?;
                let id = target(id.as_ref(), pointer(at, "id"), names, errors);
                let patch = match resolved(data.as_ref(), &grant, &data_at, names, errors) {
                    Some(Json::Object(members)) => Some(grant.patch_at(&members, data_at, errors)),
                    _ => None,
                };
                (id, id.zip(patch).map(|(id, patch)| Operation::Update(grant, id, precondition, patch)))
            }
            "delete" => {
                misplaced(errors, "data", data.is_some());
                misplaced(errors, "ref", name.is_some());
                let grant = self.authorize::<Delete>(&entity)?;
                let id = target(id.as_ref(), pointer(at, "id"), names, errors);
                (id, id.map(|id| Operation::Delete(grant, id, precondition)))
            }
            _ => {
                errors.add(pointer(at, "op"), Code::OutOfRange, "Choose one of: create, update, delete.");
                (None, None)
            }
        };
        if let (Some(name), Some(id)) = (name, id)
            && names.insert(name.to_owned(), id).is_some()
        {
            errors.add(pointer(at, "ref"), Code::NotUnique, "An earlier operation has this name already.");
        }
        Ok(operation)
    }

    fn named(&self, name: &str, at: &str, errors: &mut Errors) -> Option<EntityRef<'t>> {
        let entity = self.entity(name).ok();
        if entity.is_none() {
            errors.add(pointer(at, "entity"), Code::OutOfRange, "There is no entity of this name.");
        }
        entity
    }

    /// Does the operations in their order; the first that cannot be done undoes all of them.
    pub async fn perform(&mut self, operations: Operations<'t>) -> Result<VisibleResults> {
        let mut results = Vec::with_capacity(operations.0.len());
        for (index, operation) in operations.0.into_iter().enumerate() {
            let at = format!("/operations/{index}");
            let done = self.perform_one(operation, &at).await;
            results.push(done.map_err(|problem| problem.located(at))?);
        }
        Ok(VisibleResults(results))
    }

    async fn perform_one(&mut self, operation: Operation<'t>, at: &str) -> Result<VisibleResult> {
        Ok(match operation {
            Operation::Create(grant, record) => VisibleResult::Record(self.insert(&grant, record).await?),
            Operation::Update(grant, id, precondition, patch) => {
                VisibleResult::Record(self.update(&grant, id, &patch, &precondition).await?)
            }
            Operation::Delete(grant, id, precondition) => {
                self.delete_at(&grant, id, &precondition, at).await?;
                VisibleResult::Deleted(id)
            }
        })
    }
}

/// The id of the record an operation is about, or of the one that its name stands for.
fn target(json: Option<&Json>, at: String, names: &Names, errors: &mut Errors) -> Option<RecordId> {
    match json {
        Some(Json::Text(text)) if text.starts_with(REF) => find(text, at, names, errors),
        other => record_id(other, at, errors),
    }
}

/// `data` with the ids of earlier records in place of their names, where a relation is meant that the caller may write:
/// any other is none to him.
fn resolved(
    data: Option<&Json>,
    grant: &Grant<'_, impl RecordAction>,
    at: &str,
    names: &Names,
    errors: &mut Errors,
) -> Option<Json> {
    let members = match data {
        Some(Json::Object(members)) => members,
        Some(other) => {
            errors.add(at, Code::InvalidType, format!("Expected an object, found {}.", other.kind()));
            return None;
        }
        None => {
            errors.add(at, Code::Required, "Give the fields in `data`.");
            return None;
        }
    };
    let mut resolved = Vec::with_capacity(members.len());
    for (name, value) in members {
        let field = grant.entity.fields.iter().position(|field| field.name.as_str() == name);
        let field = field.filter(|position| grant.right.writable.contains(*position));
        let kind = field.and_then(|position| grant.entity.fields.get(position)).map(|field| &field.kind);
        let relation = kind.is_some_and(|kind| kind.target().is_some());
        let links = kind.is_some_and(|kind| kind.linked().is_some());
        let value = match value {
            Json::Array(items) if links => {
                let place = |i: usize| pointer(&pointer(at, name), &i.to_string());
                let ids = items.iter().enumerate().map(|(i, item)| named_id(item, place(i), names, errors));
                Json::Array(ids.collect())
            }
            one if relation => named_id(one, pointer(at, name), names, errors),
            other => other.clone(),
        };
        resolved.push((name.clone(), value));
    }
    Some(Json::Object(resolved))
}

/// The id in place of a name. One that is not found is told, and stands there as some id, so that the other mistakes are
/// told too.
fn named_id(json: &Json, at: String, names: &Names, errors: &mut Errors) -> Json {
    match json {
        Json::Text(text) if text.starts_with(REF) => {
            Json::Text(find(text, at, names, errors).map_or_else(Uuid::nil, RecordId::uuid).to_string())
        }
        other => other.clone(),
    }
}

fn find(text: &str, at: String, names: &Names, errors: &mut Errors) -> Option<RecordId> {
    let found = names.get(text.strip_prefix(REF).unwrap_or_default());
    if found.is_none() {
        errors.add(at, Code::NoSuchRecord, "No earlier operation has this `ref`.");
    }
    found.copied()
}
