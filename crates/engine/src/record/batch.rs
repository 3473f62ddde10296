//! Many changes to one entity at once, all or nothing.

use std::marker::PhantomData;

use insula_model::id::RecordId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};

use super::insert::ValidRecord;
use super::update::{Precondition, ValidPatch};
use super::visible::VisibleBatch;
use crate::grant::{Create, Delete, Grant, Update};
use crate::tx::{Brand, EntityRef, Tx, Writing};

/// Most changes in one batch.
const MOST: usize = 1000;

/// A batch that was checked as a whole; it carries the grants of the actions it names.
pub struct Batch<'t> {
    create: Option<(Grant<'t, Create>, Vec<ValidRecord<'t>>)>,
    update: Option<(Grant<'t, Update>, Vec<Change<'t>>)>,
    delete: Option<(Grant<'t, Delete>, Vec<RecordId>)>,
    _brand: Brand<'t>,
}

/// Which record, from which version, and how it changes.
type Change<'t> = (RecordId, Precondition, ValidPatch<'t>);

impl<'t> Tx<'t, Writing> {
    /// Checks `{create: […], update: [{id, version?, …}], delete: [id], mode}`. A part that is named and not empty needs
    /// its permission.
    pub fn batch(&self, entity: &EntityRef<'t>, body: &Json) -> Result<Batch<'t>> {
        Members::read(body, |members, errors| Some(self.read_batch(entity, members, errors)))?
    }

    fn read_batch(&self, entity: &EntityRef<'t>, members: &mut Members<'_>, errors: &mut Errors) -> Result<Batch<'t>> {
        let create = members.optional_array("create", errors).unwrap_or_default();
        let update = members.optional_array("update", errors).unwrap_or_default();
        let delete = members.optional_array("delete", errors).unwrap_or_default();
        match members.optional_text("mode", 20, errors) {
            None | Some("atomic") => {}
            Some("independent") => errors.add("/mode", Code::NotSupported, "Only atomic batches are supported yet."),
            Some(_) => errors.add("/mode", Code::OutOfRange, "Choose one of: atomic, independent."),
        }
        if create.len() + update.len() + delete.len() > MOST {
            errors.add("", Code::TooLong, format!("A batch holds at most {MOST} changes."));
        }
        let mut batch = Batch { create: None, update: None, delete: None, _brand: PhantomData };
        // What is wrong with the whole is not worth a look at its parts.
        if !errors.is_empty() {
            return Ok(batch);
        }
        if !create.is_empty() {
            let grant = self.authorize::<Create>(entity)?;
            let at = |i: usize| pointer("/create", &i.to_string());
            let records =
                create.iter().enumerate().filter_map(|(i, json)| grant.draft_at(json, at(i), errors)).collect();
            batch.create = Some((grant, records));
        }
        if !update.is_empty() {
            let grant = self.authorize::<Update>(entity)?;
            let at = |i: usize| pointer("/update", &i.to_string());
            let changes =
                update.iter().enumerate().filter_map(|(i, json)| change(&grant, json, at(i), errors)).collect();
            batch.update = Some((grant, changes));
        }
        if !delete.is_empty() {
            let grant = self.authorize::<Delete>(entity)?;
            let at = |i: usize| pointer("/delete", &i.to_string());
            let ids = delete.iter().enumerate().filter_map(|(i, json)| record_id(Some(json), at(i), errors)).collect();
            batch.delete = Some((grant, ids));
        }
        Ok(batch)
    }

    /// Does what the batch says; the first thing that cannot be done undoes all of it.
    pub async fn run(&mut self, batch: Batch<'t>) -> Result<VisibleBatch> {
        let mut body = b"{\"created\":[".to_vec();
        if let Some((grant, records)) = batch.create {
            for (i, record) in self.insert_all(&grant, records).await?.iter().enumerate() {
                separate(&mut body, i);
                body.extend_from_slice(&self.reduce(&grant, record).await?.body);
            }
        }
        body.extend_from_slice(b"],\"updated\":[");
        if let Some((grant, changes)) = batch.update {
            for (i, (id, precondition, patch)) in changes.iter().enumerate() {
                let updated = self.update(&grant, *id, patch, precondition).await;
                separate(&mut body, i);
                body.extend_from_slice(&updated.map_err(|problem| at(problem, "update", i))?.body);
            }
        }
        body.extend_from_slice(b"],\"deleted\":[");
        if let Some((grant, ids)) = batch.delete {
            for (i, id) in ids.iter().enumerate() {
                let place = pointer("/delete", &i.to_string());
                let deleted = self.delete_at(&grant, *id, &Precondition::None, &place).await;
                deleted.map_err(|problem| at(problem, "delete", i))?;
                separate(&mut body, i);
                insula_model::value::write_json_uuid(id.uuid(), &mut body);
            }
        }
        body.extend_from_slice(b"],\"errors\":[]}");
        Ok(VisibleBatch { body })
    }
}

/// One item of `update`: the id, the version it is based on if that matters, and the changed fields.
fn change<'t>(grant: &Grant<'t, Update>, json: &Json, at: String, errors: &mut Errors) -> Option<Change<'t>> {
    let Json::Object(members) = json else {
        errors.add(at, Code::InvalidType, format!("A change is an object, found {}.", json.kind()));
        return None;
    };
    let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, json)| json);
    let id = record_id(member("id"), pointer(&at, "id"), errors);
    let precondition = match member("version") {
        None => Precondition::None,
        Some(Json::Int(version)) => Precondition::Version(vec![*version]),
        Some(other) => {
            errors.add(
                pointer(&at, "version"),
                Code::InvalidType,
                format!("Expected an integer, found {}.", other.kind()),
            );
            Precondition::None
        }
    };
    let fields: Vec<_> = members.iter().filter(|(name, _)| name != "id" && name != "version").cloned().collect();
    let patch = grant.patch_at(&fields, at, errors);
    Some((id?, precondition, patch))
}

fn record_id(json: Option<&Json>, at: String, errors: &mut Errors) -> Option<RecordId> {
    match json {
        Some(Json::Text(text)) => {
            let id = RecordId::parse(text);
            if id.is_none() {
                errors.add(at, Code::InvalidFormat, "An id is a UUID.");
            }
            id
        }
        Some(other) => {
            errors.add(at, Code::InvalidType, format!("An id is a string, found {}.", other.kind()));
            None
        }
        None => {
            errors.add(at, Code::Required, "Name the record by its id.");
            None
        }
    }
}

/// Says which item of the batch a problem belongs to, where it does not say so itself.
fn at(problem: Problem, part: &str, index: usize) -> Problem {
    if problem.errors().is_empty() { problem.located(format!("/{part}/{index}")) } else { problem }
}

fn separate(body: &mut Vec<u8>, index: usize) {
    if index > 0 {
        body.push(b',');
    }
}
