//! What may leave the engine: records already reduced to what the caller may read, as finished JSON. Nothing else of a
//! record can be serialised.

use insula_model::id::{EntityId, RecordId};
use insula_model::problem::Problem;
use insula_model::value::{Value, write_json_uuid};
use sha2::{Digest, Sha256};

/// One record as its reader may see it.
#[derive(Debug)]
pub struct VisibleRecord {
    pub(super) entity: EntityId,
    pub(super) id: RecordId,
    pub(super) version: i64,
    /// Nothing is shown of it but that it is there.
    pub(super) is_bare: bool,
    pub(super) body: Vec<u8>,
}

/// A page of records: `{"items": […], "next_cursor": …, "total"?: …}`.
#[derive(Debug)]
pub struct VisiblePage {
    pub(super) body: Vec<u8>,
}

/// A record that was asked to be, under the key it has.
#[derive(Debug)]
pub enum Saved {
    Created(VisibleRecord),
    Updated(VisibleRecord),
}

/// What a batch did: `{"created": […], "updated": […], "deleted": […], "errors": […]}`.
#[derive(Debug)]
pub struct VisibleBatch {
    pub(super) created: Vec<VisibleRecord>,
    pub(super) updated: Vec<VisibleRecord>,
    pub(super) deleted: Vec<RecordId>,
    /// Only an independent batch can have any.
    pub(super) refused: Vec<Refusal>,
}

/// An item of an independent batch that did not take place.
#[derive(Debug)]
pub struct Refusal {
    /// `create`, `update` or `delete`.
    pub op: &'static str,
    pub index: usize,
    pub problem: Problem,
}

/// What operations over several entities did, in their order.
#[derive(Debug)]
pub struct VisibleResults(pub(super) Vec<VisibleResult>);

#[derive(Debug)]
pub(super) enum VisibleResult {
    Record(VisibleRecord),
    Deleted(RecordId),
}

impl VisibleRecord {
    /// What a writer who may not read it learns: the id and the version, which he needs to go on.
    pub(super) fn bare(entity: EntityId, id: RecordId, version: i64) -> Self {
        let mut body = b"{".to_vec();
        member(&mut body, "id", &Value::Uuid(id.uuid()));
        member(&mut body, "version", &Value::Int(version));
        body.push(b'}');
        Self { entity, id, version, is_bare: true, body }
    }

    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// A strong entity tag (RFC 9110 §8.8.3): the version, and a digest of this very representation.
    pub fn etag(&self) -> String {
        let digest = Sha256::digest(&self.body);
        let mut start = [0; 8];
        start.copy_from_slice(digest.first_chunk::<8>().unwrap_or(&[0; 8]));
        format!("\"{}-{:016x}\"", self.version, u64::from_be_bytes(start))
    }

    pub fn into_json(self) -> Vec<u8> {
        self.body
    }
}

impl VisiblePage {
    pub fn into_json(self) -> Vec<u8> {
        self.body
    }
}

impl VisibleBatch {
    /// `{"created": […], "updated": […], "deleted": […], "errors": [{op, index, problem}]}`, each problem as `show` has
    /// it.
    pub fn into_json(self, show: impl Fn(&Problem) -> Vec<u8>) -> Vec<u8> {
        let mut body = b"{\"created\":".to_vec();
        array(&mut body, &self.created, |record, out| out.extend_from_slice(&record.body));
        body.extend_from_slice(b",\"updated\":");
        array(&mut body, &self.updated, |record, out| out.extend_from_slice(&record.body));
        body.extend_from_slice(b",\"deleted\":");
        array(&mut body, &self.deleted, |id, out| write_json_uuid(id.uuid(), out));
        body.extend_from_slice(b",\"errors\":");
        array(&mut body, &self.refused, |refusal, out| {
            let head = format!("{{\"op\":\"{}\",\"index\":{},\"problem\":", refusal.op, refusal.index);
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(&show(&refusal.problem));
            out.push(b'}');
        });
        body.push(b'}');
        body
    }
}

impl VisibleResults {
    /// `{"results": [record…]}`; of a record that was deleted its id.
    pub fn into_json(self) -> Vec<u8> {
        let mut body = b"{\"results\":".to_vec();
        array(&mut body, &self.0, |result, out| match result {
            VisibleResult::Record(record) => out.extend_from_slice(&record.body),
            VisibleResult::Deleted(id) => {
                out.extend_from_slice(b"{\"id\":");
                write_json_uuid(id.uuid(), out);
                out.push(b'}');
            }
        });
        body.push(b'}');
        body
    }
}

fn array<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Appends `"name":value`, after a comma unless it is the first.
pub(super) fn member(out: &mut Vec<u8>, name: &str, value: &Value) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    insula_model::value::write_json_text(name, out);
    out.push(b':');
    value.write_json(out);
}
