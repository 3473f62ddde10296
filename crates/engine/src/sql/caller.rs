//! What statements may be bound to of their caller. It is made once with his rights, so that a statement costs him nothing.

use insula_model::expr::{CallerField, UnitFact};
use insula_model::id::AccountId;
use insula_model::name::Name;
use insula_model::org::{Place, UnitKind};
use insula_model::value::Value;

use super::{Dialect, list};

const NULL: &Value = &Value::Null;

/// A caller as binds.
#[derive(Clone, Debug)]
pub(crate) struct CallerBinds {
    id: Value,
    units: Vec<UnitBinds>,
}

/// One unit that the caller belongs to.
#[derive(Clone, Debug)]
struct UnitBinds {
    kind: UnitKind,
    reach: Value,
    id: Value,
    code: Value,
    name: Value,
    attributes: Vec<(Name, Value)>,
}

impl CallerBinds {
    pub(crate) fn new(dialect: Dialect, account: AccountId, place: &Place) -> Self {
        let unit = |kind: UnitKind| {
            let unit = place.unit(kind)?;
            let fact = |fact: UnitFact| place.fact(kind, &fact);
            let names = unit.attributes.keys();
            Some(UnitBinds {
                kind,
                reach: units(dialect, place, kind),
                id: fact(UnitFact::Id),
                code: fact(UnitFact::Code),
                name: fact(UnitFact::Name),
                attributes: names.map(|name| (name.clone(), fact(UnitFact::Attribute(name.clone())))).collect(),
            })
        };
        Self { id: Value::Uuid(account.uuid()), units: UnitKind::ALL.into_iter().filter_map(unit).collect() }
    }

    fn unit(&self, kind: UnitKind) -> Option<&UnitBinds> {
        self.units.iter().find(|unit| unit.kind == kind)
    }

    pub(super) fn value(&self, field: &CallerField) -> &Value {
        let CallerField::Unit(kind, fact) = field else { return &self.id };
        self.unit(*kind).map_or(NULL, |unit| match fact {
            UnitFact::Id => &unit.id,
            UnitFact::Code => &unit.code,
            UnitFact::Name => &unit.name,
            UnitFact::Attribute(name) => {
                unit.attributes.iter().find(|(own, _)| own == name).map_or(NULL, |(_, value)| value)
            }
        })
    }

    /// A set, as [`super::SqlWriter::reach`] reads it; null for none.
    pub(super) fn reach(&self, kind: UnitKind) -> &Value {
        self.unit(kind).map_or(NULL, |unit| &unit.reach)
    }
}

fn units(dialect: Dialect, place: &Place, kind: UnitKind) -> Value {
    let units = place.reach(kind);
    match dialect {
        Dialect::Sqlite => list(dialect, &units.iter().copied().map(Value::Uuid).collect::<Vec<_>>()),
        Dialect::Postgres => Value::Uuids(units.to_vec()),
    }
}
