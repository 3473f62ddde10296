//! Links shown as records. The page is written with ids first; then the records of all of them are read at once, and take
//! the places of the ids.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use insula_model::entity::SystemField;
use insula_model::expr::{Leaf, Param};
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{ColumnType, Value};
use uuid::Uuid;

use super::select::Select;
use crate::sql::{self, Statement};
use crate::store::{Noted, Shape};
use crate::tx::{Mode, Tx};

/// Different records that take the places of ids in one answer.
const MOST: usize = 10_000;
/// An answer with all of them in place, however often each stands in it.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How the records that one field links are read and shown, each as `"<id>":{…}`.
#[derive(Debug)]
pub(super) struct Linked {
    statement: Statement,
    shape: Shape,
}

impl Linked {
    /// `select` is of the linked entity, and `shape` notes the id before the record.
    pub(super) fn new(select: &Select<'_>, shape: Shape) -> Self {
        let mut w = select.write();
        w.raw(" AND ").column(0, Leaf::System(SystemField::Id)).raw(" IN (");
        w.list(Param { index: 0, column_type: ColumnType::Uuid }).raw(")");
        Self { statement: w.finish(), shape }
    }
}

/// Records as JSON, and where in it each stands.
struct Shown {
    json: Vec<u8>,
    places: HashMap<Uuid, Range<usize>>,
}

impl Shown {
    fn of(&self, id: Uuid) -> Option<&[u8]> {
        self.json.get(self.places.get(&id)?.clone())
    }

    /// Those of `ids` that may be seen.
    fn each<'s>(&'s self, ids: &'s Value) -> impl Iterator<Item = &'s [u8]> {
        let ids = if let Value::Uuids(ids) = ids { ids.as_slice() } else { &[] };
        ids.iter().filter_map(|id| self.of(*id))
    }
}

impl<M: Mode> Tx<'_, M> {
    /// `body` with records in place of the ids that were noted of it.
    pub(super) async fn with_linked(&mut self, body: Vec<u8>, noted: &[Noted], linked: &[Linked]) -> Result<Vec<u8>> {
        let mut shown = Vec::with_capacity(linked.len());
        for (list, linked) in linked.iter().enumerate() {
            shown.push(self.look_up(noted.iter().filter(|noted| noted.list == list), linked).await?);
        }
        let mut length = body.len();
        let mut last = 0;
        for noted in noted {
            let shown = shown.get(noted.list);
            length +=
                shown.into_iter().flat_map(|shown| shown.each(&noted.value)).map(|json| json.len() + 1).sum::<usize>();
        }
        if length > MOST_BYTES {
            return Err(too_many());
        }
        let mut out = Vec::with_capacity(length);
        for noted in noted {
            out.extend_from_slice(body.get(last..noted.at.start).unwrap_or_default());
            out.push(b'[');
            let records = shown.get(noted.list).into_iter().flat_map(|shown| shown.each(&noted.value));
            for (i, record) in records.enumerate() {
                out.extend_from_slice(if i == 0 { b"" } else { b"," });
                out.extend_from_slice(record);
            }
            out.push(b']');
            last = noted.at.end;
        }
        out.extend_from_slice(body.get(last..).unwrap_or_default());
        Ok(out)
    }

    async fn look_up(&mut self, noted: impl Iterator<Item = &Noted>, linked: &Linked) -> Result<Shown> {
        let ids = noted.flat_map(|noted| if let Value::Uuids(ids) = &noted.value { ids.as_slice() } else { &[] });
        let ids: HashSet<Uuid> = ids.copied().collect();
        let mut shown = Shown { json: Vec::new(), places: HashMap::with_capacity(ids.len()) };
        match ids.len() {
            0 => return Ok(shown),
            1..=MOST => {}
            _ => return Err(too_many()),
        }
        let most = ids.len();
        let ids: Vec<Value> = ids.into_iter().map(Value::Uuid).collect();
        let args = [Value::Null, sql::list(self.store.dialect(), &ids)];
        let tail = self.json(&linked.statement, &args, &linked.shape, most, &mut shown.json).await?;
        if tail.more {
            return Err(too_many());
        }
        // Between the records stand commas, and a colon before each.
        let ends = tail.noted.iter().skip(1).map(|next| next.at.start - 1).chain([shown.json.len()]);
        for (noted, end) in tail.noted.iter().zip(ends) {
            if let Value::Uuid(id) = noted.value {
                shown.places.insert(id, noted.at.end + 1..end);
            }
        }
        Ok(shown)
    }
}

fn too_many() -> Problem {
    let message = "The linked records are too many or too large for one answer. Ask for fewer records at once.";
    Problem::at("/expand", Code::OutOfRange, message)
}
