//! Rules of rights, asked of a record at hand: one that is about to be written, or has just been.

use std::borrow::Cow;

use insula_model::entity::Entity;
use insula_model::expr::{Expr, Leaf, Path};
use insula_model::problem::{Problem, Result};
use insula_model::rights::RecordRight;
use insula_model::value::Value;

use super::stored::StoredRecord;
use super::visible::VisibleRecord;
use crate::grant::{Grant, RecordAction};
use crate::sql::{Policy, Slot, SqlWriter};
use crate::tx::{Mode, Tx};

impl<'t, M: Mode> Tx<'t, M> {
    /// Whether `rule` holds for a record with these values, stored or not. Only a rule that leads over relations asks the
    /// store.
    pub(super) async fn holds(&mut self, entity: &Entity, rule: &Expr, record: &StoredRecord) -> Result<bool> {
        let paths: Vec<&Path> = rule.paths().into_iter().filter(|path| !path.hops.is_empty()).collect();
        let far = if paths.is_empty() { Vec::new() } else { self.far(entity, &paths, record).await? };
        let caller = self.caller_facts();
        let mut column = |path: &Path| {
            let value = match paths.iter().position(|other| *other == path) {
                Some(index) => far.get(index).cloned(),
                None => record.value(entity, path.leaf),
            };
            Cow::Owned(value.unwrap_or(Value::Null))
        };
        Ok(rule.eval(&mut column, &caller))
    }

    /// What lies at the end of paths over relations, starting from the values of `record`.
    async fn far(&mut self, entity: &Entity, paths: &[&Path], record: &StoredRecord) -> Result<Vec<Value>> {
        let model = std::sync::Arc::clone(&self.model);
        let policy = Policy { tenant: self.author.tenant, schema: &model.schema, entity };
        let mut w = SqlWriter::new(self.store.dialect());
        let mut args = Vec::with_capacity(paths.len());
        w.raw("SELECT ");
        for (i, path) in paths.iter().enumerate() {
            w.raw(if i == 0 { "" } else { ", " });
            policy.column(&mut w, &path.hops, path.leaf, &mut |w, leaf| {
                w.bind(Slot::Arg(args.len()));
                args.push(record.value(entity, leaf).unwrap_or(Value::Null));
            });
        }
        let statement = w.finish();
        let found = self.store.query(&statement.text, &args.iter().collect::<Vec<_>>()).await;
        let rows = found.map_err(|error| self.failed(error))?;
        let row = rows.first().ok_or_else(|| Problem::internal("a look-up gave no row"))?;
        let values = paths.iter().enumerate().map(|(i, path)| row.value(i, path.column_type));
        Ok(values.collect::<Result<_, _>>()?)
    }

    /// Refuses to write a record that lies outside of what the right reaches, or fields at these positions where they are
    /// not open. Asked before the store is, so that no refusal of the store's tells of what may not be written.
    pub(super) async fn permit(
        &mut self,
        entity: &Entity,
        right: &RecordRight,
        record: &StoredRecord,
        written: &[usize],
    ) -> Result<()> {
        if let Some(rule) = &right.rule
            && !self.holds(entity, rule, record).await?
        {
            return Err(Problem::forbidden());
        }
        self.permit_fields(entity, right, record, written).await
    }

    /// The fields alone, of a record that the right is known to reach.
    pub(super) async fn permit_fields(
        &mut self,
        entity: &Entity,
        right: &RecordRight,
        record: &StoredRecord,
        written: &[usize],
    ) -> Result<()> {
        for (position, guard) in &right.guards {
            if written.contains(position) && !self.holds(entity, guard, record).await? {
                return Err(Problem::forbidden());
            }
        }
        Ok(())
    }

    /// Whether the caller sees this record at all.
    pub(super) async fn sees(
        &mut self,
        entity: &Entity,
        reads: Option<&RecordRight>,
        record: &StoredRecord,
    ) -> Result<bool> {
        match reads.map(|reads| &reads.rule) {
            Some(Some(rule)) => self.holds(entity, rule, record).await,
            Some(None) => Ok(true),
            None => Ok(false),
        }
    }

    /// A written record as its writer may see it: the only way one leaves the engine after a write. Who may not read it
    /// learns its id and version, which he needs to go on.
    pub(super) async fn reduce(
        &mut self,
        grant: &Grant<'t, impl RecordAction>,
        record: &StoredRecord,
    ) -> Result<VisibleRecord> {
        let bare = || VisibleRecord::bare(grant.entity.id, record.id, record.version);
        let Some(reads) = &grant.reads else { return Ok(bare()) };
        if !self.sees(&grant.entity, Some(reads), record).await? {
            return Ok(bare());
        }
        let mut hidden = Vec::new();
        for (position, guard) in &reads.guards {
            if !self.holds(&grant.entity, guard, record).await? {
                hidden.push(*position);
            }
        }
        Ok(record.reduced(&grant.entity, reads, &hidden))
    }
}

/// Whether a rule about `entity` may look at a record again by way of a relation, and so see a change of it.
pub(super) fn returns(policy: &Policy<'_>, right: &RecordRight) -> bool {
    let rules = right.rule.iter().chain(right.guards.iter().map(|(_, guard)| guard));
    let to_itself = |path: &Path| {
        (1..=path.hops.len()).any(|end| {
            let target = policy.target(path.hops.get(..end).unwrap_or_default());
            target.is_some_and(|target| target.id == policy.entity.id)
        })
    };
    rules.flat_map(Expr::paths).any(to_itself)
}

impl StoredRecord {
    pub(super) fn value(&self, entity: &Entity, leaf: Leaf) -> Option<Value> {
        match leaf {
            Leaf::System(field) => Some(self.system(field)),
            Leaf::Field(column) => {
                let position = entity.fields.iter().position(|field| field.column() == column)?;
                self.values.get(position).cloned()
            }
        }
    }
}
