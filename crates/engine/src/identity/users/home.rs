//! The unit a user belongs to: one or none. It decides how far those of his roles reach that go by units.

use insula_model::id::UnitId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};

use super::member::Member;
use crate::tenant;
use crate::tx::{Altering, Tx};

/// The member `unit`: an id, or null for none. Absent where it is.
pub(super) fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<Option<UnitId>> {
    match members.raw("unit")? {
        Json::Null => Some(None),
        Json::Text(id) if UnitId::parse(id).is_some() => Some(UnitId::parse(id)),
        Json::Text(_) => {
            errors.add(members.pointer("unit"), Code::InvalidFormat, "A unit is an id (a UUID).");
            None
        }
        other => {
            let message = format!("Expected an id or null, found {}.", other.kind());
            errors.add(members.pointer("unit"), Code::InvalidType, message);
            None
        }
    }
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
