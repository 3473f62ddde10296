//! The schema changes in a loop while many read and write: nobody is answered with a failure of ours, and no value is lost
//! or wrong. On PostgreSQL half of them call another node. `INSULA_STORM_SECONDS` says for how long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use insula_testkit::process::{self, Process};
use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::{Value, json};

use super::{add_field, patch_field, thing};

const CONNECTIONS: usize = 16;
/// Records each connection makes; from then on it changes those.
const RECORDS: usize = 20;
/// How often a write is put in other words before something must be wrong.
const PATIENCE: usize = 2_000;

/// A connection with what it was told was written: nobody else writes its records.
struct Ledger {
    caller: Caller,
    key: String,
    records: Vec<(String, i64)>,
    /// The words of the last write: the field's name, and the form of its value.
    words: (usize, usize),
    requests: usize,
    read_stall: Duration,
    write_stall: Duration,
}

impl Ledger {
    async fn run(mut self, over: &AtomicBool) -> Self {
        let mut n = 0;
        while !over.load(Ordering::Relaxed) {
            n += 1;
            if self.records.len() < RECORDS {
                let made = self.write(n, None).await;
                self.records.push((made.id().to_owned(), n));
            } else {
                let place = usize::try_from(n).unwrap() % RECORDS;
                let id = self.records[place].0.clone();
                self.write(n, Some(&id)).await;
                self.records[place].1 = n;
            }
            let (id, expect) = self.records[usize::try_from(n * 7).unwrap() % self.records.len()].clone();
            let found = self.read(&format!("/records/thing/{id}")).await.expect(200);
            assert_eq!(number(&found.body), Some(expect), "{found:?}");
            if n % 5 == 0 {
                self.list().await;
            }
        }
        self
    }

    /// All of its records and no other, with their values.
    async fn list(&mut self) {
        let filter = format!("/records/thing?limit=1000&filter=key.startsWith(%22{}.%22)", self.key);
        let found = self.read(&filter).await.expect(200);
        assert_eq!(found.items().len(), self.records.len(), "{found:?}");
        for item in found.items() {
            let (_, expect) = self.records.iter().find(|(id, _)| item["id"] == id.as_str()).expect("its own record");
            assert_eq!(number(item), Some(*expect), "{item}");
            // What was never written has its default, where it is there.
            assert!(item.get("extra").is_none_or(|extra| extra == "x"), "{item}");
        }
    }

    async fn read(&mut self, path: &str) -> Reply {
        let start = Instant::now();
        let reply = self.caller.get(path).await;
        self.requests += 1;
        self.read_stall = self.read_stall.max(start.elapsed());
        reply
    }

    /// Writes `n`, in the words of today's schema once they are found.
    async fn write(&mut self, n: i64, id: Option<&str>) -> Reply {
        for _ in 0..PATIENCE {
            let (name, form) = self.words;
            let value = if form == 0 { json!(n) } else { json!(n.to_string()) };
            let name = ["n", "m"][name];
            let start = Instant::now();
            let reply = match id {
                None => {
                    let key = format!("{}.{n}", self.key);
                    self.caller.post("/records/thing", &json!({"key": key, "note": "x", name: value})).await
                }
                Some(id) => self.caller.patch(&format!("/records/thing/{id}"), &json!({name: value})).await,
            };
            self.requests += 1;
            self.write_stall = self.write_stall.max(start.elapsed());
            match reply.status.as_u16() {
                200 | 201 => {
                    assert_eq!(number(&reply.body), Some(n), "{reply:?}");
                    return reply;
                }
                422 if reply.text.contains("unknown_field") => self.words = (1 - self.words.0, form),
                422 if reply.text.contains("invalid_type") => self.words = (self.words.0, 1 - form),
                _ => panic!("{reply:?}"),
            }
        }
        panic!("no words were right");
    }
}

/// The number of a record, whatever its field is called and of whichever type it is.
fn number(record: &Value) -> Option<i64> {
    match record.get("n").or_else(|| record.get("m"))? {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.strip_suffix(".00").unwrap_or(text).parse().ok(),
        _ => None,
    }
}

/// One round of changes, after which all is as before. Each says what it is to be answered with.
async fn round(owner: &Caller) -> usize {
    let field = |name: &'static str, patch: Value| async move { patch_field(owner, name, patch).await.expect(200) };
    add_field(owner, json!({"name": "extra", "type": "text", "default": "x"})).await.expect(201);
    field("n", json!({"name": "m"})).await;
    field("m", json!({"type": "text"})).await;
    field("note", json!({"required": true})).await;
    field("key", json!({"unique": true})).await;
    owner.delete("/entities/thing/fields/extra").await.expect(204);
    field("m", json!({"type": "decimal", "scale": 2})).await;
    field("m", json!({"name": "n"})).await;
    field("note", json!({"required": false, "position": 0})).await;
    field("n", json!({"type": "integer"})).await;
    field("key", json!({"unique": false, "indexed": true})).await;
    field("note", json!({"position": 2})).await;
    12
}

both_stores! {
    async fn nobody_loses_anything_while_the_schema_changes(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([
            {"name": "key", "type": "text", "required": true, "max_length": 50}, {"name": "n", "type": "integer"}, {"name": "note", "type": "text"},
        ]);
        thing(&owner, fields).await;
        // SQLite is one node's.
        let other = app.place().database.is_some().then(|| Process::start(process::serve(app.place())));
        let url = other.as_ref().map_or(app.url(), Process::url);
        let seconds = std::env::var("INSULA_STORM_SECONDS").map_or(5, |text| text.parse().expect("a number of seconds"));
        let over = AtomicBool::new(false);
        let ledger = |i: usize| Ledger {
            caller: if i.is_multiple_of(2) { owner.clone() } else { owner.at(url) },
            key: format!("k{i}"),
            records: Vec::new(),
            words: (0, 0),
            requests: 0,
            read_stall: Duration::ZERO,
            write_stall: Duration::ZERO,
        };
        let changing = async {
            let (start, mut changes) = (Instant::now(), 0);
            while start.elapsed() < Duration::from_secs(seconds) {
                changes += round(&owner).await;
            }
            over.store(true, Ordering::Relaxed);
            changes
        };
        let working = join_all((0..CONNECTIONS).map(|i| ledger(i).run(&over)));
        let (changes, mut ledgers) = tokio::join!(changing, working);
        for ledger in &mut ledgers {
            ledger.list().await;
        }
        let requests: usize = ledgers.iter().map(|ledger| ledger.requests).sum();
        let longest = |stall: fn(&Ledger) -> Duration| ledgers.iter().map(stall).max().unwrap_or_default();
        println!(
            "{seconds} s: {changes} changes, {requests} requests, longest read {:?}, longest write {:?}",
            longest(|ledger| ledger.read_stall),
            longest(|ledger| ledger.write_stall),
        );
        assert!(changes > 0);
        let all: usize = ledgers.iter().map(|ledger| ledger.records.len()).sum();
        let total = owner.get("/records/thing?count=exact").await.expect(200);
        assert_eq!(total.body["total"], all);
    }
}
