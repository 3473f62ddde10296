//! A store that is lost in the middle of a change: the answer says what is known of it, and no more.

use insula_testkit::{Caller, Store, TestApp};
use serde_json::json;

/// Ends its own session when the trigger runs: at once, or where it is deferred, inside COMMIT.
const SUICIDE: &str = "CREATE FUNCTION public.suicide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
     'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'";

/// A server whose sessions end `when` a note is stored, its table, and who may store one.
async fn fragile(when: &str) -> (TestApp, String, Caller) {
    let app = TestApp::start(Store::Postgres).await;
    let owner = app.register("acme").await;
    owner.post("/entities", &json!({"name": "note", "fields": []})).await.expect(201);
    app.sql(SUICIDE).await;
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'tenant\\_%'";
    let table = app.sql(tables).await[0][0].clone().unwrap();
    let trigger = format!(
        "CREATE CONSTRAINT TRIGGER suicide AFTER INSERT ON {table} {when} \
         FOR EACH ROW EXECUTE FUNCTION public.suicide()"
    );
    app.sql(&trigger).await;
    (app, table, owner)
}

async fn count(app: &TestApp, table: &str) -> String {
    app.sql(&format!("SELECT count(*) FROM {table}")).await[0][0].clone().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_before_commit_has_changed_nothing() {
    let (app, table, owner) = fragile("NOT DEFERRABLE").await;
    let lost = owner.post("/records/note", &json!({})).await.expect_problem(503, "unavailable");
    assert!(lost.body["detail"].as_str().unwrap().contains("Nothing was changed"), "{lost:?}");
    assert_eq!(lost.header("retry-after"), "1");
    assert_eq!(count(&app, &table).await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_during_commit_leaves_the_outcome_open() {
    let (app, table, owner) = fragile("DEFERRABLE INITIALLY DEFERRED").await;
    let lost = owner.post("/records/note", &json!({})).await.expect_problem(503, "outcome_unknown");
    assert!(!lost.text.contains("Nothing was changed"), "{lost:?}");
    assert_eq!(lost.header("retry-after"), "", "a repetition nobody thought about may change things twice");
    assert_eq!(count(&app, &table).await, "0");

    // The dying session is in nobody's way.
    app.sql(&format!("DROP TRIGGER suicide ON {table}")).await;
    owner.post("/records/note", &json!({})).await.expect(201);
    assert_eq!(count(&app, &table).await, "1");
}
