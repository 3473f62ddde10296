//! Removing for good what was deleted long ago, where an entity keeps deleted records.
//!
//! Who refers to a deleted record was deleted no later than it: nothing living does, and nothing is restored before what it
//! refers to. So what is due is referred to by what is due alone.

use std::sync::Arc;

use insula_model::entity::{Entity, Schema};
use insula_model::expr::Leaf;
use insula_model::id::TenantId;
use insula_model::value::Value;
use uuid::Uuid;

use super::among::{among, batches};
use crate::audit::{self, Event, Outcome};
use crate::jobs::{Step, Then, Work};
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::StoreError;
use crate::tenant;

/// How long a deleted record can be restored.
const KEPT_SECONDS: i64 = 30 * 24 * 3600;
/// Records that are removed in one transaction.
const AT_ONCE: u64 = 200;

/// Removes some. There is a next run for as long as an entity keeps deleted records.
pub(crate) async fn purge(work: &mut Work) -> Result<Step, StoreError> {
    let tenant = work.tenant();
    let schema = tenant::schema(&mut work.tx, tenant).await?;
    let keeping: Vec<Arc<Entity>> = schema.entities().iter().filter(|entity| entity.soft_delete).cloned().collect();
    for entity in &keeping {
        let due = due(work, &schema, entity).await?;
        if !due.is_empty() {
            remove(work, &schema, entity, &due).await?;
            return Ok(Step::More(i64::try_from(due.len()).unwrap_or(i64::MAX)));
        }
    }
    Ok(Step::Last(0, if keeping.is_empty() { Then::Enough } else { Then::Again }))
}

/// Some of the oldest, but for those that another cannot be without: it goes first.
async fn due(work: &mut Work, schema: &Schema, entity: &Entity) -> Result<Vec<Uuid>, StoreError> {
    let mut w = SqlWriter::new(work.tx.dialect());
    w.raw("SELECT a0.id FROM ")
        .table(work.tenant(), entity.id)
        .raw(" AS a0 WHERE a0.deleted_at <= ")
        .bind(Slot::Arg(0));
    for (owner, field) in schema.relations_to(entity.id).filter(|(_, field)| field.required) {
        w.raw(" AND NOT EXISTS (SELECT 1 FROM ").table(work.tenant(), owner.id).raw(" AS a1 WHERE ");
        w.column(1, Leaf::Field(field.column())).raw(" = a0.id AND a1.id <> a0.id)");
    }
    w.raw(" ORDER BY a0.deleted_at LIMIT ").number(AT_ONCE);
    // Somebody may be restoring one right now: it stays, and nobody waits.
    if w.dialect() == Dialect::Postgres {
        w.raw(" FOR UPDATE OF a0 SKIP LOCKED");
    }
    let (text, before) = (w.finish().text, Value::Timestamp(work.started_at.plus_seconds(-KEPT_SECONDS)));
    let rows = work.tx.query(&text, &[&before]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

async fn remove(work: &mut Work, schema: &Schema, entity: &Entity, due: &[Uuid]) -> Result<(), StoreError> {
    let tenant = work.tenant();
    let statements: Vec<(String, Vec<Value>)> = batches(due)
        .flat_map(|ids| {
            let texts = removal(work.tx.dialect(), tenant, schema, entity, ids.len());
            texts.into_iter().map(move |text| (text, ids.clone()))
        })
        .collect();
    for (text, ids) in &statements {
        work.tx.execute(text, &ids.iter().collect::<Vec<_>>()).await?;
    }
    for id in due {
        // What it held, the event of its deletion tells.
        let event =
            Event { action: "record.purge", entity: Some(entity), subject: Some(*id), before: None, after: None };
        audit::append_own(&mut work.tx, Outcome::Ok, tenant, &work.ids, work.now, &event).await?;
    }
    Ok(())
}

/// What removes as many records as `size`, whose ids are the arguments, and before that every reference to them.
fn removal(dialect: Dialect, tenant: TenantId, schema: &Schema, entity: &Entity, size: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for (owner, field) in schema.relations_to(entity.id).filter(|(_, field)| !field.required) {
        let mut w = SqlWriter::new(dialect);
        w.raw("UPDATE ").table(tenant, owner.id).raw(" SET ").column_name(Leaf::Field(field.column()));
        // What of a record changes, makes another version of it, whether anybody sees it or not.
        w.raw(" = NULL, version = version + 1 WHERE ").column_name(Leaf::Field(field.column()));
        among(&mut w, 0, size);
        texts.push(w.finish().text);
    }
    let mut w = SqlWriter::new(dialect);
    w.raw("DELETE FROM ").table(tenant, entity.id).raw(" WHERE id");
    among(&mut w, 0, size);
    texts.push(w.finish().text);
    texts
}
