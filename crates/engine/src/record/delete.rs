//! Deleting records, with what their relations say of it. Every consequence is carried out and audited here, record by
//! record; the foreign keys beneath are the second wall.

use std::collections::HashMap;
use std::sync::Arc;

use insula_model::entity::{Entity, FieldColumn, FieldKind, OnDelete, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, RecordId};
use insula_model::problem::{Problem, Result};
use insula_model::value::Value;
use uuid::Uuid;

use super::consequences::{Consequences, Doomed, Fate, Loosened};
use super::links;
use super::order::{self, Hold};
use super::stored::StoredRecord;
use super::update::Precondition;
use crate::audit::Event;
use crate::grant::{Delete, Grant};
use crate::sql::{Slot, SqlWriter};
use crate::store::StoreError;
use crate::tx::{Tx, Writing, as_it_is};

impl<'t> Tx<'t, Writing> {
    /// Deletes one record and what goes with it; 409 where another record holds on to it.
    pub async fn delete(&mut self, grant: &Grant<'t, Delete>, id: RecordId, precondition: &Precondition) -> Result<()> {
        self.delete_at(grant, id, precondition, "").await
    }

    /// The same, of the id that stands at `at` in the body.
    pub(super) async fn delete_at(
        &mut self,
        grant: &Grant<'t, Delete>,
        id: RecordId,
        precondition: &Precondition,
        at: &str,
    ) -> Result<()> {
        let record = self.lock(grant, id).await?;
        precondition.check(record.version)?;
        let found = self.consequences(&grant.entity, record).await?;
        // A record may lose several references; each change starts from the one before.
        let mut latest: HashMap<(EntityId, RecordId), StoredRecord> = HashMap::new();
        for Loosened { entity, field, record, lost } in &found.loosened {
            let key = (entity.id, record.id);
            if found.place(entity.id, record.id.uuid()).is_none() {
                let record = latest.remove(&key).unwrap_or_else(|| record.clone());
                latest.insert(key, self.loosen(entity, *field, record, *lost).await?);
            }
        }
        let (removed, marked): (Vec<&Doomed>, Vec<&Doomed>) =
            found.deleted.iter().partition(|doomed| doomed.fate == Fate::Removed);
        for doomed in marked {
            for field in held_columns(&found, doomed) {
                self.cut(&doomed.entity, doomed.record.id, field).await?;
            }
            self.mark(&doomed.entity, &doomed.record).await?;
        }
        let holds = holds(&removed);
        let plain: Vec<Hold> = holds.iter().map(|(hold, _)| *hold).collect();
        let order = order::order(removed.len(), &plain).ok_or_else(|| {
            let detail =
                "Records that would be deleted must refer to each other. Change one of their references first.";
            Problem::conflict(detail, Vec::new())
        })?;
        for (hold, field) in order.cut.iter().filter_map(|index| holds.get(*index)) {
            if let Some(doomed) = removed.get(hold.from) {
                self.cut(&doomed.entity, doomed.record.id, *field).await?;
            }
        }
        for doomed in order.records.iter().filter_map(|index| removed.get(*index)) {
            self.remove(&doomed.entity, &doomed.record, at).await?;
        }
        Ok(())
    }

    /// Marks a record as deleted. That is a change of it: who made it and when lies where it does of any other.
    async fn mark(&mut self, entity: &Arc<Entity>, record: &StoredRecord) -> Result<()> {
        let after = record.next(&self.author);
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("UPDATE ").table(self.author.tenant, entity.id).raw(" SET deleted_at = ").bind(Slot::Arg(0));
        w.raw(", updated_at = ").bind(Slot::Arg(1)).raw(", updated_by = ").bind(Slot::Arg(2));
        w.raw(", version = ").bind(Slot::Arg(3)).raw(" WHERE id = ").bind(Slot::Arg(4));
        let at = Value::Timestamp(after.updated_at);
        let by = Value::Uuid(after.updated_by.uuid());
        let args = vec![at.clone(), at, by, Value::Int(after.version), Value::Uuid(record.id.uuid())];
        self.send(&w.finish().text, vec![args], as_it_is()).await?;
        self.gone("record.delete", entity, record).await
    }

    /// Empties a reference of a record that is about to go itself: of that, its own event tells.
    async fn cut(&mut self, entity: &Entity, record: RecordId, field: FieldColumn) -> Result<()> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("UPDATE ").table(self.author.tenant, entity.id).raw(" SET ").column_name(Leaf::Field(field));
        w.raw(" = NULL WHERE id = ").bind(Slot::Arg(0));
        let args = vec![vec![Value::Uuid(record.uuid())]];
        self.send(&w.finish().text, args, as_it_is()).await
    }

    /// Clears a reference to a record that is about to go.
    async fn loosen(
        &mut self,
        entity: &Arc<Entity>,
        field: FieldColumn,
        record: StoredRecord,
        lost: RecordId,
    ) -> Result<StoredRecord> {
        let mut after = record.next(&self.author);
        let is_column = entity.field(field.field).is_some_and(|field| field.kind.is_column());
        match entity.fields.iter().position(|f| f.column() == field).and_then(|p| after.values.get_mut(p)) {
            Some(Value::Uuids(ids)) => ids.retain(|id| *id != lost.uuid()),
            Some(value) => *value = Value::Null,
            None => {}
        }
        let (dialect, tenant) = (self.store.dialect(), self.author.tenant);
        for (sql, sets) in links::replacing(dialect, tenant, entity, &record, &after) {
            self.send(&sql, sets, as_it_is()).await?;
        }
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("UPDATE ").table(self.author.tenant, entity.id).raw(" SET ");
        if is_column {
            w.column_name(Leaf::Field(field)).raw(" = NULL, ");
        }
        w.raw("version = version + 1, updated_at = ").bind(Slot::Arg(0));
        w.raw(", updated_by = ").bind(Slot::Arg(1)).raw(" WHERE id = ").bind(Slot::Arg(2));
        let statement = w.finish();
        let args =
            [Value::Timestamp(after.updated_at), Value::Uuid(after.updated_by.uuid()), Value::Uuid(record.id.uuid())];
        self.send(&statement.text, vec![args.into()], as_it_is()).await?;
        self.changed(entity, &record, &after).await?;
        Ok(after)
    }

    async fn remove(&mut self, entity: &Arc<Entity>, record: &StoredRecord, at: &str) -> Result<()> {
        let mut w = SqlWriter::new(self.store.dialect());
        w.raw("DELETE FROM ").table(self.author.tenant, entity.id).raw(" WHERE ");
        w.column_name(Leaf::System(SystemField::Id)).raw(" = ").bind(Slot::Arg(0));
        let statement = w.finish();
        let at = at.to_owned();
        let refusal = move |_, error| match error {
            StoreError::ForeignKey => {
                let detail = "Another record has just been made that refers to this one.";
                Problem::conflict(detail, Vec::new()).located(at.clone())
            }
            other => other.into(),
        };
        self.send(&statement.text, vec![vec![Value::Uuid(record.id.uuid())]], Box::new(refusal)).await?;
        // Of one that was deleted before, the end alone is new.
        let action = if record.deleted_at.is_some() { "record.purge" } else { "record.delete" };
        self.gone(action, entity, record).await
    }

    async fn gone(&mut self, action: &'static str, entity: &Entity, record: &StoredRecord) -> Result<()> {
        let old = record.audit_json(entity);
        let subject = Some(record.id.uuid());
        self.append(&Event { action, entity: Some(entity), subject, before: Some(&old), after: None }).await
    }
}

/// The columns by which a record that is marked would hold one that is removed.
fn held_columns(found: &Consequences, marked: &Doomed) -> Vec<FieldColumn> {
    let references = marked.entity.fields.iter().zip(&marked.record.values);
    let held = references.filter(|(field, value)| match (&field.kind, value) {
        (FieldKind::Relation { target, on_delete: OnDelete::Restrict }, Value::Uuid(id)) => {
            found.fate(*target, *id) == Some(Fate::Removed)
        }
        _ => false,
    });
    held.map(|(field, _)| field.column()).collect()
}

/// The references among records to be removed that would hold one of them, each with its field. What cascades or is set
/// to null holds nothing.
fn holds(removed: &[&Doomed]) -> Vec<(Hold, FieldColumn)> {
    let place = |(place, doomed): (usize, &&Doomed)| ((doomed.entity.id, doomed.record.id.uuid()), place);
    let places: HashMap<(EntityId, Uuid), usize> = removed.iter().enumerate().map(place).collect();
    let mut holds = Vec::new();
    for (from, Doomed { entity, record, .. }) in removed.iter().enumerate() {
        for (field, value) in entity.fields.iter().zip(&record.values) {
            let (FieldKind::Relation { target, on_delete: OnDelete::Restrict }, Value::Uuid(id)) = (&field.kind, value)
            else {
                continue;
            };
            if let Some(to) = places.get(&(*target, *id)).copied().filter(|to| *to != from) {
                holds.push((Hold { from, to, may_be_cut: !field.required }, field.column()));
            }
        }
    }
    holds
}
