//! A store that is lost in the middle of a change: the answer says what is known of it, and no more.

use insula_testkit::{Store, TestApp};
use serde_json::json;

/// Ends its own session when the trigger runs: at once, or where it is deferred, inside COMMIT.
const SUICIDE: &str = "CREATE FUNCTION public.suicide() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \
     'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_during_commit_leaves_the_outcome_open() {
    let app = TestApp::start(Store::Postgres).await;
    let owner = app.register("acme").await;
    let database = app.place().database.as_ref().unwrap();
    for entity in ["before", "during", "sound"] {
        owner.post("/entities", &json!({"name": entity, "fields": []})).await.expect(201);
    }
    app.sql(SUICIDE).await;
    let tables = database
        .rows("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'tenant\\_%' ORDER BY 1")
        .await;
    let [before, during, _] = &tables[..] else { panic!("{tables:?}") };
    for (table, when) in [(before, "NOT DEFERRABLE"), (during, "DEFERRABLE INITIALLY DEFERRED")] {
        let table = table[0].as_deref().unwrap();
        let trigger = format!(
            "CREATE CONSTRAINT TRIGGER suicide AFTER INSERT ON {table} {when} \
             FOR EACH ROW EXECUTE FUNCTION public.suicide()"
        );
        app.sql(&trigger).await;
    }

    let lost = owner.post("/records/before", &json!({})).await.expect_problem(503, "unavailable");
    assert!(lost.body["detail"].as_str().unwrap().contains("Nothing was changed"), "{lost:?}");
    assert_eq!(lost.header("retry-after"), "1");

    let lost = owner.post("/records/during", &json!({})).await.expect_problem(503, "outcome_unknown");
    assert!(!lost.text.contains("Nothing was changed"), "{lost:?}");
    assert_eq!(lost.header("retry-after"), "", "a repetition nobody thought about may change things twice");

    owner.post("/records/sound", &json!({})).await.expect(201);
    for (entity, total) in [("before", 0), ("during", 0), ("sound", 1)] {
        let path = format!("/records/{entity}?count=exact");
        assert_eq!(owner.get(&path).await.expect(200).body["total"], total, "{entity}");
    }
}
