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

/// What ties a cursor to its query: 8 bytes of the hash of the entity and of what decides which records follow, and in
/// which order. How many of them are shown, and what of them, may change from page to page.
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
        let message = "Send `next_cursor` of the page before, with the same `filter`, `params`, `sort` and `deleted`.";
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

/// What comes after a place, cut where an index has its empty values, which are the smallest: what is to hold of one part or
/// of the other is no range of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// The first key is null.
    Empty,
    /// The first key has a value.
    Filled,
}

impl Part {
    /// Those in which something may come after `place`, in their order.
    pub(super) fn after(order: &[OrderKey], place: &[Value]) -> &'static [Self] {
        match (order.first(), place.first()) {
            (Some(key), Some(Value::Null)) if key.descending => &[Self::Empty],
            (_, Some(Value::Null)) => &[Self::Empty, Self::Filled],
            (Some(key), _) if key.descending && !key.path.never_null => &[Self::Filled, Self::Empty],
            _ => &[Self::Filled],
        }
    }
}

/// `ORDER BY …`: null is smallest, on both engines, as their indexes are made.
pub(super) fn order_by(w: &mut SqlWriter, order: &[OrderKey], part: Option<Part>) {
    w.raw(" ORDER BY ");
    for (i, key) in order.iter().enumerate() {
        // Where nothing has the first key, the index is to be read as the second key wants it.
        let leads = order.get(1).filter(|_| i == 0 && part == Some(Part::Empty));
        w.raw(if i == 0 { "" } else { ", " }).column(key.alias, key.path.leaf);
        w.raw(match (leads.unwrap_or(key).descending, key.is_system()) {
            (false, true) => "",
            (true, true) => " DESC",
            (false, false) => " ASC NULLS FIRST",
            (true, false) => " DESC NULLS LAST",
        });
    }
}

/// A key, and what a place has there.
struct Here<'k> {
    key: &'k OrderKey,
    is_null: bool,
    argument: usize,
    /// Whether others of the same part may have none.
    is_nullable: bool,
}

/// ` AND …`: true for what of a part comes after `place`. Its values are the arguments from `first` on.
pub(super) fn after(w: &mut SqlWriter, order: &[OrderKey], place: &[Value], first: usize, part: Part) {
    let keys = order.iter().zip(place).enumerate().map(|(i, (key, value))| Here {
        key,
        is_null: value.is_null(),
        argument: first + i,
        is_nullable: !key.path.never_null && i > 0,
    });
    let keys: Vec<Here<'_>> = keys.collect();
    let Some((leading, rest)) = keys.split_first() else { return };
    match (part, leading.is_null) {
        (Part::Empty, is_null) => {
            leading.column(w.raw(" AND ")).raw(" IS NULL");
            if is_null {
                any_beyond(w, rest);
            }
        }
        (Part::Filled, true) => {
            leading.column(w.raw(" AND ")).raw(" IS NOT NULL");
        }
        (Part::Filled, false) => any_beyond(w, &keys),
    }
}

/// ` AND …`: strictly after the place in the first key that is not the same. What an index can start at stands first,
/// though it follows from the rest: the keys before one that is null, or that goes the other way.
fn any_beyond(w: &mut SqlWriter, keys: &[Here<'_>]) {
    let Some(first) = keys.first() else { return };
    let descending = first.key.descending;
    let is_bound =
        |here: &&Here<'_>| !here.is_null && here.key.descending == descending && !(descending && here.is_nullable);
    let bound: Vec<&Here<'_>> = keys.iter().take_while(is_bound).collect();
    let is_all = bound.len() == keys.len();
    if !bound.is_empty() {
        w.raw(" AND (");
        for (i, here) in bound.iter().enumerate() {
            here.column(w.raw(if i == 0 { "" } else { ", " }));
        }
        w.raw(match (descending, is_all) {
            (false, true) => ") > (",
            (false, false) => ") >= (",
            (true, true) => ") < (",
            (true, false) => ") <= (",
        });
        for (i, here) in bound.iter().enumerate() {
            w.raw(if i == 0 { "" } else { ", " }).bind(Slot::Arg(here.argument));
        }
        w.raw(")");
    }
    if is_all {
        return;
    }
    w.raw(" AND (");
    for (i, here) in keys.iter().enumerate() {
        here.beyond(w);
        if i + 1 < keys.len() {
            here.column(w.raw(" OR ("));
            if here.is_null {
                w.raw(" IS NULL");
            } else {
                w.raw(" = ").bind(Slot::Arg(here.argument));
            }
            w.raw(" AND (");
        }
    }
    for _ in 1..keys.len() {
        w.raw("))");
    }
    w.raw(")");
}

impl Here<'_> {
    fn column<'w>(&self, w: &'w mut SqlWriter) -> &'w mut SqlWriter {
        w.column(self.key.alias, self.key.path.leaf)
    }

    /// Strictly after the place in this key. Null is smallest: first ascending, last descending.
    fn beyond(&self, w: &mut SqlWriter) {
        let value = Slot::Arg(self.argument);
        match (self.is_null, self.key.descending) {
            (true, true) => w.raw("FALSE"),
            (true, false) => self.column(w).raw(" IS NOT NULL"),
            (false, false) => self.column(w).raw(" > ").bind(value),
            (false, true) if self.is_nullable => {
                self.column(w.raw("(")).raw(" < ").bind(value);
                self.column(w.raw(" OR ")).raw(" IS NULL)")
            }
            (false, true) => self.column(w).raw(" < ").bind(value),
        };
    }
}

impl OrderKey {
    /// System columns of the record itself are never null, and their indexes are plain.
    const fn is_system(&self) -> bool {
        matches!(self.path.leaf, insula_model::expr::Leaf::System(_)) && self.path.never_null
    }
}
