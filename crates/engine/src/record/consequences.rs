//! What a deletion entails: which records go with it, which lose a reference, and which hold it back.
//!
//! Where an entity keeps deleted records, those of it are marked and no more; what is removed for good takes with it, for
//! good, whatever cannot be without it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use insula_model::entity::{Entity, Field, FieldColumn, FieldKind, OnDelete};
use insula_model::expr::Leaf;
use insula_model::id::{EntityId, FieldId, RecordId};
use insula_model::problem::{Problem, Result};
use insula_model::rights::Action;
use insula_model::value::Value;
use uuid::Uuid;

use super::life::Life;
use super::stored::{StoredRecord, lock_linking, lock_where};
use crate::sql::{Slot, SqlWriter};
use crate::tx::{Tx, Writing};

/// Most records one deletion may take with it; beyond, the caller is asked to go in steps.
const MOST: usize = 10_000;

/// What becomes of a record that is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is marked, and can be restored.
    Marked,
    /// It is removed for good.
    Removed,
}

impl Fate {
    /// By itself.
    const fn of(entity: &Entity) -> Self {
        if entity.soft_delete { Self::Marked } else { Self::Removed }
    }
}

pub(super) struct Doomed {
    pub(super) entity: Arc<Entity>,
    pub(super) record: StoredRecord,
    pub(super) fate: Fate,
}

/// A record that stays and loses a reference.
pub(super) struct Loosened {
    pub(super) entity: Arc<Entity>,
    pub(super) field: FieldColumn,
    pub(super) record: StoredRecord,
    pub(super) lost: RecordId,
}

/// Everything a deletion entails, each record once.
#[derive(Default)]
pub(super) struct Consequences {
    pub(super) deleted: Vec<Doomed>,
    pub(super) loosened: Vec<Loosened>,
    places: HashMap<(EntityId, Uuid), usize>,
    /// Of what is loosened already: which record, by which field, loses which other one.
    losses: HashSet<(RecordId, FieldColumn, RecordId)>,
    /// Those of `deleted` whose own consequences are not known yet.
    waiting: VecDeque<usize>,
}

impl Consequences {
    pub(super) fn place(&self, entity: EntityId, record: Uuid) -> Option<usize> {
        self.places.get(&(entity, record)).copied()
    }

    pub(super) fn fate(&self, entity: EntityId, record: Uuid) -> Option<Fate> {
        self.place(entity, record).and_then(|place| self.deleted.get(place)).map(|doomed| doomed.fate)
    }

    fn delete(&mut self, entity: &Arc<Entity>, record: StoredRecord, fate: Fate) {
        let new = self.deleted.len();
        let place = *self.places.entry((entity.id, record.id.uuid())).or_insert(new);
        match self.deleted.get_mut(place) {
            None => self.deleted.push(Doomed { entity: Arc::clone(entity), record, fate }),
            Some(known) if known.fate == Fate::Marked && fate == Fate::Removed => known.fate = fate,
            Some(_) => return,
        }
        self.waiting.push_back(place);
    }

    fn loosen(&mut self, entity: &Arc<Entity>, field: FieldColumn, record: StoredRecord, lost: RecordId) {
        if self.losses.insert((record.id, field, lost)) {
            self.loosened.push(Loosened { entity: Arc::clone(entity), field, record, lost });
        }
    }

    /// Removes for good what is marked and cannot be without something that is.
    fn settle(&mut self) {
        let cannot_be = |doomed: &Doomed| {
            let mut references = doomed.entity.fields.iter().zip(&doomed.record.values);
            references.any(|(field, value)| match (&field.kind, value) {
                (FieldKind::Relation { target, .. }, Value::Uuid(id)) => {
                    goes_along(field) && self.fate(*target, *id) == Some(Fate::Removed)
                }
                _ => false,
            })
        };
        let marked = self.deleted.iter().enumerate().filter(|(_, doomed)| doomed.fate == Fate::Marked);
        let found: Vec<usize> = marked.filter(|(_, doomed)| cannot_be(doomed)).map(|(place, _)| place).collect();
        for place in found {
            if let Some(doomed) = self.deleted.get_mut(place) {
                doomed.fate = Fate::Removed;
                self.waiting.push_back(place);
            }
        }
    }

    fn check_size(&self) -> Result<()> {
        if self.deleted.len() + self.loosened.len() <= MOST {
            return Ok(());
        }
        let detail = format!("More than {MOST} other records would be touched. Delete those of them first.");
        Err(Problem::conflict(detail, Vec::new()))
    }
}

/// Whether a record is removed when what this relation of it leads to is removed for good.
fn goes_along(field: &Field) -> bool {
    field.required || matches!(field.kind, FieldKind::Relation { on_delete: OnDelete::Cascade, .. })
}

/// Which of the records that refer to a deleted one by `field` something is done about. Those that were deleted before stay
/// as they are, unless they would refer to nothing.
const fn concerned(field: &Field, owner: &Entity, fate: Fate) -> Option<Life> {
    let FieldKind::Relation { on_delete, .. } = field.kind else { return None };
    match (on_delete, fate) {
        (OnDelete::Restrict, Fate::Removed) if owner.soft_delete => Some(Life::Deleted),
        (OnDelete::Restrict, _) => None,
        (_, Fate::Marked) => Some(Life::Living),
        (_, Fate::Removed) => Some(Life::Either),
    }
}

impl Tx<'_, Writing> {
    /// What deleting `record` entails; 409 where another holds on to any of it.
    pub(super) async fn consequences(&mut self, entity: &Arc<Entity>, record: StoredRecord) -> Result<Consequences> {
        let mut found = Consequences::default();
        found.delete(entity, record, Fate::of(entity));
        loop {
            while let Some(place) = found.waiting.pop_front() {
                self.follow(&mut found, place).await?;
            }
            found.settle();
            if found.waiting.is_empty() {
                break;
            }
        }
        self.refuse_held(&found).await?;
        Ok(found)
    }

    /// Adds what the deletion of the record at `place` entails.
    async fn follow(&mut self, found: &mut Consequences, place: usize) -> Result<()> {
        let Some(Doomed { entity, record, fate }) = found.deleted.get(place) else { return Ok(()) };
        let (entity, record, fate) = (Arc::clone(entity), record.id, *fate);
        let (model, tenant, limit) = (Arc::clone(&self.model), self.author.tenant, MOST as u64 + 1);
        for (owner, field) in model.schema.relations_to(entity.id) {
            let Some(life) = concerned(field, owner, fate) else { continue };
            let (leaf, value) = (Leaf::Field(field.column()), Value::Uuid(record.uuid()));
            let dependents = lock_where(&mut self.store, tenant, owner, leaf, value, life, limit).await;
            for dependent in dependents.map_err(|error| self.failed(error))? {
                let was_deleted = dependent.deleted_at.is_some();
                if matches!(field.kind, FieldKind::Relation { on_delete: OnDelete::Cascade, .. })
                    || (was_deleted && field.required)
                {
                    let own = if fate == Fate::Removed { fate } else { Fate::of(owner) };
                    found.delete(owner, dependent, own);
                } else {
                    found.loosen(owner, field.column(), dependent, record);
                }
            }
            found.check_size()?;
        }
        // Who links it has one link less, which is a change of his like any other.
        let life = if fate == Fate::Removed { Life::Either } else { Life::Living };
        for (owner, field) in model.schema.links_to(entity.id) {
            let linking = lock_linking(&mut self.store, tenant, owner, field.id, record, life, limit).await;
            for by in linking.map_err(|error| self.failed(error))? {
                found.loosen(owner, field.column(), by, record);
            }
            found.check_size()?;
        }
        Ok(())
    }

    /// Refuses a deletion that a living record outside of it holds on to. No more are looked for than refer to a record
    /// from within, and one.
    async fn refuse_held(&mut self, found: &Consequences) -> Result<()> {
        let mut within: HashMap<(FieldId, Uuid), u64> = HashMap::new();
        for Doomed { entity, record, .. } in found.deleted.iter().filter(|doomed| doomed.record.deleted_at.is_none()) {
            for (field, value) in entity.fields.iter().zip(&record.values) {
                if let Value::Uuid(id) = value {
                    *within.entry((field.id, *id)).or_default() += 1;
                }
            }
        }
        let model = Arc::clone(&self.model);
        for Doomed { entity, record, .. } in &found.deleted {
            for (owner, field) in model.schema.relations_to(entity.id) {
                if !matches!(field.kind, FieldKind::Relation { on_delete: OnDelete::Restrict, .. }) {
                    continue;
                }
                let within = within.get(&(field.id, record.id.uuid())).copied().unwrap_or(0);
                let mut w = SqlWriter::new(self.store.dialect());
                w.raw("SELECT a0.id FROM ").table(self.author.tenant, owner.id).raw(" AS a0 WHERE ");
                w.column(0, Leaf::Field(field.column())).raw(" = ").bind(Slot::Arg(0));
                Life::Living.and(&mut w, owner, 0);
                w.raw(" LIMIT ").number(within + 1);
                let holding = self.store.query(&w.finish().text, &[&Value::Uuid(record.id.uuid())]).await;
                if holding.map_err(|error| self.failed(error))?.len() as u64 > within {
                    return Err(self.held_by(owner, field.column(), record.id, within + 1, found).await?);
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
        found: &Consequences,
    ) -> Result<Problem> {
        let mut visible = false;
        if let Some(reads) = self.model.record_right(&self.caller, owner, Action::Read) {
            let (tenant, leaf, value) = (self.author.tenant, Leaf::Field(field), Value::Uuid(record.uuid()));
            let holders = lock_where(&mut self.store, tenant, owner, leaf, value, Life::Living, most).await;
            for holder in holders.map_err(|error| self.failed(error))? {
                let goes = found.place(owner.id, holder.id.uuid()).is_some();
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
}
