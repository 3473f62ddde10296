//! Deleting records, and what their relations say of it. The consequences are worked out and audited here, record by
//! record; the foreign keys beneath are the second wall.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use insula_model::entity::{Entity, FieldColumn, FieldKind, OnDelete, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, FieldId, RecordId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::Action;
use insula_model::value::Value;
use uuid::Uuid;

use super::links;
use super::order::{self, Hold};
use super::stored::{StoredRecord, lock_linking, lock_where};
use super::update::Precondition;
use crate::audit::Event;
use crate::grant::{Delete, Grant};
use crate::sql::{Slot, SqlWriter};
use crate::store::StoreError;
use crate::tx::{Tx, Writing, as_it_is};

/// Most records one deletion may take with it; beyond, the caller is asked to go in steps.
const MOST: usize = 10_000;

/// Everything a deletion entails, each record once.
#[derive(Default)]
struct Consequences {
    deleted: Vec<(Arc<Entity>, StoredRecord)>,
    /// Which record, by which field, loses which other one.
    loosened: Vec<(Arc<Entity>, FieldColumn, StoredRecord, RecordId)>,
    seen: HashSet<(EntityId, RecordId)>,
}

impl Consequences {
    fn check_size(&self) -> Result<()> {
        if self.deleted.len() + self.loosened.len() <= MOST {
            return Ok(());
        }
        let detail = format!("More than {MOST} other records would be touched. Delete those of them first.");
        Err(Problem::conflict(detail, Vec::new()))
    }
}

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
        let consequences = self.consequences(Arc::clone(&grant.entity), record).await?;
        // A record may lose several references; each change starts from the one before.
        let mut latest: HashMap<(EntityId, RecordId), StoredRecord> = HashMap::new();
        for (entity, field, record, lost) in consequences.loosened {
            let key = (entity.id, record.id);
            if !consequences.seen.contains(&key) {
                let record = latest.remove(&key).unwrap_or(record);
                latest.insert(key, self.loosen(&entity, field, record, lost).await?);
            }
        }
        let deleted = consequences.deleted;
        let holds = holds(&deleted);
        let plain: Vec<Hold> = holds.iter().map(|(hold, _)| *hold).collect();
        let order = order::order(deleted.len(), &plain).ok_or_else(|| {
            let detail =
                "Records that would be deleted must refer to each other. Change one of their references first.";
            Problem::conflict(detail, Vec::new())
        })?;
        for (hold, field) in order.cut.iter().filter_map(|index| holds.get(*index)) {
            if let Some((entity, record)) = deleted.get(hold.from) {
                self.cut(entity, record.id, *field).await?;
            }
        }
        for (entity, record) in order.records.iter().filter_map(|index| deleted.get(*index)) {
            self.remove(entity, record, at).await?;
        }
        Ok(())
    }

    async fn consequences(&mut self, entity: Arc<Entity>, record: StoredRecord) -> Result<Consequences> {
        let mut found = Consequences::default();
        found.seen.insert((entity.id, record.id));
        found.deleted.push((entity, record));
        let mut next = 0;
        while let Some((entity, record)) = found.deleted.get(next).map(|(e, r)| (Arc::clone(e), r.id)) {
            next += 1;
            let model = Arc::clone(&self.model);
            for (owner, field) in model.schema.relations_to(entity.id) {
                let FieldKind::Relation { on_delete: on_delete @ (OnDelete::Cascade | OnDelete::SetNull), .. } =
                    field.kind
                else {
                    continue;
                };
                let value = Value::Uuid(record.uuid());
                let tenant = self.author.tenant;
                let dependents =
                    lock_where(&mut self.store, tenant, owner, Leaf::Field(field.column()), value, MOST as u64 + 1)
                        .await;
                for dependent in dependents.map_err(|error| self.failed(error))? {
                    if on_delete == OnDelete::SetNull {
                        found.loosened.push((Arc::clone(owner), field.column(), dependent, record));
                    } else if found.seen.insert((owner.id, dependent.id)) {
                        found.deleted.push((Arc::clone(owner), dependent));
                    }
                }
                found.check_size()?;
            }
            // Who links it has one link less, which is a change of his like any other.
            for (owner, field) in model.schema.links_to(entity.id) {
                let (tenant, limit) = (self.author.tenant, MOST as u64 + 1);
                let linking = lock_linking(&mut self.store, tenant, owner, field.id, record, limit).await;
                let linking = linking.map_err(|error| self.failed(error))?;
                found.loosened.extend(linking.into_iter().map(|by| (Arc::clone(owner), field.column(), by, record)));
                found.check_size()?;
            }
        }
        self.refuse_held(&found.deleted).await?;
        Ok(found)
    }

    /// Refuses a deletion that a record outside of it holds on to. No more are looked for than refer to a record from
    /// within, and one.
    async fn refuse_held(&mut self, deleted: &[(Arc<Entity>, StoredRecord)]) -> Result<()> {
        let mut within: HashMap<(FieldId, Uuid), u64> = HashMap::new();
        for (entity, record) in deleted {
            for (field, value) in entity.fields.iter().zip(&record.values) {
                if let Value::Uuid(id) = value {
                    *within.entry((field.id, *id)).or_default() += 1;
                }
            }
        }
        let model = Arc::clone(&self.model);
        for (entity, record) in deleted {
            for (owner, field) in model.schema.relations_to(entity.id) {
                if !matches!(field.kind, FieldKind::Relation { on_delete: OnDelete::Restrict, .. }) {
                    continue;
                }
                let within = within.get(&(field.id, record.id.uuid())).copied().unwrap_or(0);
                let mut w = SqlWriter::new(self.store.dialect());
                w.raw("SELECT id FROM ").table(self.author.tenant, owner.id).raw(" WHERE ");
                w.column_name(Leaf::Field(field.column()))
                    .raw(" = ")
                    .bind(Slot::Arg(0))
                    .raw(" LIMIT ")
                    .number(within + 1);
                let found = self.store.query(&w.finish().text, &[&Value::Uuid(record.id.uuid())]).await;
                if found.map_err(|error| self.failed(error))?.len() as u64 > within {
                    return Err(self.held_by(owner, field.column(), record.id, within + 1, deleted).await?);
                }
            }
        }
        Ok(())
    }

    /// Names the entity that holds a record back, where the caller sees one of those among the first `most` that do.
    async fn held_by(
        &mut self,
        owner: &Arc<Entity>,
        field: FieldColumn,
        record: RecordId,
        most: u64,
        deleted: &[(Arc<Entity>, StoredRecord)],
    ) -> Result<Problem> {
        let mut visible = false;
        if let Some(reads) = self.model.record_right(&self.caller, owner, Action::Read) {
            let (tenant, leaf, value) = (self.author.tenant, Leaf::Field(field), Value::Uuid(record.uuid()));
            let holders = lock_where(&mut self.store, tenant, owner, leaf, value, most).await;
            for holder in holders.map_err(|error| self.failed(error))? {
                let goes = deleted.iter().any(|(entity, gone)| entity.id == owner.id && gone.id == holder.id);
                visible |= !goes && self.sees(owner, Some(&reads), &holder).await?;
            }
        }
        let whose = if visible {
            format!("Records of `{}` still refer", owner.name)
        } else {
            "Other records still refer".to_owned()
        };
        Ok(Problem::conflict(
            format!("{whose} to this one, or to one that would go with it. Delete or change them first."),
            Vec::new(),
        ))
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
        let old = record.audit_json(entity);
        let subject = Some(record.id.uuid());
        let event = Event { action: "record.delete", entity: Some(entity), subject, before: Some(&old), after: None };
        self.append(&event).await
    }
}

/// The references among records to be deleted that would hold one of them, each with its field. What cascades or is set
/// to null holds nothing.
fn holds(deleted: &[(Arc<Entity>, StoredRecord)]) -> Vec<(Hold, FieldColumn)> {
    let places: HashMap<(EntityId, Uuid), usize> =
        deleted.iter().enumerate().map(|(place, (entity, record))| ((entity.id, record.id.uuid()), place)).collect();
    let mut holds = Vec::new();
    for (from, (entity, record)) in deleted.iter().enumerate() {
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
