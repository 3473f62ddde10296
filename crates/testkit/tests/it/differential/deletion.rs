//! What a deletion entails in the model.

use super::model::{Model, Outcome, Record, Refused};
use super::schema::{Kind, OnDelete};
use super::value::Value;

impl Model {
    /// Takes along what cascades, empties what may be emptied; refused where a record that stays holds on to one that
    /// would go, or where those that go must refer to each other in a circle.
    pub(crate) fn delete(&mut self, entity: usize, id: usize, version: Option<i64>) -> Outcome<()> {
        let record = self.find(entity, id).ok_or(Refused::NOT_FOUND)?;
        if version.is_some_and(|version| version != record.version) {
            return Err(Refused::STALE);
        }
        let mut gone = vec![id];
        let mut next = 0;
        while let Some(id) = gone.get(next).copied() {
            next += 1;
            let follows = |record: &&Record| {
                !gone.contains(&record.id) && self.refers(record, id, |rule, _| rule == OnDelete::Cascade) > 0
            };
            let more: Vec<usize> = self.records.iter().filter(follows).map(|record| record.id).collect();
            gone.extend(more);
        }
        let stays = |record: &&Record| !gone.contains(&record.id);
        let holds =
            |record: &Record| gone.iter().any(|id| self.refers(record, *id, |rule, _| rule == OnDelete::Restrict) > 0);
        if self.records.iter().filter(stays).any(holds) || self.is_circle(&gone) {
            return Err(Refused::HELD);
        }
        for record in &mut self.records {
            // Each reference that is lost is a change of its own.
            for (field, value) in self.entities[record.entity].fields.iter().zip(&mut record.values) {
                if let (Kind::Relation { .. }, Value::Id(id)) = (&field.kind, &*value)
                    && gone.contains(id)
                    && !gone.contains(&record.id)
                {
                    *value = Value::Null;
                    record.version += 1;
                    record.updated_at.clone_from(&self.now);
                }
            }
        }
        self.records.retain(|record| !gone.contains(&record.id));
        Ok(())
    }

    /// How many of the record's references of a kind lead to `id`; the kind is the rule and whether the field must be set.
    fn refers(&self, record: &Record, id: usize, which: impl Fn(OnDelete, bool) -> bool) -> usize {
        let fields = self.entities[record.entity].fields.iter().zip(&record.values);
        let counts = fields.filter(|(field, value)| match (&field.kind, value) {
            (Kind::Relation { on_delete, .. }, Value::Id(to)) => *to == id && which(*on_delete, field.required),
            _ => false,
        });
        counts.count()
    }

    /// Whether some of these records restrict each other by references that can neither be emptied nor go first.
    fn is_circle(&self, gone: &[usize]) -> bool {
        let mut left: Vec<&Record> = self.records.iter().filter(|record| gone.contains(&record.id)).collect();
        loop {
            let held = |record: &&Record| {
                let holds = |other: &&Record| {
                    other.id != record.id
                        && self.refers(other, record.id, |rule, required| rule == OnDelete::Restrict && required) > 0
                };
                left.iter().any(holds)
            };
            let still: Vec<&Record> = left.iter().copied().filter(held).collect();
            if still.len() == left.len() {
                return !left.is_empty();
            }
            left = still;
        }
    }
}
