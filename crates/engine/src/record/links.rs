//! The links of records about to be written or just locked. They lie in a table for each field, so a record is read
//! whole in two steps: after its row is locked its links are read anew, since every change of them changes the row too.

use std::collections::HashMap;

use insula_model::entity::Entity;
use insula_model::id::{FieldId, TenantId};
use insula_model::value::Value;
use uuid::Uuid;

use super::stored::StoredRecord;
use crate::sql::{Slot, SqlWriter};
use crate::store::{StoreError, Tx};

/// Records asked about at once.
const AT_ONCE: usize = 256;

/// Puts links into the order they are shown in.
pub(super) fn settle(record: &mut StoredRecord) {
    for value in &mut record.values {
        if let Value::Uuids(ids) = value {
            ids.sort_unstable();
        }
    }
}

/// The fields of an entity that link, with their position.
fn linking(entity: &Entity) -> impl Iterator<Item = (usize, FieldId)> {
    let fields = entity.fields.iter().enumerate();
    fields.filter(|(_, field)| !field.kind.is_column()).map(|(position, field)| (position, field.id))
}

fn ids_at(record: &StoredRecord, position: usize) -> &[Uuid] {
    match record.values.get(position) {
        Some(Value::Uuids(ids)) => ids,
        _ => &[],
    }
}

/// Reads the links of records whose rows are locked.
pub(super) async fn load(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    records: &mut [StoredRecord],
) -> Result<(), StoreError> {
    for (position, field) in linking(entity) {
        for records in records.chunks_mut(AT_ONCE) {
            let size = if records.len() == 1 { 1 } else { AT_ONCE };
            let mut w = SqlWriter::new(tx.dialect());
            w.raw("SELECT source, target FROM ").link_table(tenant, field).raw(" WHERE source IN (");
            for place in 0..size {
                w.raw(if place == 0 { "" } else { ", " }).bind(Slot::Arg(place));
            }
            w.raw(") ORDER BY source, target");
            let statement = w.finish();
            // Spare places repeat an id, so that few statements are prepared.
            let id = |place| records.get(place).or(records.first()).map(|record| Value::Uuid(record.id.uuid()));
            let args: Vec<Value> = (0..size).filter_map(id).collect();
            let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
            for row in tx.query(&statement.text, &args.iter().collect::<Vec<_>>()).await? {
                found.entry(row.id(0)?).or_default().push(row.id(1)?);
            }
            for record in records {
                let ids = found.remove(&record.id.uuid()).unwrap_or_default();
                if let Some(value) = record.values.get_mut(position) {
                    *value = Value::Uuids(ids);
                }
            }
        }
    }
    Ok(())
}

/// Stores the links of new records. Which record failed is in the error.
pub(super) async fn insert(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    records: &[StoredRecord],
) -> Result<(), (usize, StoreError)> {
    for (position, field) in linking(entity) {
        let mut sets = Vec::new();
        let mut owners = Vec::new();
        for (index, record) in records.iter().enumerate() {
            for id in ids_at(record, position) {
                sets.push(pair(record, *id));
                owners.push(index);
            }
        }
        add(tx, tenant, field, sets).await.map_err(|(set, error)| (owners.get(set).copied().unwrap_or(0), error))?;
    }
    Ok(())
}

/// Makes the stored links of one record those of `after`.
pub(super) async fn replace(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    before: &StoredRecord,
    after: &StoredRecord,
) -> Result<(), StoreError> {
    for (position, field) in linking(entity) {
        let (old, new) = (ids_at(before, position), ids_at(after, position));
        let only = |these: &[Uuid], those: &[Uuid]| -> Vec<Vec<Value>> {
            these.iter().filter(|id| those.binary_search(id).is_err()).map(|id| pair(after, *id)).collect()
        };
        let (gone, come) = (only(old, new), only(new, old));
        if !gone.is_empty() {
            let mut w = SqlWriter::new(tx.dialect());
            w.raw("DELETE FROM ").link_table(tenant, field).raw(" WHERE source = ").bind(Slot::Arg(0));
            w.raw(" AND target = ").bind(Slot::Arg(1));
            tx.execute_many(&w.finish().text, gone).await.map_err(|(_, error)| error)?;
        }
        add(tx, tenant, field, come).await.map_err(|(_, error)| error)?;
    }
    Ok(())
}

async fn add(tx: &mut Tx, tenant: TenantId, field: FieldId, sets: Vec<Vec<Value>>) -> Result<(), (usize, StoreError)> {
    if sets.is_empty() {
        return Ok(());
    }
    let mut w = SqlWriter::new(tx.dialect());
    w.raw("INSERT INTO ").link_table(tenant, field).raw(" (source, target) VALUES (");
    w.bind(Slot::Arg(0)).raw(", ").bind(Slot::Arg(1)).raw(")");
    tx.execute_many(&w.finish().text, sets).await
}

fn pair(source: &StoredRecord, target: Uuid) -> Vec<Value> {
    vec![Value::Uuid(source.id.uuid()), Value::Uuid(target)]
}
