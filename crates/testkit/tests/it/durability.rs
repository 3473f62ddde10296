//! What was acknowledged is there after `kill -9`, each record with its event, and no half of either.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insula_testkit::process::{Process, serve};
use insula_testkit::{Caller, Place, Store};
use serde_json::json;

const ROUNDS: usize = 3;
const WRITERS: usize = 8;

/// Writes until the server is gone; notes what it was told is stored.
async fn write(owner: Caller, acknowledged: Arc<Mutex<Vec<String>>>) {
    let body = json!({"title": "x"}).to_string();
    loop {
        let request = owner.request(reqwest::Method::POST, "/records/note").header("content-type", "application/json");
        let Ok(reply) = request.body(body.clone()).send().await else { return };
        let created = reply.status() == 201;
        let Ok(text) = reply.text().await else { return };
        if created {
            let record: serde_json::Value = serde_json::from_str(&text).unwrap();
            acknowledged.lock().unwrap().push(record["id"].as_str().unwrap().to_owned());
        }
    }
}

/// Everything a listing has, page by page.
async fn all(owner: &Caller, path: &str, id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = owner.get(&format!("{path}limit=1000{cursor}")).await.expect(200);
        found.extend(page.items().iter().map(|item| item[id].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

async fn check(store: Store) {
    let place = Place::make(store).await;
    let mut process = Process::start(serve(&place));
    let owner = process.anonymous().register("acme").await;
    owner.post("/entities", &json!({"name": "note", "fields": [{"name": "title", "type": "text"}]})).await.expect(201);
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..ROUNDS {
        let owner = owner.at(process.url());
        let writers: Vec<_> =
            (0..WRITERS).map(|_| tokio::spawn(write(owner.clone(), Arc::clone(&acknowledged)))).collect();
        let enough = acknowledged.lock().unwrap().len() + 100;
        while acknowledged.lock().unwrap().len() < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        process = Process::start(serve(&place));
    }
    let owner = owner.at(process.url());
    let records = all(&owner, "/records/note?", "id").await;
    let events = all(&owner, "/audit?action=record.create&", "record_id").await;
    let stored: HashSet<_> = records.iter().collect();
    assert_eq!(stored.len(), records.len());
    for id in acknowledged.lock().unwrap().iter() {
        assert!(stored.contains(id), "{id} was acknowledged and is lost");
    }
    assert_eq!(events.len(), records.len());
    assert_eq!(events.iter().collect::<HashSet<_>>(), stored);
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_loses_nothing_acknowledged_on_sqlite() {
    check(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_loses_nothing_acknowledged_on_postgres() {
    check(Store::Postgres).await;
}
