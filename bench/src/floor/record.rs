//! Answers: records with their fields still in the driver's buffers, and pages of them.

use insula_model::value::{Date, Decimal, Timestamp};
use uuid::Uuid;

/// One more than a page is asked for, to know whether another follows.
const PAGE: usize = 25;

/// What every record has, whatever its entity.
#[derive(Clone, Copy)]
pub(super) struct Stamps {
    pub(super) created_at: Timestamp,
    pub(super) created_by: Uuid,
    pub(super) updated_at: Timestamp,
    pub(super) updated_by: Uuid,
    pub(super) version: i64,
}

impl Stamps {
    pub(super) const fn new(at: Timestamp, by: Uuid) -> Self {
        Self { created_at: at, created_by: by, updated_at: at, updated_by: by, version: 1 }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"created_at\":\"");
        self.created_at.write(out);
        out.extend_from_slice(b"\",\"created_by\":\"");
        write_uuid(out, self.created_by);
        out.extend_from_slice(b"\",\"updated_at\":\"");
        self.updated_at.write(out);
        out.extend_from_slice(b"\",\"updated_by\":\"");
        write_uuid(out, self.updated_by);
        out.extend_from_slice(b"\",\"version\":");
        write_integer(out, self.version);
        out.push(b'}');
    }
}

/// An item, or a purchase that shows its supplier.
pub(super) struct Record<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) category: &'a str,
    pub(super) quantity: i64,
    pub(super) price: Decimal,
    pub(super) due: Date,
    pub(super) supplier: Option<Supplier<'a>>,
    pub(super) stamps: Stamps,
}

pub(super) struct Supplier<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) city: &'a str,
    pub(super) stamps: Stamps,
}

impl Record<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":\"");
        write_uuid(out, self.id);
        out.extend_from_slice(b"\",\"name\":");
        write_text(out, self.name);
        out.extend_from_slice(b",\"category\":");
        write_text(out, self.category);
        out.extend_from_slice(b",\"quantity\":");
        write_integer(out, self.quantity);
        out.extend_from_slice(b",\"price\":\"");
        self.price.write(out);
        out.extend_from_slice(b"\",\"due\":\"");
        self.due.write(out);
        out.push(b'"');
        if let Some(supplier) = &self.supplier {
            out.extend_from_slice(b",\"supplier\":");
            supplier.write(out);
        }
        self.stamps.write(out);
    }
}

impl Supplier<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":\"");
        write_uuid(out, self.id);
        out.extend_from_slice(b"\",\"name\":");
        write_text(out, self.name);
        out.extend_from_slice(b",\"city\":");
        write_text(out, self.city);
        self.stamps.write(out);
    }
}

fn write_uuid(out: &mut Vec<u8>, id: Uuid) {
    out.extend_from_slice(id.as_hyphenated().encode_lower(&mut [0; 36]).as_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    let _ = serde_json::to_writer(out, &number);
}

/// A list answer under construction.
pub(super) struct Page {
    out: Vec<u8>,
    rows: usize,
    last: Option<(Date, Uuid)>,
    more: bool,
}

impl Page {
    pub(super) fn new() -> Self {
        let mut out = Vec::with_capacity(16 * 1024);
        out.extend_from_slice(b"{\"items\":[");
        Self { out, rows: 0, last: None, more: false }
    }

    /// The row after the last of the page is only noticed.
    pub(super) fn push(&mut self, record: &Record<'_>) {
        if self.rows == PAGE {
            self.more = true;
            return;
        }
        if self.rows > 0 {
            self.out.push(b',');
        }
        record.write(&mut self.out);
        self.rows += 1;
        self.last = Some((record.due, record.id));
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"],\"next_cursor\":");
        match self.last.filter(|_| self.more) {
            Some((due, id)) => {
                self.out.push(b'"');
                due.write(&mut self.out);
                self.out.push(b'.');
                write_uuid(&mut self.out, id);
                self.out.push(b'"');
            }
            None => self.out.extend_from_slice(b"null"),
        }
        self.out.push(b'}');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::seed;
    use super::*;

    #[test]
    fn a_page_ends_where_it_should() {
        for (rows, items, more) in [(0, 0, false), (1, 1, false), (25, 25, false), (26, 25, true)] {
            let mut page = Page::new();
            for number in 0..rows {
                page.push(&seed(number).record());
            }
            let page: serde_json::Value = serde_json::from_slice(&page.finish()).unwrap();
            assert_eq!(page["items"].as_array().map(Vec::len), Some(items));
            assert_eq!(page["next_cursor"].is_string(), more);
        }
    }
}
