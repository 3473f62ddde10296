//! Changing records.

use std::marker::PhantomData;

use insula_model::draft::{self, Draft};
use insula_model::entity::SystemField;
use insula_model::expr::Leaf;
use insula_model::id::RecordId;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::Value;

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
        let Json::Object(members) = body else {
            return Err(Problem::at("", Code::InvalidType, format!("A change is an object, found {}.", body.kind())));
        };
        let mut errors = Errors::default();
        let patch = self.patch_at(members, String::new(), &mut errors);
        errors.check()?;
        Ok(patch)
    }

    pub(super) fn patch_at(&self, members: &[(String, Json)], at: String, errors: &mut Errors) -> ValidPatch<'t> {
        let draft = draft::patch(&self.entity, &self.right.writable, members, &at, errors);
        ValidPatch { draft, at, _brand: PhantomData }
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
        if patch.draft.named().all(|(position, value)| before.values.get(position) == Some(value)) {
            return self.reduce(grant, &before).await;
        }
        let mut errors = Errors::default();
        let references = references::of(grant, &patch.at, patch.draft.named());
        references::check(self, grant, &references, &mut errors).await?;
        errors.check()?;
        let mut after = StoredRecord {
            updated_at: self.author.now,
            updated_by: self.author.account,
            version: before.version + 1,
            ..before.clone()
        };
        for (value, new) in after.values.iter_mut().enumerate().filter_map(|(p, v)| Some((v, patch.draft.get(p)?))) {
            *value = new.clone();
        }
        let limited = grant.right.rule.is_some() || !grant.right.guards.is_empty();
        let written: Vec<usize> =
            if limited { patch.draft.named().map(|(position, _)| position).collect() } else { Vec::new() };
        if limited {
            // Of the record as it was, the rule was asked when it was locked.
            self.permit_fields(&grant.entity, &grant.right, &before, &written).await?;
            self.permit(&grant.entity, &grant.right, &after, &written).await?;
        }
        let mut w = SqlWriter::new(grant.dialect);
        let mut args =
            vec![Value::Timestamp(after.updated_at), Value::Uuid(after.updated_by.uuid()), Value::Int(after.version)];
        w.raw("UPDATE ").table(grant.tenant, grant.entity.id).raw(" SET updated_at = ").bind(Slot::Arg(0));
        w.raw(", updated_by = ").bind(Slot::Arg(1)).raw(", version = ").bind(Slot::Arg(2));
        for (position, value) in patch.draft.named() {
            if let Some(field) = grant.entity.fields.get(position) {
                w.raw(", ").column_name(Leaf::Field(field.id)).raw(" = ").bind(Slot::Arg(args.len()));
                args.push(value.clone());
            }
        }
        w.raw(" WHERE ").column_name(Leaf::System(SystemField::Id)).raw(" = ").bind(Slot::Arg(args.len()));
        args.push(Value::Uuid(id.uuid()));
        let statement = w.finish();
        self.send(&statement.text, vec![args], grant.refusals(vec![patch.at.clone()])).await?;
        if limited && rule::returns(&grant.policy(), &grant.right) {
            self.permit(&grant.entity, &grant.right, &after, &written).await?;
        }
        let (old, new) = (before.audit_json(&grant.entity), after.audit_json(&grant.entity));
        let event = Event {
            action: "record.update",
            entity: Some(&grant.entity),
            subject: Some(id.uuid()),
            before: Some(&old),
            after: Some(&new),
        };
        self.append(&event).await?;
        self.reduce(grant, &after).await
    }

    /// The whole record the grant covers, locked until the end of the transaction; 404 where there is none.
    pub(super) async fn lock(&mut self, grant: &Grant<'t, impl RecordAction>, id: RecordId) -> Result<StoredRecord> {
        let mut w = select_whole(grant.dialect, grant.tenant, &grant.entity);
        w.column(0, Leaf::System(SystemField::Id)).raw(" = ").bind(Slot::Arg(0));
        if let Some(rule) = &grant.right.rule {
            w.raw(" AND ");
            grant.policy().condition(&mut w, rule, 0);
        }
        for_update(&mut w);
        let statement = w.finish();
        let (caller, args) = (Value::Uuid(self.author.account.uuid()), [Value::Uuid(id.uuid())]);
        let found = self.store.query(&statement.text, &statement.binds(&caller, &args)).await;
        let rows = found.map_err(|error| self.failed(error))?;
        let row = rows.first().ok_or_else(Problem::not_found)?;
        Ok(StoredRecord::from_row(&grant.entity, row)?)
    }
}
