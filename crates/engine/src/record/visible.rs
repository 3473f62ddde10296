//! What may leave the engine: records already reduced to what the caller may read, as finished JSON. Nothing else of a
//! record can be serialised.

use insula_model::id::RecordId;
use insula_model::value::Value;
use sha2::{Digest, Sha256};

/// One record as its reader may see it.
#[derive(Debug)]
pub struct VisibleRecord {
    pub(super) id: RecordId,
    pub(super) version: i64,
    pub(super) body: Vec<u8>,
}

/// A page of records: `{"items": […], "next_cursor": …, "total"?: …}`.
#[derive(Debug)]
pub struct VisiblePage {
    pub(super) body: Vec<u8>,
}

/// What a batch did: `{"created": […], "updated": […], "deleted": […], "errors": []}`.
#[derive(Debug)]
pub struct VisibleBatch {
    pub(super) body: Vec<u8>,
}

impl VisibleRecord {
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
    pub fn into_json(self) -> Vec<u8> {
        self.body
    }
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
