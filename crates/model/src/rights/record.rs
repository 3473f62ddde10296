//! What some permissions allow with the records of one entity, by one action, taken together.
//!
//! Rights add up record by record and field by field: a record may be reached if any permission reaches it, and a field
//! of it if any of *those* permissions has the field. So a role more never takes anything away, and no field is open
//! that no single permission opens. A field that is open on some of the reachable records only has a guard.

use std::sync::Arc;

use super::{Action, Permission, Resource};
use crate::entity::{Entity, Field, FieldKind, Schema, UniqueKey};
use crate::expr::Expr;

/// What one caller may do with the records of one entity by one action.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordRight {
    /// Rows outside of it do not exist for the caller; absent where every row may be reached.
    pub rule: Option<Expr>,
    /// Fields that may be read, on some reachable record at least; means nothing for what does not read.
    pub readable: FieldMask,
    /// Likewise written.
    pub writable: FieldMask,
    /// By position, the fields of the mask that are open only where a condition holds.
    pub guards: Vec<(usize, Expr)>,
    /// The entity as its reader knows it, where that differs: what is guarded may be null to him.
    pub seen: Option<Arc<Entity>>,
}

/// A set of an entity's fields, by their position.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FieldMask(Box<[bool]>);

impl FieldMask {
    pub fn all(entity: &Entity) -> Self {
        Self(entity.fields.iter().map(|_| true).collect())
    }

    pub fn contains(&self, position: usize) -> bool {
        self.0.get(position).copied().unwrap_or(false)
    }

    pub fn is_all(&self) -> bool {
        self.0.iter().all(|contained| *contained)
    }
}

impl RecordRight {
    /// Whether a field may be read on every record that may be.
    pub fn always_reads(&self, position: usize) -> bool {
        self.readable.contains(position) && !self.guards.iter().any(|(guarded, _)| *guarded == position)
    }

    /// Whether a field of `entity`, which this right is about, may be read on some record at least.
    pub fn reads(&self, entity: &Entity, field: &Field) -> bool {
        entity.fields.iter().position(|other| other.id == field.id).is_some_and(|p| self.readable.contains(p))
    }

    /// Whether it may on every record.
    pub fn always_reads_field(&self, entity: &Entity, field: &Field) -> bool {
        entity.fields.iter().position(|other| other.id == field.id).is_some_and(|position| self.always_reads(position))
    }

    /// Whether nothing is held back: every record, every field.
    pub fn is_whole(&self) -> bool {
        self.rule.is_none() && self.guards.is_empty() && self.readable.is_all()
    }
}

/// A permission that reaches some records: which, and what of them.
struct Reach<'p> {
    condition: Option<Expr>,
    permission: &'p Permission,
}

impl Reach<'_> {
    fn has(&self, field: &Field, action: Action) -> bool {
        self.permission.fields.of(action).is_none_or(|list| list.contains(&field.id))
    }
}

pub(super) fn right(
    permissions: &[Permission],
    schema: &Schema,
    entity: &Entity,
    action: Action,
) -> Option<RecordRight> {
    let granted = permissions.iter().filter(|permission| permission.allows(Resource::Records(entity.id), action));
    let reaches: Vec<Reach<'_>> = granted
        .filter_map(|permission| {
            // A rule that means nothing any more reaches nothing.
            let condition = permission.condition(schema, entity, action).ok()?;
            (condition != Some(Expr::Const(false))).then_some(Reach { condition, permission })
        })
        .collect();
    if reaches.is_empty() {
        return None;
    }
    let rule = any(reaches.iter());
    let mut open = Vec::with_capacity(entity.fields.len());
    let mut guards = Vec::new();
    let writes = matches!(action, Action::Create | Action::Update);
    for (position, field) in entity.fields.iter().enumerate() {
        let having = || reaches.iter().filter(|reach| reach.has(field, action));
        let guard = any(having()).filter(|guard| Some(guard) != rule.as_ref());
        // Links are rows of their own, not a column that could be null on some records: they are read everywhere or not.
        let closed = guard.is_some() && !writes && !field.kind.is_column();
        open.push(!closed && having().next().is_some());
        guards.extend(guard.filter(|_| !closed).map(|guard| (position, guard)));
    }
    if writes {
        let reads = right(permissions, schema, entity, Action::Read);
        for (field, open) in entity.fields.iter().zip(&mut open) {
            *open &= may_be_probed(entity, field, reads.as_ref());
        }
        // Nobody can make a record whose value he must give and may not. A number is given by the system, and so is the
        // unit a record belongs to.
        let unit = entity.unit_field().map(|field| field.id);
        let is_given = |field: &Field| field.kind == FieldKind::AutoNumber || Some(field.id) == unit;
        let must_give = |field: &Field| field.required && field.default.is_none() && !is_given(field);
        let stuck = |(field, open): (&Field, &bool)| must_give(field) && !open;
        if action == Action::Create && entity.fields.iter().zip(&open).any(stuck) {
            return None;
        }
        guards.retain(|(position, _)| open.get(*position) == Some(&true));
    }
    let mask = FieldMask(open.into());
    let none = || FieldMask(entity.fields.iter().map(|_| false).collect());
    let seen = (!writes && !guards.is_empty()).then(|| Arc::new(seen(entity, &guards)));
    let (readable, writable) = if writes { (none(), mask) } else { (mask, none()) };
    Some(RecordRight { rule, readable, writable, guards, seen })
}

/// Where any of them reaches; `None` is everywhere, and also what none of none says.
fn any<'r>(reaches: impl Iterator<Item = &'r Reach<'r>>) -> Option<Expr> {
    let mut parts: Vec<Expr> = Vec::new();
    for reach in reaches {
        let condition = reach.condition.as_ref()?;
        if !parts.contains(condition) {
            parts.push(condition.clone());
        }
    }
    if parts.len() > 1 { Some(Expr::Or(parts)) } else { parts.pop() }
}

/// A refusal for not being unique tells of the values of other records: it is only for who may read them anyway.
fn may_be_probed(entity: &Entity, field: &Field, reads: Option<&RecordRight>) -> bool {
    let reads = |id| {
        let field = entity.field(id);
        field.is_some_and(|field| reads.is_some_and(|reads| reads.always_reads_field(entity, field)))
    };
    let holds = |key: &&UniqueKey| key.fields.contains(&field.id);
    entity.unique.iter().filter(holds).all(|key| key.fields.iter().all(|id| reads(*id)))
}

fn seen(entity: &Entity, guards: &[(usize, Expr)]) -> Entity {
    let mut seen = entity.clone();
    for (position, field) in seen.fields.iter_mut().enumerate() {
        field.required &= !guards.iter().any(|(guarded, _)| *guarded == position);
    }
    seen
}
