//! A request sent again with its key is done once, whatever became of the first one's answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use insula_engine::engine::Options;
use insula_model::clock::Clock;
use insula_model::value::Timestamp;
use insula_testkit::process::{Process, serve};
use insula_testkit::{Caller, Place, Reply, Store, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const CALLERS: usize = 32;

async fn design(owner: &Caller) {
    let fields = json!([{"name": "code", "type": "code", "unique": true}, {"name": "title", "type": "text"}]);
    owner.post("/entities", &json!({"name": "note", "fields": fields})).await.expect(201);
}

/// A POST with a key.
async fn keyed(caller: &Caller, key: &str, path: &str, body: &Value) -> Reply {
    caller.send(caller.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

async fn total(owner: &Caller) -> Value {
    owner.get("/records/note?count=exact").await.expect(200).body["total"].clone()
}

async fn events(owner: &Caller) -> usize {
    let reply = owner.get("/audit?limit=1000").await.expect(200);
    reply.items().iter().filter(|event| event["action"].as_str().unwrap().starts_with("record.")).count()
}

async fn keys(app: &TestApp, owner: &Caller) -> usize {
    app.tenant_sql(owner, "SELECT request FROM insula_tenant.idempotency_key").await.len()
}

#[track_caller]
fn replayed(reply: Reply, status: u16) -> Reply {
    let reply = reply.expect(status);
    assert_eq!(reply.header("idempotency-replayed"), "true", "{reply:?}");
    reply
}

both_stores! {
    async fn a_request_sent_again_is_done_once_and_told_as_it_is_today(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let body = json!({"code": "a", "title": "first"});
        let first = keyed(&owner, "k1", "/records/note", &body).await.expect(201);
        assert_eq!(first.header("idempotency-replayed"), "");
        let again = replayed(keyed(&owner, "k1", "/records/note", &body).await, 201);
        assert_eq!((&again.body, again.header("etag"), again.header("location")), (&first.body, first.header("etag"), first.header("location")));
        // The order of members is no other request.
        let turned = owner.request(Method::POST, "/records/note").header("idempotency-key", "k1").header("content-type", "application/json");
        replayed(owner.send(turned.body("{\"title\": \"first\",\"code\":\"a\"}")).await, 201);
        assert_eq!((total(&owner).await, events(&owner).await), (json!(1), 1));

        let path = format!("/records/note/{}", first.id());
        owner.patch(&path, &json!({"title": "second"})).await.expect(200);
        assert_eq!(replayed(keyed(&owner, "k1", "/records/note", &body).await, 201).body["title"], "second");
        owner.delete(&path).await.expect(204);
        keyed(&owner, "k1", "/records/note", &body).await.expect_problem(404, "not_found");
        assert_eq!(total(&owner).await, 0);
    }

    async fn a_key_belongs_to_one_request_of_one_caller(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let body = json!({"title": "x"});
        let first = keyed(&owner, "k", "/records/note", &body).await.expect(201);
        keyed(&owner, "k", "/records/note", &json!({"title": "y"})).await.expect_problem(422, "idempotency_key_reused");
        keyed(&owner, "k", "/records/note?upsert=code", &body).await.expect_problem(422, "idempotency_key_reused");
        keyed(&owner, "k", "/records/note/batch", &json!({"create": [body]})).await.expect(200);
        let other = keyed(&owner.user("editor").await, "k", "/records/note", &body).await.expect(201);
        assert_ne!(first.id(), other.id());
        let stranger = app.register("best").await;
        design(&stranger).await;
        let theirs = keyed(&stranger, "k", "/records/note", &body).await.expect(201);
        assert_ne!(first.id(), theirs.id());
        assert_eq!((total(&owner).await, total(&stranger).await), (json!(3), json!(1)));
        assert_eq!(replayed(keyed(&stranger, "k", "/records/note", &body).await, 201).id(), theirs.id());
        assert_eq!(replayed(keyed(&owner, "k", "/records/note", &body).await, 201).id(), first.id());
    }

    async fn a_refused_request_may_be_sent_again(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let taken = owner.post("/records/note", &json!({"code": "a"})).await.expect(201);
        let body = json!({"code": "a", "title": "mine"});
        keyed(&owner, "k", "/records/note", &body).await.expect_problem(409, "conflict");
        keyed(&owner, "k", "/records/note", &json!({"code": "?"})).await.expect_problem(422, "invalid_format");
        assert_eq!(keys(&app, &owner).await, 0);
        owner.delete(&format!("/records/note/{}", taken.id())).await.expect(204);
        assert_eq!(keyed(&owner, "k", "/records/note", &body).await.expect(201).header("idempotency-replayed"), "");
        assert_eq!(keys(&app, &owner).await, 1);
    }

    async fn a_key_is_visible_ascii_and_sent_once(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        for bad in [String::new(), "a b".to_owned(), "\u{e4}".to_owned(), "k".repeat(256)] {
            keyed(&owner, &bad, "/records/note", &json!({})).await.expect_problem(400, "bad_request");
        }
        let twice = owner.request(Method::POST, "/records/note").header("idempotency-key", "a").header("idempotency-key", "b");
        owner.send(twice.json(&json!({}))).await.expect_problem(400, "bad_request");
        assert_eq!(total(&owner).await, 0);
        keyed(&owner, &"~".repeat(255), "/records/note", &json!({})).await.expect(201);
        // Without a key nothing is kept.
        owner.post("/records/note", &json!({})).await.expect(201);
        assert_eq!(keys(&app, &owner).await, 1);
    }

    async fn every_post_of_a_tenant_can_be_sent_again(app: TestApp) {
        let owner = app.register("acme").await;
        let entity = json!({"name": "note", "fields": [{"name": "code", "type": "code", "unique": true}]});
        let user = json!({"email": "u@acme.example", "full_name": "U", "password": insula_testkit::caller::PASSWORD, "roles": ["viewer"]});
        let gone = |id: &str| json!({"op": "delete", "entity": "note", "id": id});
        for (path, body, status) in [("/entities", &entity, 201), ("/users", &user, 201)] {
            let first = keyed(&owner, "k", path, body).await.expect(status);
            let again = replayed(keyed(&owner, "k", path, body).await, status);
            assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")), "{path}");
        }
        let id = async |code: &str| owner.post("/records/note", &json!({"code": code})).await.expect(201).id().to_owned();
        let (a, b) = (id("a").await, id("b").await);
        let batch = json!({"mode": "independent", "create": [{"code": "c"}, {"code": "a"}], "update": [{"id": a, "code": "a2"}], "delete": [b]});
        let operations = json!({"operations": [{"op": "create", "entity": "note", "data": {"code": "d"}}, gone(&a)]});
        let upsert = json!({"code": "e"});
        for (path, body, status) in [("/records/note/batch", &batch, 200), ("/batch", &operations, 200), ("/records/note?upsert=code", &upsert, 201)] {
            let first = keyed(&owner, "k", path, body).await.expect(status);
            let before = events(&owner).await;
            let again = replayed(keyed(&owner, "k", path, body).await, status);
            let without_details = |mut body: Value| {
                if let Some(errors) = body["errors"].as_array_mut() {
                    errors.iter_mut().for_each(|error| error["problem"] = error["problem"]["code"].take());
                }
                body
            };
            assert_eq!(without_details(again.body), without_details(first.body), "{path}");
            assert_eq!(events(&owner).await, before, "{path}");
        }
        let changed = keyed(&owner, "k2", "/records/note?upsert=code", &upsert).await.expect(200);
        assert_eq!(replayed(keyed(&owner, "k2", "/records/note?upsert=code", &upsert).await, 200).body, changed.body);
        // Of what is gone since, its id is told.
        let again = replayed(keyed(&owner, "k", "/records/note/batch", &batch).await, 200);
        assert_eq!(again.body["updated"], json!([{"id": a, "version": 2}]));
    }

    async fn many_at_once_with_one_key_make_one_record(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let body = json!({"title": "x"});
        let answers = futures_util::future::join_all((0..CALLERS).map(|_| keyed(&owner, "k", "/records/note", &body))).await;
        let (mut ids, mut first) = (Vec::new(), 0);
        for answer in answers {
            if answer.status.as_u16() == 409 {
                assert_eq!(answer.header("retry-after"), "1");
                answer.expect_problem(409, "in_progress");
                continue;
            }
            let answer = answer.expect(201);
            first += usize::from(answer.header("idempotency-replayed").is_empty());
            ids.push(answer.id().to_owned());
        }
        ids.dedup();
        assert_eq!((ids.len(), first, total(&owner).await, events(&owner).await), (1, 1, json!(1), 1));
        assert_eq!(replayed(keyed(&owner, "k", "/records/note", &body).await, 201).id(), ids[0]);
    }

    async fn a_connection_cut_at_any_time_costs_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let address = app.url().strip_prefix("http://").unwrap().to_owned();
        for n in 0..40_u64 {
            let (key, body) = (format!("k{n}"), json!({"code": format!("c{n}")}));
            let text = body.to_string();
            let head = format!(
                "POST /api/v1/records/note HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: {key}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
                owner.token.as_deref().unwrap(), text.len(),
            );
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            // Somewhere between nothing and all of it done.
            tokio::time::sleep(Duration::from_micros(n * 150)).await;
            drop(stream);
            let again = loop {
                let again = keyed(&owner, &key, "/records/note", &body).await;
                if again.body["code"] != "in_progress" {
                    break again;
                }
            };
            again.expect(201);
        }
        assert_eq!((total(&owner).await, events(&owner).await), (json!(40), 40));
    }
}

/// A key is good for a day; what is older goes with the next purge.
async fn a_key_lives_a_day(store: Store) {
    let clock = Clock::fixed(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    let app = TestApp::start_with(store, |options: &mut Options| options.clock = clock.clone()).await;
    let owner = app.register("acme").await;
    design(&owner).await;
    for key in ["a", "b", "c"] {
        keyed(&owner, key, "/records/note", &json!({"title": key})).await.expect(201);
    }
    clock.advance(24 * 3600 - 1);
    let owner = app.anonymous().login(&owner.email).await;
    replayed(keyed(&owner, "a", "/records/note", &json!({"title": "a"})).await, 201);
    clock.advance(1);
    let anew = keyed(&owner, "a", "/records/note", &json!({"title": "other"})).await.expect(201);
    assert_eq!((anew.header("idempotency-replayed"), total(&owner).await), ("", json!(4)));
    // The one used anew stays, the other two go at 03:17 if the purge of the day before did not come late.
    clock.advance(4 * 3600);
    let owner = app.anonymous().login(&owner.email).await;
    let begun = Instant::now();
    while keys(&app, &owner).await > 1 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody purges");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    replayed(keyed(&owner, "a", "/records/note", &json!({"title": "other"})).await, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_lives_a_day_on_sqlite() {
    a_key_lives_a_day(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_lives_a_day_on_postgres() {
    a_key_lives_a_day(Store::Postgres).await;
}

/// Sends requests with keys until the server is gone; notes each key before it is sent.
async fn send_until_gone(owner: Caller, writer: usize, sent: Arc<Mutex<Vec<String>>>) {
    for n in 0.. {
        let key = format!("{writer}-{n}");
        let body = json!({"title": key});
        sent.lock().unwrap().push(key.clone());
        let request = owner.request(Method::POST, "/records/note").header("idempotency-key", &key).json(&body);
        let Ok(reply) = request.send().await else { return };
        assert_eq!(reply.status(), 201);
    }
}

async fn kill_9_between(store: Store) {
    let place = Place::make(store).await;
    let process = Process::start(serve(&place));
    let owner = process.anonymous().register("acme").await;
    design(&owner).await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> =
        (0..8).map(|writer| tokio::spawn(send_until_gone(owner.clone(), writer, Arc::clone(&sent)))).collect();
    while sent.lock().unwrap().len() < 150 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    process.kill();
    for writer in writers {
        writer.await.unwrap();
    }
    let process = Process::start(serve(&place));
    let owner = owner.at(process.url());
    let sent = sent.lock().unwrap().clone();
    for key in &sent {
        keyed(&owner, key, "/records/note", &json!({"title": key})).await.expect(201);
    }
    let mut made: HashMap<String, usize> = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = owner.get(&format!("/records/note?limit=1000{cursor}")).await.expect(200);
        page.items()
            .iter()
            .for_each(|record| *made.entry(record["title"].as_str().unwrap().to_owned()).or_default() += 1);
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(made.len(), sent.len());
    assert!(made.values().all(|count| *count == 1), "{made:?}");
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_between_request_and_answer_on_sqlite() {
    kill_9_between(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_between_request_and_answer_on_postgres() {
    kill_9_between(Store::Postgres).await;
}
