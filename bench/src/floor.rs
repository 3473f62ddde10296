//! The floor: what this stack allows when a server does nothing but answer.
//!
//! The same rows, indexes, durability and answers as the product; no authentication, permission, rate limit, audit
//! hash or validation beyond the types. It must stay honestly fast: whatever makes it faster within these rules belongs in it.

pub mod postgres;
pub mod sqlite;

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use insula_model::clock::Clock;
use insula_model::value::{Date, Decimal, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use crate::Result;
use crate::rows::{Item, mix, version_7};

/// Who made every record, and which tenant every audit row names.
const AUTHOR: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const TENANT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);

/// One more than a page, to know whether another follows.
const PAGE: usize = 25;

/// A record with its fields still in the driver's buffers.
struct Record<'a> {
    id: Uuid,
    name: &'a str,
    category: &'a str,
    quantity: i64,
    price: Decimal,
    due: Date,
    created_at: Timestamp,
    created_by: Uuid,
    updated_at: Timestamp,
    updated_by: Uuid,
    version: i64,
}

impl Record<'_> {
    fn write(&self, out: &mut Vec<u8>) {
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
        out.extend_from_slice(b"\",\"created_at\":\"");
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
struct Page {
    out: Vec<u8>,
    rows: usize,
    last: Option<(Date, Uuid)>,
    more: bool,
}

impl Page {
    fn new() -> Self {
        let mut out = Vec::with_capacity(12 * 1024);
        out.extend_from_slice(b"{\"items\":[");
        Self { out, rows: 0, last: None, more: false }
    }

    /// The row after the last of the page is only noticed.
    fn push(&mut self, record: &Record<'_>) {
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

    fn finish(mut self) -> Vec<u8> {
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

/// A record about to be written, with the answer it will get: the audit row's payload is the same text.
struct Created {
    id: Uuid,
    at: Timestamp,
    item: Item,
    answer: Bytes,
    event: Uuid,
    hash: [u8; 32],
}

/// Makes what a create needs: ids and a time, cheaper than a product may (no secret randomness).
#[derive(Default)]
struct Maker {
    clock: Clock,
    count: AtomicU64,
}

impl Maker {
    fn make(&self, item: Item) -> Created {
        let at = self.clock.now();
        let [id, event] = [self.id(at), self.id(at)];
        created(id, event, at, item)
    }

    fn id(&self, at: Timestamp) -> Uuid {
        let noise = mix(self.count.fetch_add(1, Ordering::Relaxed));
        version_7(u64::try_from(at.as_micros() / 1_000).unwrap_or(0), noise)
    }
}

fn created(id: Uuid, event: Uuid, at: Timestamp, item: Item) -> Created {
    let Item { name, category, quantity, price, due } = &item;
    let (created_by, updated_by) = (AUTHOR, AUTHOR);
    let (quantity, price, due) = (*quantity, *price, *due);
    let mut out = Vec::with_capacity(512);
    Record {
        id,
        name,
        category,
        quantity,
        price,
        due,
        created_at: at,
        created_by,
        updated_at: at,
        updated_by,
        version: 1,
    }
    .write(&mut out);
    let mut hash = [0; 32];
    for (chunk, number) in hash.chunks_exact_mut(8).zip(0..) {
        chunk.copy_from_slice(&mix(event.as_u128() as u64 ^ number).to_le_bytes());
    }
    Created { id, at, item, answer: out.into(), event, hash }
}

/// The rows a floor makes for itself.
fn seed(number: u32) -> Created {
    let at = Timestamp::from_micros(1_750_000_000_000_001 + i64::from(number) * 1_000);
    let event = version_7(1_750_000_000_000 + u64::from(number), mix(!u64::from(number)));
    created(crate::rows::id(number), event, at, crate::rows::item(number))
}

/// The body of a create.
fn parse(body: &[u8]) -> Option<Item> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NewItem<'a> {
        name: String,
        category: String,
        quantity: i64,
        price: &'a str,
        due: &'a str,
    }
    let NewItem { name, category, quantity, price, due } = serde_json::from_slice(body).ok()?;
    let price = Decimal::parse(price).ok()?.rescale(2).ok()?;
    Some(Item { name, category, quantity, price, due: Date::parse(due)? })
}

/// The category of `filter=category == "…"`, percent-encoded; the floor knows no other query.
fn category_of(query: &str) -> Option<&str> {
    let (category, rest) = query.strip_prefix("filter=category%20%3D%3D%20%22")?.split_once("%22")?;
    (rest == "&sort=%2Ddue&limit=25" || rest == "&sort=-due&limit=25").then_some(category)
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn bad_request() -> Response {
    json(StatusCode::BAD_REQUEST, "null")
}

/// A failure of the store ends the run with its text.
fn failed(error: &dyn std::fmt::Display) -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// The answer to a read by id.
fn one(found: Option<Vec<u8>>) -> Response {
    match found {
        Some(record) => json(StatusCode::OK, record),
        None => json(StatusCode::NOT_FOUND, "null"),
    }
}

/// Serves on loopback and says on which port, in the words of the product's own log event.
async fn listen(router: Router, port: u16) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // A socket that refuses the option is gone already; serving it will say so.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    #[test]
    fn a_create_reads_back_what_the_generator_writes() {
        for number in [0, 1, 99_999] {
            assert_eq!(parse(rows::body(&rows::item(number)).as_bytes()), Some(rows::item(number)));
        }
        for bad in ["", "{}", r#"{"name":"a","category":"c","quantity":1,"price":"1.005","due":"2026-01-01"}"#] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn queries() {
        for (query, expect) in [
            ("filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=25", Some("c42")),
            ("filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=26", None),
            ("filter=category%20%3D%3D%20%22c42%22", None),
            ("", None),
        ] {
            assert_eq!(category_of(query), expect, "{query}");
        }
    }

    #[test]
    fn a_page_ends_where_it_should() {
        for (rows, items, more) in [(0, 0, false), (1, 1, false), (25, 25, false), (26, 25, true)] {
            let mut page = Page::new();
            for number in 0..rows {
                let Created { id, at, item, .. } = seed(number);
                let Item { name, category, quantity, price, due } = &item;
                page.push(&Record {
                    id,
                    name,
                    category,
                    quantity: *quantity,
                    price: *price,
                    due: *due,
                    created_at: at,
                    created_by: AUTHOR,
                    updated_at: at,
                    updated_by: AUTHOR,
                    version: 1,
                });
            }
            let page: serde_json::Value = serde_json::from_slice(&page.finish()).unwrap();
            assert_eq!(page["items"].as_array().map(Vec::len), Some(items));
            assert_eq!(page["next_cursor"].is_string(), more);
        }
    }
}
