//! A part of the conversion: some records, in one short transaction with the note of how far it got.

use insula_model::entity::Entity;
use insula_model::expr::Leaf;
use insula_model::value::Value;
use uuid::Uuid;

use super::super::survey::TakeOver;
use super::asked::{Conversion, Progress};
use super::converted;
use crate::jobs::{Step, Work};
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::StoreError;

/// Records that are converted in one transaction.
const AT_ONCE: u64 = 250;
/// Records among which those are looked for that a pass before has left.
const LOOKED_AT: u64 = 5000;
/// So few, converted in a whole pass, are little enough to be left for the end.
const FEW: usize = 500;
/// Others may write faster than this gets on: then the rest is converted while they wait.
const MOST_PASSES: u32 = 5;

/// Converts some.
pub(crate) async fn convert(work: &mut Work) -> Result<Step, StoreError> {
    let (tenant, job) = (work.tenant(), work.job);
    let found = Conversion::find(&mut work.tx, tenant, job).await?;
    let Some(mut conversion) = found else { return Err(StoreError::Other("nothing is to be converted".into())) };
    let Conversion { asked, progress } = &mut conversion;
    if progress.is_over {
        return Ok(Step::Alone);
    }
    let entities: Vec<_> = converted(&asked.revisions).collect();
    let total = match work.total {
        Some(total) => total,
        None => count(work, &entities).await?,
    };
    work.total = Some(total);
    // Others make records meanwhile: of those there were, all are done when all have been looked at once.
    let before = progress.looked_at.min(total);
    if let Some((was, is)) = entities.get(progress.entity) {
        let looked_at = some(work, was, is, progress).await?;
        if progress.passes == 0 {
            progress.looked_at += looked_at;
        }
    }
    if progress.entity >= entities.len() {
        progress.end_pass();
    }
    let now = if progress.passes == 0 { progress.looked_at.min(total) } else { total };
    let done = now - before;
    progress.looked_at = now;
    work.errors = Some(progress.refused.values().map(|tally| int(tally.count())).sum());
    conversion.keep(&mut work.tx, tenant, job).await?;
    Ok(Step::More(done))
}

impl Progress {
    /// All were looked at. What could not be converted is looked at once more, as somebody may have mended it meanwhile.
    fn end_pass(&mut self) {
        self.passes += 1;
        let is_settled = self.converted <= FEW || self.passes >= MOST_PASSES;
        let is_lost = !self.refused.is_empty();
        self.is_over = if is_lost { self.passes > 1 } else { is_settled };
        if !self.is_over {
            *self = Self { passes: self.passes, looked_at: self.looked_at, ..Self::default() };
        }
    }
}

async fn count(work: &mut Work, entities: &[(&Entity, &Entity)]) -> Result<i64, StoreError> {
    let mut total = 0;
    for (entity, _) in entities {
        let mut w = SqlWriter::new(work.tx.dialect());
        w.raw("SELECT count(*) FROM ").table(work.tenant(), entity.id);
        total += work.tx.query(&w.finish().text, &[]).await?.first().map_or(Ok(0), |row| row.int(0))?;
    }
    Ok(total)
}

/// Converts the next records of an entity, so far as they have no note that holds; how many there are.
async fn some(work: &mut Work, before: &Entity, after: &Entity, progress: &mut Progress) -> Result<i64, StoreError> {
    let behind = progress.behind.unwrap_or_default();
    let size = if progress.passes == 0 { AT_ONCE } else { LOOKED_AT };
    let up_to = end_of_page(work, before, behind, size).await?;
    let changes: Vec<TakeOver<'_>> = TakeOver::all(before, after).collect();
    let mut args = vec![Value::Uuid(behind)];
    args.extend(up_to.map(Value::Uuid));
    let rows = work.tx.query(&unconverted(work, before, &changes, up_to), &args.iter().collect::<Vec<_>>()).await?;
    let mut sets = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, version) = (row.id(0)?, row.int(1)?);
        let mut set = Vec::with_capacity(changes.len() + 2);
        let mut is_complete = true;
        for (i, change) in changes.iter().enumerate() {
            let old = row.value(i + 2, change.was.kind.column_type())?;
            match change.value(&old) {
                Ok(Some(new)) if change.has_new_column() => set.push(new),
                // Where it lies it is still read by the old type: it is left for the end.
                Ok(Some(_)) => is_complete = false,
                Ok(None) => {}
                Err(why) => {
                    is_complete = false;
                    progress.refused.entry(change.field.id).or_default().add(id, why);
                }
            }
        }
        if is_complete {
            set.extend([Value::Int(version), Value::Uuid(id)]);
            sets.push(set);
        }
    }
    progress.converted += sets.len();
    if !sets.is_empty() {
        let sql = filled(work, before, &changes);
        work.tx.send(&sql, sets).await?;
    }
    let last = rows.last().map(|row| row.id(0)).transpose()?;
    // There may be more of them in this page.
    let is_full = int(rows.len()) == AT_ONCE.cast_signed();
    progress.behind = if is_full { last } else { up_to };
    progress.entity += usize::from(progress.behind.is_none());
    Ok(int(rows.len()))
}

/// The last record of the next page; none where the page is the last.
async fn end_of_page(work: &mut Work, entity: &Entity, behind: Uuid, size: u64) -> Result<Option<Uuid>, StoreError> {
    let mut w = SqlWriter::new(work.tx.dialect());
    w.raw("SELECT id FROM ").table(work.tenant(), entity.id).raw(" WHERE id > ").bind(Slot::Arg(0));
    w.raw(" ORDER BY id LIMIT 1 OFFSET ").number(size - 1);
    let rows = work.tx.query(&w.finish().text, &[&Value::Uuid(behind)]).await?;
    rows.first().map(|row| row.id(0)).transpose()
}

fn unconverted(work: &Work, entity: &Entity, changes: &[TakeOver<'_>], up_to: Option<Uuid>) -> String {
    let mut w = SqlWriter::new(work.tx.dialect());
    w.raw("SELECT a0.id, a0.version");
    for change in changes {
        w.raw(", ").column(0, Leaf::Field(change.was.column()));
    }
    w.raw(" FROM ").table(work.tenant(), entity.id).raw(" AS a0 WHERE a0.id > ").bind(Slot::Arg(0));
    if up_to.is_some() {
        w.raw(" AND a0.id <= ").bind(Slot::Arg(1));
    }
    w.raw(" AND a0.converted IS DISTINCT FROM a0.version ORDER BY a0.id LIMIT ").number(AT_ONCE);
    // Somebody is changing one right now: he is not waited for, and nobody waits for more than this transaction.
    if w.dialect() == Dialect::Postgres {
        w.raw(" FOR NO KEY UPDATE SKIP LOCKED");
    }
    w.finish().text
}

/// What writes the values of one record, and the note of its version.
fn filled(work: &Work, entity: &Entity, changes: &[TakeOver<'_>]) -> String {
    let mut w = SqlWriter::new(work.tx.dialect());
    w.raw("UPDATE ").table(work.tenant(), entity.id).raw(" SET ");
    let new = changes.iter().filter(|change| change.has_new_column());
    let mut binds = 0;
    for change in new {
        w.column_name(Leaf::Field(change.field.column())).raw(" = ").bind(Slot::Arg(binds)).raw(", ");
        binds += 1;
    }
    w.raw("converted = ").bind(Slot::Arg(binds)).raw(" WHERE id = ").bind(Slot::Arg(binds + 1));
    w.finish().text
}

fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
