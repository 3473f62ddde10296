//! Relations of records about to be written: each must lead to a record that exists and that the writer may see (to
//! him the two are one), a user to an active member of the tenant.

use std::collections::HashSet;
use std::sync::Arc;

use insula_model::entity::{Entity, FieldKind, SystemField};
use insula_model::expr::{Expr, Leaf};
use insula_model::id::UnitId;
use insula_model::org::{Tree, UnitKind};
use insula_model::problem::{Code, Errors, Problem, Result, pointer};
use insula_model::rights::Action;
use insula_model::value::Value;
use uuid::Uuid;

use super::among::{among, batches};
use super::life::Life;
use crate::grant::{Grant, RecordAction};
use crate::sql::{Dialect, Policy, Slot, SqlWriter};
use crate::tx::{Mode, Tx};

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
        let Some(field) = grant.entity.fields.get(position) else { continue };
        let at = || pointer(at, field.name.as_str());
        match value {
            Value::Uuid(id)
                if field.kind.target().is_some() || matches!(field.kind, FieldKind::User | FieldKind::Unit) =>
            {
                references.push(Reference { position, at: at(), id: *id });
            }
            Value::Uuids(ids) => {
                let place =
                    |(i, id): (usize, &Uuid)| Reference { position, at: pointer(&at(), &i.to_string()), id: *id };
                references.extend(ids.iter().enumerate().map(place));
            }
            _ => {}
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
        let message = match grant.entity.fields.get(position).map(|field| &field.kind) {
            Some(FieldKind::User) => "There is no such active user.".to_owned(),
            Some(FieldKind::Unit) => match wanted_kind(&grant.entity, position) {
                Some(kind) => format!("There is no such {}.", kind.name()),
                None => "There is no such unit.".to_owned(),
            },
            _ => "There is no such record.".to_owned(),
        };
        for reference in of_field().filter(|reference| !found.contains(&reference.id)) {
            errors.add(reference.at.as_str(), Code::NoSuchRecord, message.as_str());
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
    let field = grant.entity.fields.get(position);
    if field.is_some_and(|field| field.kind == FieldKind::User) {
        return members(tx, grant, wanted).await;
    }
    if field.is_some_and(|field| field.kind == FieldKind::Unit) {
        return Ok(units(&tx.model.tree, wanted_kind(&grant.entity, position), wanted));
    }
    let target = field.and_then(|field| field.kind.target().or(field.kind.linked()));
    let model = Arc::clone(&tx.model);
    let target = target.and_then(|id| model.schema.entity(id));
    let target = target.ok_or_else(|| Problem::internal("a relation leads to no entity"))?;
    let Some(right) = tx.model.record_right(&tx.caller, target, Action::Read) else { return Ok(HashSet::new()) };
    living(tx, target, right.rule.as_ref(), wanted).await
}

/// Those of the ids that are living records of `target` within `rule`. On PostgreSQL they stay so until the commit.
pub(super) async fn living<M: Mode>(
    tx: &mut Tx<'_, M>,
    target: &Entity,
    rule: Option<&Expr>,
    wanted: &[Uuid],
) -> Result<HashSet<Uuid>> {
    let (model, tenant, dialect) = (Arc::clone(&tx.model), tx.author.tenant, tx.store.dialect());
    let mut found = HashSet::with_capacity(wanted.len());
    for ids in batches(wanted) {
        let mut w = SqlWriter::new(dialect);
        w.raw("SELECT a0.id FROM ").table(tenant, target.id).raw(" AS a0 WHERE ");
        w.column(0, Leaf::System(SystemField::Id));
        among(&mut w, 0, ids.len());
        Life::Living.and(&mut w, target, 0);
        if let Some(rule) = rule {
            w.raw(" AND ");
            Policy { tenant, schema: &model.schema, entity: target }.condition(&mut w, rule, 0);
        }
        // Whoever deletes one holds it for himself alone: he waits for this, or this for him.
        if dialect == Dialect::Postgres {
            w.raw(" FOR KEY SHARE OF a0");
        }
        for row in tx.rows(&w.finish(), &ids).await? {
            found.insert(row.id(0)?);
        }
    }
    Ok(found)
}

/// The kind of unit that a field takes, where it takes one kind alone: the field that says to which a record belongs.
fn wanted_kind(entity: &Entity, position: usize) -> Option<UnitKind> {
    entity.scope.unit().filter(|_| entity.unit_position() == Some(position))
}

/// Those of the ids that are units, of one kind or of any. A write knows the tree as it is, and holds it off changing.
fn units(tree: &Tree, kind: Option<UnitKind>, wanted: &[Uuid]) -> HashSet<Uuid> {
    let is_one = |id: &&Uuid| {
        let unit = tree.unit(UnitId::from(**id));
        unit.is_some_and(|unit| kind.is_none_or(|kind| unit.kind == kind))
    };
    wanted.iter().filter(is_one).copied().collect()
}

/// Those of the accounts that are active members of the tenant.
async fn members<'t, M: Mode>(
    tx: &mut Tx<'t, M>,
    grant: &Grant<'t, impl RecordAction>,
    wanted: &[Uuid],
) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::with_capacity(wanted.len());
    for ids in batches(wanted) {
        let mut w = SqlWriter::new(grant.dialect);
        w.raw("SELECT account_id FROM ").raw(match grant.dialect {
            Dialect::Sqlite => "member",
            Dialect::Postgres => "insula_tenant.member",
        });
        w.raw(" WHERE active AND tenant_id = ").bind(Slot::Arg(0)).raw(" AND account_id");
        among(&mut w, 1, ids.len());
        let args: Vec<Value> = std::iter::once(tx.tenant()).chain(ids).collect();
        for row in tx.rows(&w.finish(), &args).await? {
            found.insert(row.id(0)?);
        }
    }
    Ok(found)
}
