//! Changing records.

use std::borrow::Cow;
use std::marker::PhantomData;

use insula_model::draft::{self, Draft};
use insula_model::entity::{Entity, Field, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::RecordId;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::rights::RecordRight;
use insula_model::value::Value;

use super::life::Life;
use super::links;
use super::references;
use super::rule;
use super::stored::{StoredRecord, for_update, select_whole};
use super::visible::VisibleRecord;
use crate::audit::Event;
use crate::grant::{Grant, RecordAction, Update};
use crate::sql::{Slot, SqlWriter};
use crate::tx::{Brand, Tx, Writing};

/// Changes to one record that were checked against the entity's rules and the caller's rights.
pub struct ValidPatch<'t> {
    draft: Draft,
    /// Positions of fields that it does not name and clears, where they are its author's on the record it is about.
    cleared: Vec<usize>,
    at: String,
    _brand: Brand<'t>,
}

/// What the client knows of the record's state: `If-Match` (RFC 9110 §13.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Precondition {
    /// Whatever it is.
    None,
    /// One of these versions.
    Version(Vec<i64>),
}

impl Precondition {
    /// Reads an `If-Match` header. Tags are `"version-digest"`, of which the version counts; a tag this server never
    /// made, weak ones among them, matches nothing.
    pub fn parse(header: Option<&str>) -> Self {
        match header.map(str::trim) {
            None | Some("*") => Self::None,
            Some(tags) => Self::Version(tags.split(',').filter_map(version).collect()),
        }
    }

    pub(super) fn check(&self, version: i64) -> Result<()> {
        match self {
            Self::Version(versions) if !versions.contains(&version) => Err(Problem::stale_version()),
            _ => Ok(()),
        }
    }
}

fn version(tag: &str) -> Option<i64> {
    let inner = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    inner.split('-').next()?.parse().ok()
}

impl<'t> Grant<'t, Update> {
    /// Checks a body that is a merge patch (RFC 7396): `null` clears, what is not named stays.
    pub fn patch(&self, body: &Json) -> Result<ValidPatch<'t>> {
        let mut errors = Errors::default();
        let patch = self.patch_at(members(body)?, String::new(), &mut errors);
        errors.check()?;
        Ok(patch)
    }

    /// Checks a body that is a whole record in place of the one there is: what is not named takes its default or is
    /// cleared, but for what the caller may not read, and so cannot know, or not write.
    pub fn replacement(&self, body: &Json) -> Result<ValidPatch<'t>> {
        let (members, mut errors) = (members(body)?, Errors::default());
        let his = |position: usize| self.is_his(position);
        let everywhere = |position| his(position) == Some(Extent::EveryRecord);
        let draft = draft::replace(&self.entity, &self.right.writable, everywhere, members, "", &mut errors);
        errors.check()?;
        let somewhere = |(position, field): &(usize, &Field)| {
            his(*position) == Some(Extent::SomeRecords) && !members.iter().any(|(name, _)| name == field.name.as_str())
        };
        let fields = self.entity.fields.iter().enumerate();
        let cleared = fields.filter(somewhere).map(|(position, _)| position).collect();
        Ok(ValidPatch { draft, cleared, at: String::new(), _brand: PhantomData })
    }

    /// On which of the records he may change the caller may read and write a field.
    fn is_his(&self, position: usize) -> Option<Extent> {
        let reads = self.reads.as_deref()?;
        if !self.right.writable.contains(position) || !reads.readable.contains(position) {
            return None;
        }
        let sees_all = reads.rule.is_none() || reads.rule == self.right.rule;
        let is_guarded = |right: &RecordRight| right.guards.iter().any(|(guarded, _)| *guarded == position);
        Some(if sees_all && !is_guarded(reads) && !is_guarded(&self.right) {
            Extent::EveryRecord
        } else {
            Extent::SomeRecords
        })
    }

    pub(super) fn patch_at(&self, members: &[(String, Json)], at: String, errors: &mut Errors) -> ValidPatch<'t> {
        let draft = draft::patch(&self.entity, &self.right.writable, members, &at, errors);
        ValidPatch { draft, cleared: Vec::new(), at, _brand: PhantomData }
    }
}

#[derive(PartialEq, Eq)]
enum Extent {
    EveryRecord,
    SomeRecords,
}

fn members(body: &Json) -> Result<&[(String, Json)]> {
    match body {
        Json::Object(members) => Ok(members),
        other => Err(Problem::at("", Code::InvalidType, format!("A change is an object, found {}.", other.kind()))),
    }
}

impl<'t> Tx<'t, Writing> {
    /// Applies a change to one record, with its audit event. One that changes nothing leaves neither event nor version.
    pub async fn update(
        &mut self,
        grant: &Grant<'t, Update>,
        id: RecordId,
        patch: &ValidPatch<'t>,
        precondition: &Precondition,
    ) -> Result<VisibleRecord> {
        let before = self.lock(grant, id).await?;
        precondition.check(before.version)?;
        self.change(grant, before, patch).await
    }

    /// Applies a change to a record that is locked. One that changes nothing leaves neither event nor version.
    pub(super) async fn change(
        &mut self,
        grant: &Grant<'t, Update>,
        before: StoredRecord,
        patch: &ValidPatch<'t>,
    ) -> Result<VisibleRecord> {
        let draft = self.on(grant, &before, patch).await?;
        let mut after = before.next(&self.author);
        for (value, new) in after.values.iter_mut().enumerate().filter_map(|(p, v)| Some((v, draft.get(p)?))) {
            *value = new.clone();
        }
        links::settle(&mut after);
        if after.values == before.values {
            return self.reduce(grant, &before).await;
        }
        let mut errors = Errors::default();
        // What it names already it may keep: a user who has left since, a record the writer does not see.
        let mut references = references::of(grant, &patch.at, draft.named());
        references.retain(|reference| !before.refers(reference.position, reference.id));
        references::check(self, grant, &references, &mut errors).await?;
        errors.check()?;
        let limited = grant.right.rule.is_some() || !grant.right.guards.is_empty();
        let written: Vec<usize> =
            if limited { draft.named().map(|(position, _)| position).collect() } else { Vec::new() };
        if limited {
            // Of the record as it was, the rule was asked when it was locked.
            self.permit_fields(&grant.entity, &grant.right, &before, &written).await?;
            self.permit(&grant.entity, &grant.right, &after, &written).await?;
        }
        // A refusal tells of the values that are kept: it is for who may make the change.
        let mut errors = Errors::default();
        self.validate(&grant.entity, &after, &patch.at, &mut errors);
        errors.check()?;
        let mut w = SqlWriter::new(grant.dialect);
        let mut args =
            vec![Value::Timestamp(after.updated_at), Value::Uuid(after.updated_by.uuid()), Value::Int(after.version)];
        w.raw("UPDATE ").table(grant.tenant, grant.entity.id).raw(" SET updated_at = ").bind(Slot::Arg(0));
        w.raw(", updated_by = ").bind(Slot::Arg(1)).raw(", version = ").bind(Slot::Arg(2));
        for (position, value) in draft.named() {
            if let Some(field) = grant.entity.fields.get(position).filter(|field| field.kind.is_column()) {
                w.raw(", ").column_name(Leaf::Field(field.column())).raw(" = ").bind(Slot::Arg(args.len()));
                args.push(value.clone());
            }
        }
        w.raw(" WHERE ").column_name(Leaf::System(SystemField::Id)).raw(" = ").bind(Slot::Arg(args.len()));
        args.push(Value::Uuid(before.id.uuid()));
        let statement = w.finish();
        self.send(&statement.text, vec![args], grant.refusals(vec![patch.at.clone()])).await?;
        for (sql, sets) in links::replacing(grant.dialect, grant.tenant, &grant.entity, &before, &after) {
            let places = vec![patch.at.clone(); sets.len()];
            self.send(&sql, sets, grant.refusals(places)).await?;
        }
        if limited && rule::returns(&grant.policy(), &grant.right) {
            self.permit(&grant.entity, &grant.right, &after, &written).await?;
        }
        self.changed(&grant.entity, &before, &after).await?;
        self.reduce(grant, &after).await
    }

    /// Appends the event of a record's change.
    pub(super) async fn changed(&mut self, entity: &Entity, before: &StoredRecord, after: &StoredRecord) -> Result<()> {
        let (old, new) = (before.audit_json(entity), after.audit_json(entity));
        let subject = Some(before.id.uuid());
        let event =
            Event { action: "record.update", entity: Some(entity), subject, before: Some(&old), after: Some(&new) };
        self.append(&event).await
    }

    /// What a change names of the record it is about.
    async fn on<'p>(
        &mut self,
        grant: &Grant<'t, Update>,
        before: &StoredRecord,
        patch: &'p ValidPatch<'t>,
    ) -> Result<Cow<'p, Draft>> {
        if patch.cleared.is_empty() || !self.sees(&grant.entity, grant.reads.as_deref(), before).await? {
            return Ok(Cow::Borrowed(&patch.draft));
        }
        let (mut draft, mut errors) = (patch.draft.clone(), Errors::default());
        let mut closed = Vec::new();
        for right in grant.reads.as_deref().into_iter().chain([&*grant.right]) {
            for (position, guard) in &right.guards {
                if patch.cleared.contains(position) && !self.holds(&grant.entity, guard, before).await? {
                    closed.push(*position);
                }
            }
        }
        for position in patch.cleared.iter().filter(|position| !closed.contains(position)) {
            if let Some(field) = grant.entity.fields.get(*position)
                && let Some(value) = draft::unnamed(&grant.entity, field, &patch.at, &mut errors)
            {
                draft.set(*position, value);
            }
        }
        errors.check()?;
        Ok(Cow::Owned(draft))
    }

    /// The whole record the grant covers, locked until the end of the transaction; 404 where there is none.
    pub(super) async fn lock(&mut self, grant: &Grant<'t, impl RecordAction>, id: RecordId) -> Result<StoredRecord> {
        let key = [(Leaf::System(SystemField::Id), Value::Uuid(id.uuid()))];
        self.lock_by(grant, &key, Life::Living).await?.ok_or_else(Problem::not_found)
    }

    /// The same by the values of a unique key.
    pub(super) async fn lock_by(
        &mut self,
        grant: &Grant<'t, impl RecordAction>,
        key: &[(Leaf, Value)],
        life: Life,
    ) -> Result<Option<StoredRecord>> {
        let mut w = select_whole(grant.dialect, grant.tenant, &grant.entity);
        for (i, (column, _)) in key.iter().enumerate() {
            w.raw(if i == 0 { "" } else { " AND " }).column(0, *column).raw(" = ").bind(Slot::Arg(i));
        }
        life.and(&mut w, &grant.entity, 0);
        if let Some(rule) = &grant.right.rule {
            w.raw(" AND ");
            grant.policy().condition(&mut w, rule, 0);
        }
        for_update(&mut w);
        let statement = w.finish();
        let args: Vec<Value> = key.iter().map(|(_, value)| value.clone()).collect();
        let rows = self.rows(&statement, &args).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut record = [StoredRecord::from_row(&grant.entity, row)?];
        let loaded = links::load(&mut self.store, grant.tenant, &grant.entity, &mut record).await;
        loaded.map_err(|error| self.failed(error))?;
        let [record] = record;
        Ok(Some(record))
    }
}
