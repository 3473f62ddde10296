//! The organisation's tree. It decides how far rights reach that go by units, so that a change of it is a change of the
//! grants: it bites at once, and whoever may make one decides over what others see.

mod create;
mod delete;
mod show;
mod unit;
mod update;

pub(crate) use unit::tree;

use insula_model::id::UnitId;
use insula_model::org::{Tree, Unit, UnitKind};
use insula_model::problem::{Code, Problem, Result};

use crate::audit::Event;
use crate::tx::{Altering, Tx};

impl Tx<'_, Altering> {
    async fn org_changed(&mut self, action: &'static str, before: Option<&Unit>, after: Option<&Unit>) -> Result<()> {
        let subject = before.or(after).map(|unit| unit.id.uuid());
        let bytes = |unit: Option<&Unit>| unit.map(serde_json::to_vec).transpose().map_err(Problem::internal);
        let (before, after) = (bytes(before)?, bytes(after)?);
        let event = Event { action, entity: None, subject, before: before.as_deref(), after: after.as_deref() };
        self.grants_changed(&event).await
    }
}

/// A unit by its kind and id.
fn find(tree: &Tree, kind: UnitKind, id: UnitId) -> Result<Unit> {
    let unit = tree.unit(id).filter(|unit| unit.kind == kind);
    unit.map(|unit| Unit::clone(unit)).ok_or_else(Problem::not_found)
}

/// Refuses what cannot stand where it would: under a parent that is none, or with a code that another unit has.
fn check(unit: &Unit, tree: &Tree) -> Result<()> {
    let parent = unit.parent.and_then(|id| tree.unit(id)).map(|unit| unit.kind);
    if let Some(kind) = unit.kind.parent().filter(|kind| parent != Some(*kind)) {
        return Err(Problem::at("/parent", Code::OutOfRange, format!("There is no such {}.", kind.name())));
    }
    let taken = |other: &Unit| other.id != unit.id && unit.code.is_some() && other.code == unit.code;
    if tree.units().iter().any(|other| taken(other)) {
        return Err(crate::roles::code_taken("unit"));
    }
    Ok(())
}
