//! Creating records.

use std::marker::PhantomData;
use std::sync::Arc;

use insula_model::draft::{self, Draft};
use insula_model::entity::{Entity, Field};
use insula_model::id::RecordId;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, FieldError, Problem, Result, pointer};
use insula_model::rights::RecordRight;
use insula_model::value::Value;

use super::links;
use super::numbers;
use super::references;
use super::stored::{StoredRecord, columns, leaf};
use super::visible::VisibleRecord;
use crate::audit::Event;
use crate::grant::{Create, Grant, RecordAction};
use crate::sql::{Slot, SqlWriter, Statement, column_name, unique_name};
use crate::store::{StoreError, UniqueBreach};
use crate::tx::{Brand, Meaning, Tx, Writing};

/// A new record that was checked against the entity's rules and the caller's rights.
pub struct ValidRecord<'t> {
    draft: Draft,
    /// The positions of the fields its author named, where it matters which.
    named: Vec<usize>,
    /// Given before it is stored where others are to refer to it.
    id: Option<RecordId>,
    /// Where in the body it stands; empty for the body itself.
    at: String,
    _brand: Brand<'t>,
}

impl<'t> Grant<'t, Create> {
    /// Checks a body that is one new record.
    pub fn draft(&self, body: &Json) -> Result<ValidRecord<'t>> {
        let mut errors = Errors::default();
        let record = self.draft_at(body, String::new(), &mut errors);
        errors.check()?;
        record.ok_or_else(|| Problem::internal("a draft gave neither a record nor an error"))
    }

    pub(super) fn draft_at(&self, body: &Json, at: String, errors: &mut Errors) -> Option<ValidRecord<'t>> {
        let Json::Object(members) = body else {
            errors.add(at, Code::InvalidType, format!("A record is an object, found {}.", body.kind()));
            return None;
        };
        let mut draft = draft::create(&self.entity, &self.right.writable, members, &at, errors);
        self.place(&mut draft, &at, errors);
        let is_named = |(position, _): &&(usize, _)| {
            let field = self.entity.fields.get(*position);
            field.is_some_and(|field| members.iter().any(|(name, _)| name == field.name.as_str()))
        };
        let named = self.right.guards.iter().filter(is_named).map(|(position, _)| *position).collect();
        Some(ValidRecord { draft, named, id: None, at, _brand: PhantomData })
    }

    /// A record belongs to its author's own unit, where he names none.
    fn place(&self, draft: &mut Draft, at: &str, errors: &mut Errors) {
        let unit = self.entity.unit_position().and_then(|position| Some((position, self.entity.fields.get(position)?)));
        let Some((position, field)) = unit.filter(|(position, _)| draft.get(*position).is_none()) else { return };
        let own = self.entity.scope.unit().and_then(|kind| self.caller.place.unit(kind));
        match own {
            Some(unit) => draft.set(position, Value::Uuid(unit.id.uuid())),
            None if field.required => {
                errors.add(pointer(at, field.name.as_str()), Code::Required, "This field needs a value.");
            }
            None => {}
        }
    }

    /// The same for a record whose id is known already.
    pub(super) fn draft_of(
        &self,
        id: RecordId,
        body: &Json,
        at: String,
        errors: &mut Errors,
    ) -> Option<ValidRecord<'t>> {
        self.draft_at(body, at, errors).map(|record| ValidRecord { id: Some(id), ..record })
    }

    /// `INSERT` of a whole record; the arguments are its columns in order.
    fn insert_statement(&self) -> Arc<Statement> {
        if let Some(statement) = self.model.plans.inserts.get(&self.entity.id) {
            return statement;
        }
        let mut w = SqlWriter::new(self.dialect);
        w.raw("INSERT INTO ").table(self.tenant, self.entity.id).raw(" (");
        for (i, column) in columns(&self.entity).enumerate() {
            w.raw(if i == 0 { "" } else { ", " }).column_name(leaf(column));
        }
        w.raw(") VALUES (");
        for (i, _) in columns(&self.entity).enumerate() {
            w.raw(if i == 0 { "" } else { ", " }).bind(Slot::Arg(i));
        }
        w.raw(")");
        let statement = Arc::new(w.finish());
        self.model.plans.inserts.insert(self.entity.id, Arc::clone(&statement));
        statement
    }
}

impl<'t> Tx<'t, Writing> {
    /// Stores one new record with its audit event.
    pub async fn insert(&mut self, grant: &Grant<'t, Create>, record: ValidRecord<'t>) -> Result<VisibleRecord> {
        let stored = self.insert_all(grant, vec![record]).await?;
        let record = stored.first().ok_or_else(|| Problem::internal("an insert gave no record"))?;
        self.reduce(grant, record).await
    }

    /// Stores new records, all or none, each with its event. Gives them as stored.
    pub(super) async fn insert_all(
        &mut self,
        grant: &Grant<'t, Create>,
        records: Vec<ValidRecord<'t>>,
    ) -> Result<Vec<StoredRecord>> {
        let mut errors = Errors::default();
        let references: Vec<_> = records.iter().flat_map(|r| references::of(grant, &r.at, r.draft.named())).collect();
        references::check(self, grant, &references, &mut errors).await?;
        let statement = grant.insert_statement();
        let mut places = Vec::with_capacity(records.len());
        let mut stored = Vec::with_capacity(records.len());
        let mut named = Vec::with_capacity(records.len());
        for record in records {
            let mut new = StoredRecord {
                id: record.id.unwrap_or_else(|| self.engine().ids.next()),
                created_at: self.author.now,
                created_by: self.author.account,
                updated_at: self.author.now,
                updated_by: self.author.account,
                version: 1,
                values: record.draft.into_values(),
                deleted_at: None,
            };
            links::settle(&mut new);
            self.validate(&grant.entity, &new, &record.at, &mut errors);
            places.push(record.at);
            named.push(record.named);
            stored.push(new);
        }
        errors.check()?;
        let numbered = numbers::assign(&mut self.store, grant.tenant, &grant.entity, &mut stored).await;
        numbered.map_err(|error| self.failed(error))?;
        for ((new, named), at) in stored.iter().zip(&named).zip(&places) {
            if grant.right.rule.is_some() || !named.is_empty() {
                let permitted = self.permit(&grant.entity, &grant.right, new, named).await;
                permitted.map_err(|problem| if at.is_empty() { problem } else { problem.located(at.clone()) })?;
            }
        }
        let sets = stored.iter().map(StoredRecord::binds).collect();
        self.send(&statement.text, sets, grant.refusals(places.clone())).await?;
        for (sql, sets, owners) in links::new(grant.dialect, grant.tenant, &grant.entity, &stored) {
            let place = |index: usize| places.get(index).cloned().unwrap_or_default();
            let places = owners.into_iter().map(place).collect();
            self.send(&sql, sets, grant.refusals(places)).await?;
        }
        let after: Vec<_> = stored.iter().map(|record| record.audit_json(&grant.entity)).collect();
        let event = |(record, after): (&StoredRecord, _)| Event {
            action: "record.create",
            entity: Some(&grant.entity),
            subject: Some(record.id.uuid()),
            before: None,
            after: Some(after),
        };
        self.append_all(&stored.iter().zip(after.iter().map(Vec::as_slice)).map(event).collect::<Vec<_>>()).await?;
        Ok(stored)
    }
}

impl<A: RecordAction> Grant<'_, A> {
    /// What a store's refusal of records means to their author; they stand at `places` in the body.
    pub(super) fn refusals(&self, places: Vec<String>) -> Meaning {
        let (entity, reads) = (Arc::clone(&self.entity), self.reads.clone());
        Box::new(move |set, error| {
            let at = places.get(set).map_or("", String::as_str);
            match error {
                StoreError::Unique(breach) => not_unique(&entity, reads.as_deref(), at, &breach),
                // The references were there a moment ago.
                StoreError::ForeignKey => {
                    Problem::conflict("A record this one refers to has just been deleted.", Vec::new())
                }
                other => other.into(),
            }
            .located(at.to_owned())
        })
    }
}

/// Names the fields of the key that clashed, where the caller may read them all; else says nothing of it.
fn not_unique(entity: &Entity, reads: Option<&RecordRight>, at: &str, breach: &UniqueBreach) -> Problem {
    let key = entity.unique.iter().find(|key| match breach {
        UniqueBreach::Index(name) => *name == unique_name(key.id),
        UniqueBreach::Columns(columns) => {
            columns.len() == key.fields.len()
                && key
                    .fields
                    .iter()
                    .filter_map(|id| entity.field(*id))
                    .all(|field| columns.contains(&column_name(field.column())))
        }
    });
    let fields: Vec<_> = key.map_or(Vec::new(), |key| key.fields.iter().filter_map(|id| entity.field(*id)).collect());
    let shown = |field: &&Field| reads.is_some_and(|reads| reads.always_reads_field(entity, field));
    if fields.is_empty() || !fields.iter().all(shown) {
        return Problem::conflict("Another record stands in the way.", Vec::new());
    }
    let names = fields.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ");
    let error = |field: &&Field| FieldError {
        pointer: pointer(at, field.name.as_str()),
        code: Code::NotUnique,
        message: format!("Another record has the same {names}."),
    };
    Problem::conflict("Another record has the same value where values are unique.", fields.iter().map(error).collect())
}
