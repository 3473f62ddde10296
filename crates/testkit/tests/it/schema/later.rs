//! Changes of type of more records than everybody should wait for: a job makes them, and others go on.
//!
//! `INSULA_CONVERSION_RECORDS` says how many records there are, and `INSULA_CONVERTED_AT_ONCE` of how many on a job does it:
//! with a large one the longest write is that of the change made at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use insula_testkit::process::{Process, serve};
use insula_testkit::{Caller, Place, Reply, Store, TestApp, both_stores};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{patch_field, read, record, thing, version};
use crate::jobs::watch;

const WRITERS: usize = 4;
/// In one request.
const BATCH: usize = 1000;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

async fn restart(app: &mut TestApp, owner: &Caller, at_once: usize) -> Caller {
    app.restart_with(|options| options.converted_at_once = at_once as u64).await;
    owner.at(app.url())
}

/// Makes so many records, and gives their ids in order. `n` is the text of the place.
async fn load(owner: &Caller, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let places = ids.len()..count.min(ids.len() + BATCH);
        let create: Vec<Value> = places.map(|n| json!({"n": n.to_string(), "key": "k"})).collect();
        let made = owner.post("/records/thing/batch", &json!({"create": create})).await.expect(200);
        ids.extend(made.body["created"].as_array().unwrap().iter().map(|made| made["id"].as_str().unwrap().to_owned()));
    }
    ids
}

/// The same of very many, past the API.
async fn fill(place: &Place, owner: &Caller, count: usize) -> Vec<String> {
    let me = owner.get("/auth/me").await.expect(200).body;
    let entity = owner.get("/entities/thing").await.expect(200).body;
    let plain = |id: &Value| id.as_str().unwrap().replace('-', "");
    let (table, n) = (plain(&entity["id"]), plain(&entity["fields"][0]["id"]));
    let columns = format!("(id, created_at, created_by, updated_at, updated_by, version, c_{n})");
    let (tenant, account) = (me["tenant"]["id"].as_str().unwrap(), me["account"]["id"].as_str().unwrap());
    if let Some(database) = &place.database {
        let schema = tenant.replace('-', "");
        let sql = format!(
            "INSERT INTO tenant_{schema}.t_{table} {columns} SELECT ('01' || lpad(to_hex(i), 30, '0'))::uuid, now(), \
             '{account}', now(), '{account}', 1, i::text FROM generate_series(0, {count} - 1) i"
        );
        database.superuser().await.batch_execute(&sql).await.unwrap();
    } else {
        let file = place.data_dir.path().join(format!("tenants/{tenant}.db"));
        let account = account.replace('-', "");
        let sql = format!(
            "INSERT INTO t_{table} {columns} WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {count} - 1) \
             SELECT unhex(printf('01%030x', i)), 0, x'{account}', 0, x'{account}', 1, CAST(i AS TEXT) FROM s"
        );
        Connection::open(file).unwrap().execute_batch(&sql).unwrap();
    }
    (0..count).map(|n| format!("01000000-0000-0000-0000-{n:012x}")).collect()
}

async fn numbers(owner: &Caller) {
    thing(owner, json!([{"name": "n", "type": "text", "indexed": true}, {"name": "key", "type": "text"}])).await;
}

/// Asks for the change and gives the path of its job.
async fn later(reply: Reply) -> String {
    let reply = reply.expect(202);
    let job = reply.body["job"].as_str().unwrap();
    assert_eq!(reply.body, json!({"job": job}));
    assert_eq!(reply.header("location"), format!("/api/v1/jobs/{job}"));
    format!("/jobs/{job}")
}

async fn ended(owner: &Caller, path: &str) -> Value {
    watch(owner, path, 0, |job| job["ended_at"].is_string()).await
}

async fn type_of(owner: &Caller) -> Value {
    let entity = owner.get("/entities/thing").await.expect(200).body;
    entity["fields"].as_array().unwrap().iter().find(|field| field["name"] == "n").unwrap()["type"].clone()
}

/// Looks until the type is this one. A node believes what it knew of the schema for a second.
async fn comes_to_be(owner: &Caller, expect: &str) {
    let begun = Instant::now();
    while type_of(owner).await != expect {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never is {expect}");
    }
}

/// What is left of conversions in the stores themselves: columns of their own, and what was asked for.
async fn traces(app: &TestApp, owner: &Caller) -> Vec<Vec<Option<String>>> {
    let columns = match app.place().database {
        Some(_) => {
            "SELECT attname FROM pg_attribute WHERE attrelid IN (SELECT c.oid FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname LIKE 'tenant\\_%') \
             AND (attname = 'converted' OR attname LIKE 'c\\_%\\_%')"
        }
        None => {
            "SELECT c.name FROM insula_tenant.sqlite_schema t, pragma_table_info(t.name, 'insula_tenant') c \
             WHERE t.name LIKE 't\\_%' ESCAPE '\\' AND (c.name = 'converted' OR c.name LIKE 'c\\_%\\_%' ESCAPE '\\')"
        }
    };
    let mut found = app.tenant_sql(owner, columns).await;
    found.extend(app.tenant_sql(owner, "SELECT progress FROM insula_tenant.conversion").await);
    found
}

/// One who writes, with what he was told was written: nobody else writes his records.
struct Ledger {
    caller: Caller,
    values: HashMap<String, Option<i64>>,
    ids: Vec<String>,
    is_number: bool,
    writes: usize,
    longest: Duration,
}

impl Ledger {
    async fn run(mut self, over: &AtomicBool) -> Self {
        let mut n = 0;
        while !over.load(Ordering::Relaxed) {
            n += 1;
            let value = (n % 7 > 0).then_some(-n);
            let place = usize::try_from(n * 7919).unwrap() % self.ids.len();
            if n % 3 == 0 {
                let made = self.write(None, value).await;
                self.ids.push(made.id().to_owned());
                self.values.insert(made.id().to_owned(), value);
            } else if n % 20 == 1 {
                let id = self.ids.swap_remove(place);
                self.values.remove(&id);
                self.caller.delete(&format!("/records/thing/{id}")).await.expect(204);
            } else {
                let id = self.ids[place].clone();
                self.write(Some(&id), value).await;
                self.values.insert(id, value);
            }
        }
        self
    }

    async fn write(&mut self, id: Option<&str>, value: Option<i64>) -> Reply {
        loop {
            let written = match value {
                Some(n) if !self.is_number => json!({"n": n.to_string()}),
                number => json!({"n": number}),
            };
            let start = Instant::now();
            let reply = match id {
                None => self.caller.post("/records/thing", &written).await,
                Some(id) => self.caller.patch(&format!("/records/thing/{id}"), &written).await,
            };
            self.longest = self.longest.max(start.elapsed());
            self.writes += 1;
            if reply.status.as_u16() == 422 && !self.is_number {
                assert!(reply.text.contains("invalid_type"), "{reply:?}");
                self.is_number = true;
                continue;
            }
            assert!(reply.status.is_success(), "{reply:?}");
            return reply;
        }
    }
}

both_stores! {
    async fn many_values_are_converted_while_others_write(app: TestApp) {
        let mut app = app;
        let count = setting("INSULA_CONVERSION_RECORDS", 4000);
        let at_once = setting("INSULA_CONVERTED_AT_ONCE", 500);
        let (owner, other) = (app.register("acme").await, app.register("other").await);
        let owner = restart(&mut app, &owner, at_once).await;
        let other = other.at(app.url());
        numbers(&owner).await;
        numbers(&other).await;
        let others = load(&other, 3).await;
        let ids = fill(app.place(), &owner, count).await;
        let before = version(&owner).await;
        let over = AtomicBool::new(false);
        let ledger = |i: usize| {
            let own: Vec<usize> = (i..count).step_by(WRITERS).collect();
            Ledger {
                caller: owner.clone(),
                values: own.iter().map(|n| (ids[*n].clone(), Some(i64::try_from(*n).unwrap()))).collect(),
                ids: own.iter().map(|n| ids[*n].clone()).collect(),
                is_number: false,
                writes: 0,
                longest: Duration::ZERO,
            }
        };
        let changing = async {
            let start = Instant::now();
            let asked = patch_field(&owner, "n", json!({"type": "integer"})).await;
            if count > at_once {
                let path = later(asked).await;
                // Until its end the old type is in force.
                loop {
                    let (is, job) = (type_of(&owner).await, owner.get(&path).await.expect(200).body);
                    if job["ended_at"].is_string() {
                        break;
                    }
                    assert_eq!(is, "text");
                }
                let job = ended(&owner, &path).await;
                assert_eq!((&job["state"], &job["done"]), (&json!("succeeded"), &job["total"]), "{job}");
                assert_eq!(job["kind"], "convert_records");
            } else {
                asked.expect(200);
            }
            let took = start.elapsed();
            over.store(true, Ordering::Relaxed);
            took
        };
        let working = join_all((0..WRITERS).map(|i| ledger(i).run(&over)));
        let (took, ledgers) = tokio::join!(changing, working);
        let writes: usize = ledgers.iter().map(|ledger| ledger.writes).sum();
        let longest = ledgers.iter().map(|ledger| ledger.longest).max().unwrap();
        println!("{count} records: {took:?}, {writes} writes meanwhile, the longest {longest:?}");

        comes_to_be(&owner, "integer").await;
        assert_eq!(version(&owner).await, before + 1);
        let expect: HashMap<&String, Option<i64>> = ledgers.iter().flat_map(|l| l.values.iter().map(|(id, n)| (id, *n))).collect();
        let (mut found, mut cursor) = (0, String::new());
        loop {
            let page = owner.get(&format!("/records/thing?fields=n&limit=1000{cursor}")).await.expect(200);
            for item in page.items() {
                assert_eq!(item["n"], json!(expect[&item["id"].as_str().unwrap().to_owned()]), "{item}");
                found += 1;
            }
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, expect.len());
        assert_eq!(traces(&app, &owner).await.len(), 1, "the field's own column");
        // Of the other organisation nothing was touched.
        assert_eq!(read(&other, &others[1]).await["n"], "1");
        assert_eq!((type_of(&other).await, other.get("/jobs").await.expect(200).items().len()), (json!("text"), 0));
    }

    async fn the_change_is_told_as_that_of_who_asked_for_it(app: TestApp) {
        let mut app = app;
        let owner = app.register("acme").await;
        let owner = restart(&mut app, &owner, 3).await;
        numbers(&owner).await;
        load(&owner, 3).await;
        // As many as the bound are converted at once.
        patch_field(&owner, "key", json!({"type": "json"})).await.expect(200);
        record(&owner, &json!({"n": "9"})).await;
        let plan = patch_field(&owner, "n?dry_run=true", json!({"type": "decimal"})).await.expect(200).body;
        let kinds: Vec<&Value> = plan["warnings"].as_array().unwrap().iter().map(|warning| &warning["kind"]).collect();
        assert_eq!(kinds, ["long_lock", "background_job"]);
        let designer = owner.user("admin").await;
        let before = version(&owner).await;
        let path = later(patch_field(&designer, "n", json!({"type": "decimal", "scale": 2, "name": "price"})).await).await;
        let job = ended(&designer, &path).await;
        assert_eq!((&job["state"], &job["errors"], &job["problem"]), (&json!("succeeded"), &json!(0), &Value::Null), "{job}");
        let first = owner.get("/records/thing?limit=1").await.expect(200);
        assert_eq!(first.items()[0]["price"], "0.00");
        let history = owner.get("/schema/history?limit=1").await.expect(200);
        let change = &history.items()[0];
        assert_eq!((&change["version"], &change["account_id"]), (&json!(before + 1), &job["created_by"]));
        let steps: Vec<&Value> = change["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
        assert_eq!(steps, ["rename_field", "retype_field"]);
        for (action, actor) in [("job.create", json!(designer.email)), ("entity.update", json!(designer.email)), ("job.finish", Value::Null)] {
            let events = owner.get(&format!("/audit?limit=1&action={action}")).await.expect(200);
            assert_eq!(events.items()[0]["actor"]["email"], actor, "{action}");
        }
        let told = owner.get("/audit?limit=1&action=entity.update").await.expect(200).items()[0].clone();
        assert_eq!(told["after"]["fields"][0]["type"], "decimal");
    }

    async fn what_cannot_be_converted_fails_the_job_and_leaves_nothing(app: TestApp) {
        let mut app = app;
        let owner = app.register("acme").await;
        let owner = restart(&mut app, &owner, 5).await;
        numbers(&owner).await;
        let ids = load(&owner, 6).await;
        let admin = owner.user("admin").await;
        let before = version(&owner).await;
        let failed = async |patch: Value, mark: &str| {
            let path = later(patch_field(&owner, "n", patch).await).await;
            let job = ended(&owner, &path).await;
            assert_eq!((&job["state"], &job["problem"]["code"]), (&json!("failed"), &json!("conflict")), "{job}");
            let errors = job["problem"]["errors"].as_array().unwrap();
            assert!(errors.len() == 1 && errors[0]["message"].as_str().unwrap().contains(mark), "{job}");
            // Others are not told of records that they may not see.
            assert!(admin.get(&path).await.expect(200).body["problem"].get("errors").is_none());
            assert_eq!(traces(&app, &owner).await, Vec::<Vec<Option<String>>>::new());
            assert_eq!((type_of(&owner).await, version(&owner).await), (json!("text"), before));
            assert_eq!(read(&owner, &ids[2]).await["n"], "2");
            job
        };
        let bad = record(&owner, &json!({"n": "many"})).await;
        let job = failed(json!({"type": "integer"}), &bad).await;
        assert_eq!((&job["errors"], &job["problem"]["errors"][0]["code"]), (&json!(1), &json!("invalid_format")));
        owner.patch(&format!("/records/thing/{bad}"), &json!({"n": null})).await.expect(200);
        failed(json!({"type": "integer", "required": true}), &bad).await;
        owner.patch(&format!("/records/thing/{bad}"), &json!({"n": "1.0"})).await.expect(200);
        failed(json!({"type": "decimal", "scale": 1, "unique": true}), &bad).await;
        owner.patch(&format!("/records/thing/{bad}"), &json!({"n": "77"})).await.expect(200);
        let path = later(patch_field(&owner, "n", json!({"type": "integer"})).await).await;
        assert_eq!(ended(&owner, &path).await["state"], "succeeded");
        assert_eq!(read(&owner, &bad).await["n"], 77);
    }

    async fn who_may_no_longer_ask_for_it_is_not_obeyed(app: TestApp) {
        let mut app = app;
        let owner = app.register("acme").await;
        let owner = restart(&mut app, &owner, 100).await;
        numbers(&owner).await;
        load(&owner, 6000).await;
        let code = json!({"code": "designer", "name": "D", "grants": [{"resource": "entities", "actions": ["read", "update"], "scope": "tenant"}]});
        owner.post("/roles", &code).await.expect(201);
        let designer = owner.user("designer").await;
        let me = designer.get("/auth/me").await.expect(200).body["account"]["id"].clone();
        let path = later(patch_field(&designer, "n", json!({"type": "integer"})).await).await;
        owner.patch(&format!("/users/{}", me.as_str().unwrap()), &json!({"roles": ["viewer"]})).await.expect(200);
        let job = ended(&owner, &path).await;
        assert_eq!((&job["state"], &job["problem"]["code"]), (&json!("failed"), &json!("forbidden")), "{job}");
        assert_eq!(type_of(&owner).await, "text");
        assert_eq!(traces(&app, &owner).await, Vec::<Vec<Option<String>>>::new());
        // It is his own, and he may look at it still, as at no other.
        assert_eq!(designer.get(&path).await.expect(200).body, job);
        designer.get("/jobs").await.expect_problem(403, "forbidden");

        let path = later(patch_field(&owner, "n", json!({"type": "integer"})).await).await;
        let beside = patch_field(&owner, "key", json!({"label": "Key"})).await.expect_problem(409, "conflict");
        assert!(beside.text.contains(path.strip_prefix("/jobs/").unwrap()), "{beside:?}");
        designer.post(&format!("{path}/cancel"), &json!({})).await.expect_problem(403, "forbidden");
        let cancelled = owner.post(&format!("{path}/cancel"), &json!({})).await.expect(200).body;
        assert_eq!(cancelled["state"], "cancelled");
        assert_eq!(traces(&app, &owner).await, Vec::<Vec<Option<String>>>::new());
        patch_field(&owner, "key", json!({"label": "Key"})).await.expect(200);
        assert_eq!(type_of(&owner).await, "text");
    }

    async fn a_document_and_an_entity_are_made_by_a_job_too_and_once_for_each_key(app: TestApp) {
        let mut app = app;
        let owner = app.register("acme").await;
        let owner = restart(&mut app, &owner, 3).await;
        numbers(&owner).await;
        let ids = load(&owner, 4).await;
        let mut document = owner.get("/schema").await.expect(200).body;
        document["entities"][0]["fields"][0] = json!({"id": document["entities"][0]["fields"][0]["id"], "name": "n", "type": "integer"});
        document["entities"].as_array_mut().unwrap().push(json!({"name": "made", "fields": [{"name": "of", "type": "relation", "target": "thing"}]}));
        let apply = || owner.send(owner.request(Method::POST, "/schema/apply").header("idempotency-key", "once").json(&document));
        let first = apply().await;
        let body = first.body.clone();
        let path = later(first).await;
        assert_eq!(ended(&owner, &path).await["state"], "succeeded");
        let again = apply().await.expect(202);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &body));
        assert_eq!(read(&owner, &ids[3]).await["n"], 3);
        owner.get("/entities/made").await.expect(200);

        let mut fields = owner.get("/entities/thing").await.expect(200).body["fields"].clone();
        fields[0] = json!({"id": fields[0]["id"], "name": "n", "type": "text", "unique": true});
        let path = later(owner.patch("/entities/thing", &json!({"fields": fields, "soft_delete": true})).await).await;
        assert_eq!(ended(&owner, &path).await["state"], "succeeded");
        assert_eq!(read(&owner, &ids[3]).await["n"], "3");
        owner.post("/records/thing", &json!({"n": "3"})).await.expect_problem(409, "conflict");
        // What is deleted from now on is purged some day.
        let jobs = owner.get("/jobs").await.expect(200);
        assert!(jobs.items().iter().any(|job| job["kind"] == "purge_deleted_records" && job["state"] == "waiting"), "{jobs:?}");
    }
}

/// A node is killed in the middle of the conversion; another, or the next, goes on from there.
async fn kill_9_in_the_middle(store: Store) {
    const RECORDS: usize = 12_000;
    let place = Place::make(store).await;
    let process = Process::start(serve(&place));
    let owner = process.anonymous().register("acme").await;
    numbers(&owner).await;
    let ids = fill(&place, &owner, RECORDS).await;
    // On SQLite there is one node at a time.
    let mut other = (store == Store::Postgres).then(|| Process::start(serve(&place)));
    let path = later(patch_field(&owner, "n", json!({"type": "integer"})).await).await;
    let met = watch(&owner, &path, 0, |job| job["done"].as_i64() > Some(0)).await;
    process.kill();
    assert!(met["done"].as_i64() < Some(RECORDS as i64), "it was too quick: {met}");
    let other = other.take().unwrap_or_else(|| Process::start(serve(&place)));
    let owner = owner.at(other.url());
    let job = watch(&owner, &path, met["done"].as_i64().unwrap(), |job| job["ended_at"].is_string()).await;
    assert_eq!((&job["state"], &job["done"], &job["total"]), (&json!("succeeded"), &json!(RECORDS), &json!(RECORDS)));
    assert_eq!(job["started_at"], met["started_at"]);
    comes_to_be(&owner, "integer").await;
    for n in [0, RECORDS / 2, RECORDS - 1] {
        assert_eq!(read(&owner, &ids[n]).await["n"], n);
    }
    let wrong = owner
        .get(&format!("/records/thing?count=exact&limit=1&filter=n%20%3E%3D%200%20%26%26%20n%20%3C%20{RECORDS}"))
        .await;
    assert_eq!(wrong.expect(200).body["total"], RECORDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_the_middle_of_a_conversion_loses_nothing_on_sqlite() {
    kill_9_in_the_middle(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_the_middle_of_a_conversion_loses_nothing_on_postgres() {
    kill_9_in_the_middle(Store::Postgres).await;
}
