//! All units of one organisation at once, and where somebody stands among them.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{Unit, UnitKind};
use crate::expr::UnitFact;
use crate::id::UnitId;
use crate::value::Value;

/// Immutable: a change makes another.
#[derive(Debug, Default)]
pub struct Tree {
    units: Vec<Arc<Unit>>,
    by_id: HashMap<UnitId, usize>,
}

impl Tree {
    /// `units` in the order people see them.
    pub fn new(units: Vec<Unit>) -> Self {
        let by_id = units.iter().enumerate().map(|(i, unit)| (unit.id, i)).collect();
        Self { units: units.into_iter().map(Arc::new).collect(), by_id }
    }

    pub fn units(&self) -> &[Arc<Unit>] {
        &self.units
    }

    pub fn unit(&self, id: UnitId) -> Option<&Arc<Unit>> {
        self.by_id.get(&id).and_then(|i| self.units.get(*i))
    }

    /// The unit and those it is part of, from below.
    fn upwards(&self, id: UnitId) -> impl Iterator<Item = &Arc<Unit>> {
        std::iter::successors(self.unit(id), |unit| self.unit(unit.parent?)).take(UnitKind::ALL.len())
    }

    /// The unit and all that is part of it.
    fn within(&self, id: UnitId) -> Vec<Uuid> {
        let inside = self.units.iter().filter(|unit| self.upwards(unit.id).any(|above| above.id == id));
        inside.map(|unit| unit.id.uuid()).collect()
    }

    /// Where somebody stands whose unit is this; nowhere without one.
    pub fn place(&self, unit: Option<UnitId>) -> Place {
        let Some(home) = unit else { return Place::default() };
        let stand = |unit: &Arc<Unit>| Stand { unit: Arc::clone(unit), reach: self.within(unit.id) };
        Place(self.upwards(home).map(stand).collect())
    }
}

/// Where somebody stands: his own unit and those it is part of, from below. Empty for who has none.
#[derive(Clone, Debug, Default)]
pub struct Place(Vec<Stand>);

#[derive(Clone, Debug)]
struct Stand {
    unit: Arc<Unit>,
    /// It and all that is part of it.
    reach: Vec<Uuid>,
}

impl Place {
    fn stand(&self, kind: UnitKind) -> Option<&Stand> {
        self.0.iter().find(|stand| stand.unit.kind == kind)
    }

    /// His own unit.
    pub fn home(&self) -> Option<&Unit> {
        self.0.first().map(|stand| &*stand.unit)
    }

    /// The unit of this kind that he belongs to.
    pub fn unit(&self, kind: UnitKind) -> Option<&Unit> {
        self.stand(kind).map(|stand| &*stand.unit)
    }

    /// That unit and all that is part of it: what rights of this scope reach.
    pub fn reach(&self, kind: UnitKind) -> &[Uuid] {
        self.stand(kind).map_or(&[], |stand| &stand.reach)
    }

    /// What an expression asks of that unit; null where there is no such unit, or it has no such thing.
    pub fn fact(&self, kind: UnitKind, fact: &UnitFact) -> Value {
        let text = |text: Option<&String>| text.map_or(Value::Null, |text| Value::Text(text.clone()));
        let Some(unit) = self.unit(kind) else { return Value::Null };
        match fact {
            UnitFact::Id => Value::Uuid(unit.id.uuid()),
            UnitFact::Code => text(unit.code.as_ref()),
            UnitFact::Name => text(Some(&unit.name)),
            UnitFact::Attribute(name) => text(unit.attributes.get(name)),
        }
    }
}
