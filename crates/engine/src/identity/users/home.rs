//! The unit a user belongs to: one or none. It decides how far those of his roles reach that go by units.

use insula_model::id::UnitId;
use insula_model::input::{Given, Members};
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};

use super::member::Member;
use crate::tenant;
use crate::tx::{Altering, Tx};

/// The member `unit`: an id, or null for none.
pub(super) fn read(members: &mut Members<'_>, errors: &mut Errors) -> Given<UnitId> {
    let json = match members.raw("unit") {
        None => return Given::Nothing,
        Some(Json::Null) => return Given::Null,
        Some(json) => json,
    };
    let id = if let Json::Text(id) = json { UnitId::parse(id) } else { None };
    if id.is_none() {
        let code = if matches!(json, Json::Text(_)) { Code::InvalidFormat } else { Code::InvalidType };
        errors.add(members.pointer("unit"), code, "A unit is the id (a UUID) of a company, branch or department.");
    }
    id.map_or(Given::Nothing, Given::This)
}

/// Refuses a unit that is none.
pub(super) fn check(tx: &Tx<'_, Altering>, unit: Option<UnitId>) -> Result<()> {
    if unit.is_none_or(|unit| tx.model.tree.unit(unit).is_some()) {
        return Ok(());
    }
    Err(Problem::at("/unit", Code::OutOfRange, "There is no such unit."))
}

/// Refuses to move somebody whose roles reach elsewhere by it, unless the caller may himself, everywhere, what they allow:
/// else he could move himself to where he may see nothing.
pub(super) async fn may_move(tx: &mut Tx<'_, Altering>, member: &Member) -> Result<()> {
    let tenant = tx.author.tenant;
    let held = tenant::permissions_held(&mut tx.store, tenant, member.account).await;
    let held = held.map_err(|error| tx.failed(error))?;
    let schema = &tx.model.schema;
    let mut moved = held.iter().filter(|permission| permission.depends_on_place(schema));
    if moved.all(|permission| tx.rights().hold(permission, schema)) { Ok(()) } else { Err(Problem::forbidden()) }
}
