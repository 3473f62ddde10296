//! Where the next page starts: the place of the last record in the order, and the condition for what comes after it
//! (keyset paging). A cursor belongs to the query it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::expr::Path;
use insula_model::id::EntityId;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{ColumnType, Date, Decimal, Duration, Time, Timestamp, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::sql::{Slot, SqlWriter};

/// One key of an order, with the alias its path ends at.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct OrderKey {
    pub(super) path: Path,
    pub(super) alias: u32,
    pub(super) descending: bool,
}

/// What ties a cursor to its query: 8 bytes of the hash of the entity and of everything but the cursor.
pub(super) fn fingerprint(entity: EntityId, query: &str) -> [u8; 8] {
    let digest = Sha256::new().chain_update(entity.uuid()).chain_update(query).finalize();
    digest.first_chunk::<8>().copied().unwrap_or_default()
}

/// The same for a query with parameters: theirs belong to it too.
pub(super) fn fingerprint_with(query: [u8; 8], params: &[Value]) -> [u8; 8] {
    let mut bytes = query.to_vec();
    for value in params {
        value.write_json(&mut bytes);
        bytes.push(b',');
    }
    let digest = Sha256::digest(&bytes);
    digest.first_chunk::<8>().copied().unwrap_or_default()
}

pub(super) fn encode(fingerprint: [u8; 8], place: &[Value]) -> String {
    let mut bytes = fingerprint.to_vec();
    bytes.push(b'[');
    for (i, value) in place.iter().enumerate() {
        if i > 0 {
            bytes.push(b',');
        }
        value.write_json(&mut bytes);
    }
    bytes.push(b']');
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(cursor: &str, fingerprint: [u8; 8], order: &[OrderKey]) -> Result<Vec<Value>> {
    let refused = || {
        let message = "Send `next_cursor` of the page before, with the same parameters.";
        Problem::at("/cursor", Code::InvalidFormat, message)
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let (start, place) = bytes.split_first_chunk::<8>().ok_or_else(refused)?;
    if *start != fingerprint {
        return Err(refused());
    }
    let Ok(Json::Array(place)) = Json::parse(place) else { return Err(refused()) };
    if place.len() != order.len() {
        return Err(refused());
    }
    place.iter().zip(order).map(|(json, key)| value(json, key.path.column_type).ok_or_else(refused)).collect()
}

fn value(json: &Json, ty: ColumnType) -> Option<Value> {
    Some(match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(b), ColumnType::Bool) => Value::Bool(*b),
        (Json::Int(n), ColumnType::Int) => Value::Int(*n),
        (Json::Text(text), ColumnType::Text) if !text.contains('\0') => Value::Text(text.clone()),
        (Json::Text(text), ColumnType::Date) => Value::Date(Date::parse(text)?),
        (Json::Text(text), ColumnType::Time) => Value::Time(Time::parse(text)?),
        (Json::Text(text), ColumnType::Duration) => Value::Duration(Duration::parse(text)?),
        (Json::Text(text), ColumnType::Timestamp) => Value::Timestamp(Timestamp::parse(text)?),
        (Json::Text(text), ColumnType::Uuid) => Value::Uuid(Uuid::try_parse(text).ok()?),
        (Json::Text(text), ColumnType::Decimal { scale }) => {
            Value::Decimal(Decimal::parse(text).ok()?.rescale(scale).ok()?)
        }
        _ => return None,
    })
}

/// `ORDER BY …`: null is smallest, on both engines, as their indexes are made.
pub(super) fn order_by(w: &mut SqlWriter, order: &[OrderKey]) {
    w.raw(" ORDER BY ");
    for (i, key) in order.iter().enumerate() {
        w.raw(if i == 0 { "" } else { ", " }).column(key.alias, key.path.leaf);
        w.raw(match (key.descending, key.is_system()) {
            (false, true) => "",
            (true, true) => " DESC",
            (false, false) => " ASC NULLS FIRST",
            (true, false) => " DESC NULLS LAST",
        });
    }
}

/// ` AND (…)`: true for what comes after `place`. Its values are the arguments from `first` on.
pub(super) fn after(w: &mut SqlWriter, order: &[OrderKey], place: &[Value], first: usize) {
    let keys: Vec<(&OrderKey, bool, usize)> =
        order.iter().zip(place).enumerate().map(|(i, (key, value))| (key, value.is_null(), first + i)).collect();
    // The first key alone, not strictly: redundant, but a range an index can start at.
    if let Some((key, false, argument)) = keys.first()
        && (!key.descending || key.path.never_null)
    {
        w.raw(" AND ").column(key.alias, key.path.leaf);
        w.raw(if key.descending { " <= " } else { " >= " }).bind(Slot::Arg(*argument));
    }
    w.raw(" AND (");
    for (i, (key, null, argument)) in keys.iter().enumerate() {
        beyond(w, key, *null, *argument);
        if i + 1 < keys.len() {
            w.raw(" OR (").column(key.alias, key.path.leaf);
            if *null {
                w.raw(" IS NULL");
            } else {
                w.raw(" = ").bind(Slot::Arg(*argument));
            }
            w.raw(" AND (");
        }
    }
    for _ in 1..keys.len() {
        w.raw("))");
    }
    w.raw(")");
}

/// Strictly after the place in one key. Null is smallest: first ascending, last descending.
fn beyond(w: &mut SqlWriter, key: &OrderKey, null: bool, argument: usize) {
    match (null, key.descending) {
        (true, true) => {
            w.raw("FALSE");
        }
        (true, false) => {
            w.column(key.alias, key.path.leaf).raw(" IS NOT NULL");
        }
        (false, false) => {
            w.column(key.alias, key.path.leaf).raw(" > ").bind(Slot::Arg(argument));
        }
        (false, true) if key.path.never_null => {
            w.column(key.alias, key.path.leaf).raw(" < ").bind(Slot::Arg(argument));
        }
        (false, true) => {
            w.raw("(").column(key.alias, key.path.leaf).raw(" < ").bind(Slot::Arg(argument));
            w.raw(" OR ").column(key.alias, key.path.leaf).raw(" IS NULL)");
        }
    }
}

impl OrderKey {
    /// System columns of the record itself are never null, and their indexes are plain.
    const fn is_system(&self) -> bool {
        matches!(self.path.leaf, insula_model::expr::Leaf::System(_)) && self.path.never_null
    }
}
