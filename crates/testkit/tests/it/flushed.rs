//! A change is answered for when the operating system has been asked to make it durable, and not before: seen from
//! outside, in the order of the system calls of the real server and of its store.
//!
//! Each order is read within one process. No two clocks are compared: PostgreSQL says that it has committed after its
//! flush, and the server says 201 after it has heard so.

use insula_testkit::postgres::Database;
use insula_testkit::postgres::cluster::Cluster;
use insula_testkit::process::{Process, serve};
use insula_testkit::strace::{Call, assert_durable, first, watched};
use insula_testkit::{Place, Store};
use serde_json::json;

use super::sessions::waits_for;

/// Marks that lead from a request through what becomes of it.
const TITLES: [&str; 3] = ["red canary", "green canary", "blue canary"];

/// What the server did while it stored a record of each title.
async fn store_notes(place: &Place) -> Vec<Call> {
    let (server, watch) = watched(&serve(place), &place.data_dir.path().join("trace"));
    let process = Process::start(server);
    let owner = process.anonymous().register("acme").await;
    owner.post("/entities", &json!({"name": "note", "fields": [{"name": "title", "type": "text"}]})).await.expect(201);
    // The sign-in is told to the tenant's trail in the background, with writes that no request waits for.
    waits_for(place, &[]).await;
    for title in TITLES {
        owner.post("/records/note", &json!({"title": title})).await.expect(201);
    }
    process.kill();
    watch.calls()
}

/// When the request with `title` was read, and when its answer was begun to be written.
fn request_and_answer(calls: &[Call], title: &str) -> (usize, usize) {
    let request = first(calls, 0, "the request", |call| call.receives() && call.text.contains(title));
    let socket = request.file();
    let answered = |call: &Call| call.sends() && call.file() == socket && call.text.contains("HTTP/1.1 201");
    (request.left, first(calls, request.left, "the answer", answered).entered)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_sqlite_flushes_its_log_before_the_answer() {
    let place = Place::make(Store::Sqlite).await;
    let calls = store_notes(&place).await;
    for title in TITLES {
        let (request, answer) = request_and_answer(&calls, title);
        assert_durable(&calls, ".db-wal>", request, answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_postgres_flushes_its_log_before_the_answer() {
    let cluster = Cluster::watched(&[]).await;
    let database = Some(Database::create_on(cluster.url().parse().unwrap()).await);
    let place = Place { data_dir: tempfile::tempdir().unwrap(), database };
    let server = store_notes(&place).await;
    drop(place);
    let store = cluster.stop();
    for title in TITLES {
        // The server answers after it has heard of the commit.
        let (request, answer) = request_and_answer(&server, title);
        let statement = first(&server, request, "the statement", |call| call.sends() && call.text.contains(title));
        let heard = first(&server, statement.left, "word of the commit", |call| {
            call.receives() && call.file() == statement.file() && call.text.contains(COMMITTED)
        });
        assert!(heard.left < answer, "201 was sent before the store had committed");

        // The store says so after it has flushed.
        let asked = first(&store, 0, "the statement", |call| call.receives() && call.text.contains(title));
        let told = first(&store, asked.left, "word of the commit", |call| {
            call.sends() && call.thread == asked.thread && call.text.contains(COMMITTED)
        });
        assert_durable(&store, "/pg_wal/", asked.left, told.entered);
    }
}

/// `CommandComplete` of a COMMIT, as `strace` prints it.
const COMMITTED: &str = r"COMMIT\0";
