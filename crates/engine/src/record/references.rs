//! Relations of records about to be written: each must lead to a record that exists and that the writer may see. To
//! him the two are one.

use std::collections::HashSet;
use std::sync::Arc;

use insula_model::entity::SystemField;
use insula_model::expr::Leaf;
use insula_model::problem::{Code, Errors, Problem, Result, pointer};
use insula_model::rights::Action;
use insula_model::value::Value;
use uuid::Uuid;

use crate::grant::{Grant, RecordAction};
use crate::sql::{Dialect, Policy, Slot, SqlWriter};
use crate::tx::{Mode, Tx};

/// Ids asked for at once. Statements come in these sizes, so that few are prepared; spare places repeat an id.
const SIZES: [usize; 4] = [1, 8, 64, 512];

/// One reference: the position of its field, where in the body it stands, and what it names.
pub(super) struct Reference {
    pub(super) position: usize,
    pub(super) at: String,
    pub(super) id: Uuid,
}

/// The references among some values named by position.
pub(super) fn of<'v>(
    grant: &Grant<'_, impl RecordAction>,
    at: &str,
    values: impl Iterator<Item = (usize, &'v Value)>,
) -> Vec<Reference> {
    let mut references = Vec::new();
    for (position, value) in values {
        if let (Some(field), Value::Uuid(id)) = (grant.entity.fields.get(position), value)
            && field.kind.target().is_some()
        {
            references.push(Reference { position, at: pointer(at, field.name.as_str()), id: *id });
        }
    }
    references
}

/// Adds a mistake for every reference that leads nowhere. On PostgreSQL what is found stays until the commit.
pub(super) async fn check<'t, M: Mode>(
    tx: &mut Tx<'t, M>,
    grant: &Grant<'t, impl RecordAction>,
    references: &[Reference],
    errors: &mut Errors,
) -> Result<()> {
    let mut positions: Vec<usize> = references.iter().map(|reference| reference.position).collect();
    positions.sort_unstable();
    positions.dedup();
    for position in positions {
        let of_field = || references.iter().filter(move |reference| reference.position == position);
        let mut wanted: Vec<Uuid> = of_field().map(|reference| reference.id).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = existing(tx, grant, position, &wanted).await?;
        for reference in of_field().filter(|reference| !found.contains(&reference.id)) {
            errors.add(reference.at.as_str(), Code::NoSuchRecord, "There is no such record.");
        }
    }
    Ok(())
}

async fn existing<'t, M: Mode>(
    tx: &mut Tx<'t, M>,
    grant: &Grant<'t, impl RecordAction>,
    position: usize,
    wanted: &[Uuid],
) -> Result<HashSet<Uuid>> {
    let target = grant.entity.fields.get(position).and_then(|field| field.kind.target());
    let model = Arc::clone(&tx.model);
    let target = target.and_then(|id| model.schema.entity(id));
    let target = target.ok_or_else(|| Problem::internal("a relation leads to no entity"))?;
    let mut found = HashSet::with_capacity(wanted.len());
    let Some(right) = tx.model.record_right(&tx.caller, target, Action::Read) else { return Ok(found) };
    let largest = SIZES.last().copied().unwrap_or(1);
    for ids in wanted.chunks(largest) {
        let size = SIZES.into_iter().find(|size| *size >= ids.len()).unwrap_or(largest);
        let mut w = SqlWriter::new(grant.dialect);
        w.raw("SELECT a0.id FROM ").table(grant.tenant, target.id).raw(" AS a0 WHERE ");
        w.column(0, Leaf::System(SystemField::Id)).raw(" IN (");
        for place in 0..size {
            w.raw(if place == 0 { "" } else { ", " }).bind(Slot::Arg(place));
        }
        w.raw(")");
        if let Some(rule) = &right.rule {
            w.raw(" AND ");
            Policy { tenant: grant.tenant, schema: &model.schema, entity: target }.condition(&mut w, rule, 0);
        }
        if grant.dialect == Dialect::Postgres {
            w.raw(" FOR KEY SHARE OF a0");
        }
        let statement = w.finish();
        let args: Vec<Value> =
            (0..size).filter_map(|i| ids.get(i).or(ids.first())).map(|id| Value::Uuid(*id)).collect();
        let caller = Value::Uuid(tx.author.account.uuid());
        let rows = tx.store.query(&statement.text, &statement.binds(&caller, &args)).await.map_err(|e| tx.failed(e))?;
        for row in rows {
            found.insert(row.id(0)?);
        }
    }
    Ok(found)
}
