//! Changes: what a request's body asks for, with the audit row and the answer that go with it.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use bytes::Bytes;
use insula_model::clock::Clock;
use insula_model::value::{Date, Decimal, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use super::AUTHOR;
use super::record::{Record, Stamps};
use crate::rows::{self, Item, mix, version_7};

/// The key of an audit row, and what stands in it in place of a hash.
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) hash: [u8; 32],
}

impl Event {
    fn new(id: Uuid) -> Self {
        let mut hash = [0; 32];
        for (chunk, number) in hash.chunks_exact_mut(8).zip(0..) {
            chunk.copy_from_slice(&mix(id.as_u128() as u64 ^ number).to_le_bytes());
        }
        Self { id, hash }
    }
}

/// A record about to be written, with the answer it will get: the audit row's payload is the same text.
pub(super) struct Created {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) item: Item,
    pub(super) answer: Bytes,
    pub(super) event: Event,
}

impl Created {
    fn new(id: Uuid, event: Uuid, at: Timestamp, item: Item) -> Self {
        let mut created = Self { id, at, item, answer: Bytes::new(), event: Event::new(event) };
        let mut out = Vec::with_capacity(512);
        created.record().write(&mut out);
        created.answer = out.into();
        created
    }

    pub(super) fn record(&self) -> Record<'_> {
        let Item { name, category, quantity, price, due } = &self.item;
        let (quantity, price, due) = (*quantity, *price, *due);
        Record {
            id: self.id,
            name,
            category,
            quantity,
            price,
            due,
            supplier: None,
            stamps: Stamps::new(self.at, AUTHOR),
        }
    }
}

/// Records to be written together.
pub(super) struct Batch {
    pub(super) created: Vec<Created>,
    pub(super) answer: Bytes,
}

fn answer_to_all(created: &[Created]) -> Bytes {
    let mut out = Vec::with_capacity(created.len() * 400);
    out.extend_from_slice(b"{\"created\":[");
    for (number, created) in created.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&created.answer);
    }
    out.extend_from_slice(b"],\"updated\":[],\"deleted\":[],\"errors\":[]}");
    out.into()
}

/// A change of one field, if the record still is of this version.
pub(super) struct Update {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) quantity: i64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
}

/// What an update writes besides the record.
pub(super) struct Updated {
    /// Both states of the record.
    pub(super) payload: Vec<u8>,
    pub(super) answer: Bytes,
}

impl Update {
    pub(super) fn apply(&self, mut record: Record<'_>) -> Updated {
        let mut payload = Vec::with_capacity(1_024);
        payload.extend_from_slice(b"{\"before\":");
        record.write(&mut payload);
        record.quantity = self.quantity;
        record.stamps.updated_at = self.at;
        record.stamps.updated_by = AUTHOR;
        record.stamps.version += 1;
        payload.extend_from_slice(b",\"after\":");
        let after = payload.len();
        record.write(&mut payload);
        let answer = Bytes::copy_from_slice(&payload[after..]);
        payload.push(b'}');
        Updated { payload, answer }
    }
}

/// Makes what a change needs: ids and a time, cheaper than a product may (no secret randomness).
#[derive(Default)]
pub(super) struct Maker {
    clock: Clock,
    count: AtomicU64,
}

impl Maker {
    pub(super) fn create(&self, body: &[u8]) -> Option<Created> {
        let item = serde_json::from_slice::<NewItem<'_>>(body).ok()?.parse()?;
        Some(self.created(item))
    }

    pub(super) fn create_all(&self, body: &[u8]) -> Option<Batch> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct NewItems<'a> {
            #[serde(borrow)]
            create: Vec<NewItem<'a>>,
            mode: &'a str,
        }
        let NewItems { create, mode } = serde_json::from_slice(body).ok()?;
        let items: Vec<Item> = create.into_iter().map(NewItem::parse).collect::<Option<_>>()?;
        let created: Vec<Created> =
            (mode == "atomic").then(|| items.into_iter().map(|item| self.created(item)).collect())?;
        let answer = answer_to_all(&created);
        Some(Batch { created, answer })
    }

    pub(super) fn update(&self, id: Uuid, headers: &HeaderMap, body: &[u8]) -> Option<Update> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Patch {
            quantity: i64,
        }
        let tag = headers.get(IF_MATCH)?.to_str().ok()?;
        let version = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
        let Patch { quantity } = serde_json::from_slice(body).ok()?;
        let at = self.clock.now();
        Some(Update { id, version, quantity, at, event: Event::new(self.id(at)) })
    }

    fn created(&self, item: Item) -> Created {
        let at = self.clock.now();
        let [id, event] = [self.id(at), self.id(at)];
        Created::new(id, event, at, item)
    }

    fn id(&self, at: Timestamp) -> Uuid {
        let noise = mix(self.count.fetch_add(1, Ordering::Relaxed));
        version_7(u64::try_from(at.as_micros() / 1_000).unwrap_or(0), noise)
    }
}

/// When the first of the rows was made that a floor makes for itself.
pub(super) fn seeded_at(number: u32) -> Timestamp {
    Timestamp::from_micros(1_750_000_000_000_001 + i64::from(number) * 1_000)
}

/// The rows a floor makes for itself.
pub(super) fn seed(number: u32) -> Created {
    let event = version_7(1_750_000_000_000 + u64::from(number), mix(!u64::from(number)));
    Created::new(rows::id(number), event, seeded_at(number), rows::item(number))
}

/// The body of a create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewItem<'a> {
    name: String,
    category: String,
    quantity: i64,
    price: &'a str,
    due: &'a str,
}

impl NewItem<'_> {
    fn parse(self) -> Option<Item> {
        let Self { name, category, quantity, price, due } = self;
        let price = Decimal::parse(price).ok()?.rescale(2).ok()?;
        Some(Item { name, category, quantity, price, due: Date::parse(due)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_create_reads_back_what_the_generator_writes() {
        let item = |body: &[u8]| Maker::default().create(body).map(|created| created.item);
        for number in [0, 1, 99_999] {
            assert_eq!(item(rows::body(&rows::item(number)).as_bytes()), Some(rows::item(number)));
        }
        for bad in ["", "{}", r#"{"name":"a","category":"c","quantity":1,"price":"1.005","due":"2026-01-01"}"#] {
            assert_eq!(item(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_batch_is_all_its_items_or_none() {
        let batch = |bodies: &[String]| Maker::default().create_all(rows::batch_body(bodies).as_bytes());
        let bodies: Vec<String> = (0..3).map(|number| rows::body(&rows::item(number))).collect();
        let items: Vec<Item> = batch(&bodies).unwrap().created.into_iter().map(|created| created.item).collect();
        assert_eq!(items, [rows::item(0), rows::item(1), rows::item(2)]);
        assert!(batch(&[bodies, vec!["{}".into()]].concat()).is_none());
    }
}
