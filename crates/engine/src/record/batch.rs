//! Many changes to one entity at once: all or nothing, or each by itself.

use std::marker::PhantomData;

use insula_model::id::RecordId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Result, pointer};

use super::insert::ValidRecord;
use super::update::{Precondition, ValidPatch};
use super::visible::{Refusal, VisibleBatch, VisibleRecord};
use crate::grant::{Create, Delete, Grant, RecordAction, Update};
use crate::tx::{Brand, EntityRef, Tx, Writing};

/// Most changes in one batch.
const MOST: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BatchMode {
    /// All or nothing.
    Atomic,
    /// Each change by itself: what is refused is told, and the others take place.
    Independent,
}

/// A batch that was checked as a whole; it carries the grants of the actions it names.
pub struct Batch<'t> {
    mode: BatchMode,
    create: Part<'t, Create, ValidRecord<'t>>,
    update: Part<'t, Update, Change<'t>>,
    delete: Part<'t, Delete, RecordId>,
    /// Items of an independent batch that were refused before anything ran.
    refused: Vec<Refusal>,
    _brand: Brand<'t>,
}

/// The items of one part, each with its place in the body. Absent where there is none, and so no grant is needed.
type Part<'t, A, T> = Option<(Grant<'t, A>, Vec<(usize, T)>)>;

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
        let mode = match members.optional_text("mode", 20, errors) {
            Some("independent") => BatchMode::Independent,
            None | Some("atomic") => BatchMode::Atomic,
            Some(_) => {
                errors.add("/mode", Code::OutOfRange, "Choose one of: atomic, independent.");
                BatchMode::Atomic
            }
        };
        if create.len() + update.len() + delete.len() > MOST {
            errors.add("", Code::TooLong, format!("A batch holds at most {MOST} changes."));
        }
        // What is wrong with the whole is not worth a look at its parts.
        if !errors.is_empty() {
            return Ok(Batch {
                mode,
                create: None,
                update: None,
                delete: None,
                refused: Vec::new(),
                _brand: PhantomData,
            });
        }
        let mut refused = Vec::new();
        let mut reading = Reading { mode, errors, refused: &mut refused };
        let create =
            self.part(entity, "create", create, &mut reading, |grant: &Grant<'t, Create>, json, at, errors| {
                grant.draft_at(json, at, errors)
            })?;
        let update = self.part(entity, "update", update, &mut reading, change)?;
        let delete =
            self.part(entity, "delete", delete, &mut reading, |_, json, at, errors| record_id(Some(json), at, errors))?;
        Ok(Batch { mode, create, update, delete, refused, _brand: PhantomData })
    }

    /// Reads the items of one part under its grant.
    fn part<A: RecordAction, T>(
        &self,
        entity: &EntityRef<'t>,
        op: &'static str,
        items: &[Json],
        reading: &mut Reading<'_>,
        read: impl Fn(&Grant<'t, A>, &Json, String, &mut Errors) -> Option<T>,
    ) -> Result<Part<'t, A, T>> {
        if items.is_empty() {
            return Ok(None);
        }
        let grant = self.authorize::<A>(entity)?;
        let mut read_items = Vec::with_capacity(items.len());
        for (index, json) in items.iter().enumerate() {
            let at = place(op, index);
            let item = match reading.mode {
                BatchMode::Atomic => read(&grant, json, at, reading.errors),
                BatchMode::Independent => {
                    let mut own = Errors::default();
                    let item = read(&grant, json, at, &mut own);
                    match own.check() {
                        Ok(()) => item,
                        Err(problem) => {
                            reading.refused.push(Refusal { op, index, problem });
                            None
                        }
                    }
                }
            };
            read_items.extend(item.map(|item| (index, item)));
        }
        Ok(Some((grant, read_items)))
    }

    /// Does what the batch says. In an atomic one the first thing that cannot be done undoes all of it; in an
    /// independent one it is told and undoes itself alone.
    pub async fn run(&mut self, batch: Batch<'t>) -> Result<VisibleBatch> {
        let Batch { mode, create, update, delete, refused, .. } = batch;
        let (created, updated, deleted) = (Vec::new(), Vec::new(), Vec::new());
        let mut done = VisibleBatch { created, updated, deleted, refused };
        if let Some((grant, records)) = create {
            self.create_each(mode, &grant, records, &mut done).await?;
        }
        if let Some((grant, changes)) = update {
            for (index, (id, precondition, patch)) in changes {
                self.begin_item(mode).await?;
                let updated = self.update(&grant, id, &patch, &precondition).await;
                done.updated.extend(self.end_item(mode, "update", index, updated, &mut done.refused).await?);
            }
        }
        if let Some((grant, ids)) = delete {
            for (index, id) in ids {
                self.begin_item(mode).await?;
                let deleted = self.delete_at(&grant, id, &Precondition::None, &place("delete", index)).await;
                let deleted = deleted.map(|()| id);
                done.deleted.extend(self.end_item(mode, "delete", index, deleted, &mut done.refused).await?);
            }
        }
        Ok(done)
    }

    async fn create_each(
        &mut self,
        mode: BatchMode,
        grant: &Grant<'t, Create>,
        records: Vec<(usize, ValidRecord<'t>)>,
        done: &mut VisibleBatch,
    ) -> Result<()> {
        if mode == BatchMode::Atomic {
            let records = records.into_iter().map(|(_, record)| record).collect();
            let stored = self.insert_all(grant, records).await?;
            for record in &stored {
                done.created.push(self.reduce(grant, record).await?);
            }
            return Ok(());
        }
        for (index, record) in records {
            self.begin_item(mode).await?;
            let created: Result<VisibleRecord> = self.insert(grant, record).await;
            done.created.extend(self.end_item(mode, "create", index, created, &mut done.refused).await?);
        }
        Ok(())
    }

    async fn begin_item(&mut self, mode: BatchMode) -> Result<()> {
        match mode {
            BatchMode::Atomic => Ok(()),
            BatchMode::Independent => self.open_span().await,
        }
    }

    async fn end_item<T>(
        &mut self,
        mode: BatchMode,
        op: &'static str,
        index: usize,
        done: Result<T>,
        refused: &mut Vec<Refusal>,
    ) -> Result<Option<T>> {
        let done = done.map_err(|problem| problem.located(place(op, index)));
        let ended = match mode {
            BatchMode::Atomic => Ok(done?),
            BatchMode::Independent => self.end_span(done).await?,
        };
        match ended {
            Ok(value) => Ok(Some(value)),
            Err(problem) => {
                refused.push(Refusal { op, index, problem });
                Ok(None)
            }
        }
    }
}

/// Where mistakes found while reading go.
struct Reading<'a> {
    mode: BatchMode,
    errors: &'a mut Errors,
    refused: &'a mut Vec<Refusal>,
}

fn place(op: &str, index: usize) -> String {
    format!("/{op}/{index}")
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

pub(super) fn record_id(json: Option<&Json>, at: String, errors: &mut Errors) -> Option<RecordId> {
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
