//! The links of records about to be written or just locked. They lie in a table for each field, so a record is read
//! whole in two steps: after its row is locked its links are read anew, since every change of them changes the row too.

use std::collections::HashMap;

use insula_model::entity::Entity;
use insula_model::id::{FieldId, TenantId};
use insula_model::value::Value;
use uuid::Uuid;

use super::among::{among, batches};
use super::stored::StoredRecord;
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::{StoreError, Tx};

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
        let sources: Vec<Uuid> = records.iter().map(|record| record.id.uuid()).collect();
        let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for ids in batches(&sources) {
            let mut w = SqlWriter::new(tx.dialect());
            w.raw("SELECT source, target FROM ").link_table(tenant, field).raw(" WHERE source");
            among(&mut w, 0, ids.len());
            w.raw(" ORDER BY source, target");
            for row in tx.query(&w.finish().text, &ids.iter().collect::<Vec<_>>()).await? {
                found.entry(row.id(0)?).or_default().push(row.id(1)?);
            }
        }
        for record in records.iter_mut() {
            let ids = found.remove(&record.id.uuid()).unwrap_or_default();
            if let Some(value) = record.values.get_mut(position) {
                *value = Value::Uuids(ids);
            }
        }
    }
    Ok(())
}

/// The statements that store the links of new records, each with its sets and whose set each is.
pub(super) fn new(
    dialect: Dialect,
    tenant: TenantId,
    entity: &Entity,
    records: &[StoredRecord],
) -> Vec<(String, Vec<Vec<Value>>, Vec<usize>)> {
    let mut statements = Vec::new();
    for (position, field) in linking(entity) {
        let pairs = records.iter().enumerate();
        let pairs =
            pairs.flat_map(|(owner, record)| ids_at(record, position).iter().map(move |id| (owner, record, id)));
        let (sets, owners): (Vec<_>, Vec<_>) = pairs.map(|(owner, record, id)| (pair(record, *id), owner)).unzip();
        if !sets.is_empty() {
            statements.push((add(dialect, tenant, field), sets, owners));
        }
    }
    statements
}

/// The statements, each with its sets, that make the stored links of one record those of `after`.
pub(super) fn replacing(
    dialect: Dialect,
    tenant: TenantId,
    entity: &Entity,
    before: &StoredRecord,
    after: &StoredRecord,
) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut statements = Vec::new();
    for (position, field) in linking(entity) {
        let (old, new) = (ids_at(before, position), ids_at(after, position));
        let only = |these: &[Uuid], those: &[Uuid]| -> Vec<Vec<Value>> {
            these.iter().filter(|id| those.binary_search(id).is_err()).map(|id| pair(after, *id)).collect()
        };
        let mut w = SqlWriter::new(dialect);
        w.raw("DELETE FROM ").link_table(tenant, field).raw(" WHERE source = ").bind(Slot::Arg(0));
        w.raw(" AND target = ").bind(Slot::Arg(1));
        statements.push((w.finish().text, only(old, new)));
        statements.push((add(dialect, tenant, field), only(new, old)));
    }
    statements.retain(|(_, sets)| !sets.is_empty());
    statements
}

fn add(dialect: Dialect, tenant: TenantId, field: FieldId) -> String {
    let mut w = SqlWriter::new(dialect);
    w.raw("INSERT INTO ").link_table(tenant, field).raw(" (source, target) VALUES (");
    w.bind(Slot::Arg(0)).raw(", ").bind(Slot::Arg(1)).raw(")");
    w.finish().text
}

fn pair(source: &StoredRecord, target: Uuid) -> Vec<Value> {
    vec![Value::Uuid(source.id.uuid()), Value::Uuid(target)]
}
