//! Bringing deleted records back.

use insula_model::entity::{Entity, Field, FieldColumn, FieldKind, OnDelete, SystemField};
use insula_model::expr::Leaf;
use insula_model::id::RecordId;
use insula_model::problem::{Code, FieldError, Problem, Result, pointer};
use insula_model::value::Value;
use uuid::Uuid;

use super::life::Life;
use super::links;
use super::references;
use super::stored::StoredRecord;
use super::visible::{Saved, VisibleRecord};
use crate::audit::Event;
use crate::grant::{Delete, Grant};
use crate::sql::{Slot, SqlWriter};
use crate::tx::{Tx, Writing};

impl<'t> Tx<'t, Writing> {
    /// Brings a deleted record back as it was. 409 where it is not deleted, where its unique values were taken meanwhile, and
    /// where what it cannot be without is deleted itself; 404 where there is none the caller may both delete and read.
    pub async fn restore(&mut self, grant: &Grant<'t, Delete>, id: RecordId) -> Result<Saved> {
        let key = [(Leaf::System(SystemField::Id), Value::Uuid(id.uuid()))];
        let before = self.lock_by(grant, &key, Life::Either).await?.ok_or_else(Problem::not_found)?;
        if !self.sees(&grant.entity, grant.reads.as_deref(), &before).await? {
            return Err(Problem::not_found());
        }
        if before.deleted_at.is_none() {
            return Err(Problem::conflict("This record is not deleted.", Vec::new()));
        }
        let mut after = StoredRecord { deleted_at: None, ..before.next(&self.author) };
        self.let_go(grant, &mut after).await?;
        self.bring_back(grant, &before, &after).await.map(Saved::Updated)
    }

    /// Clears what leads to records that are deleted themselves, as their deletion would have done; 409 where it may not.
    async fn let_go(&mut self, grant: &Grant<'t, Delete>, record: &mut StoredRecord) -> Result<()> {
        let own = record.id.uuid();
        let mut held = Vec::new();
        for (field, value) in grant.entity.fields.iter().zip(&mut record.values) {
            let ids: &[Uuid] = match value {
                Value::Uuid(id) => std::slice::from_ref(id),
                Value::Uuids(ids) => ids,
                _ => continue,
            };
            let Some(target) = field.kind.target().or(field.kind.linked()) else { continue };
            let Some(target) = self.model.schema.entity(target).cloned().filter(|target| target.soft_delete) else {
                continue;
            };
            let mut living = references::living(self, &target, None, ids).await?;
            if target.id == grant.entity.id {
                living.insert(own);
            }
            match (&field.kind, &mut *value) {
                (_, Value::Uuids(ids)) => ids.retain(|id| living.contains(id)),
                (FieldKind::Relation { on_delete, .. }, Value::Uuid(id)) if !living.contains(id) => {
                    if *on_delete == OnDelete::SetNull {
                        *value = Value::Null;
                    } else {
                        held.push(field);
                    }
                }
                _ => {}
            }
        }
        if held.is_empty() {
            return Ok(());
        }
        let error = |field: &Field| FieldError {
            pointer: pointer("", field.name.as_str()),
            code: Code::NoSuchRecord,
            message: "The record it refers to is deleted. Restore that one first.".to_owned(),
        };
        let errors = held.iter().copied().filter(|field| grant.shows(field)).map(error).collect();
        Err(Problem::conflict("A record that this one refers to is deleted. Restore that one first.", errors))
    }

    async fn bring_back(
        &mut self,
        grant: &Grant<'t, Delete>,
        before: &StoredRecord,
        after: &StoredRecord,
    ) -> Result<VisibleRecord> {
        let mut w = SqlWriter::new(grant.dialect);
        let mut args =
            vec![Value::Timestamp(after.updated_at), Value::Uuid(after.updated_by.uuid()), Value::Int(after.version)];
        w.raw("UPDATE ").table(grant.tenant, grant.entity.id).raw(" SET deleted_at = NULL, updated_at = ");
        w.bind(Slot::Arg(0)).raw(", updated_by = ").bind(Slot::Arg(1)).raw(", version = ").bind(Slot::Arg(2));
        for field in cleared(&grant.entity, before, after) {
            w.raw(", ").column_name(Leaf::Field(field)).raw(" = NULL");
        }
        w.raw(" WHERE id = ").bind(Slot::Arg(args.len()));
        args.push(Value::Uuid(after.id.uuid()));
        let place = String::new;
        self.send(&w.finish().text, vec![args], grant.refusals(vec![place()])).await?;
        for (sql, sets) in links::replacing(grant.dialect, grant.tenant, &grant.entity, before, after) {
            let places = vec![place(); sets.len()];
            self.send(&sql, sets, grant.refusals(places)).await?;
        }
        let new = after.audit_json(&grant.entity);
        let (entity, subject) = (Some(&*grant.entity), Some(after.id.uuid()));
        self.append(&Event { action: "record.restore", entity, subject, before: None, after: Some(&new) }).await?;
        self.reduce(grant, after).await
    }
}

/// The columns that `after` has lost.
fn cleared(entity: &Entity, before: &StoredRecord, after: &StoredRecord) -> Vec<FieldColumn> {
    let values = before.values.iter().zip(&after.values);
    let lost = entity.fields.iter().zip(values).filter(|(_, (old, new))| new.is_null() && !old.is_null());
    lost.map(|(field, _)| field.column()).collect()
}
