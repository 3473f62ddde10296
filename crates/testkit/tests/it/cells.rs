//! Cells: databases of PostgreSQL that hold so many tenants each, behind a login of their own.

use std::time::{Duration, Instant};

use insula_engine::StoreOptions;
use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Store, TestApp};
use serde_json::json;

/// Three tenants to a cell.
async fn start() -> TestApp {
    TestApp::start_with(Store::Postgres, |options| match &mut options.store {
        StoreOptions::Postgres { cell_tenant_limit, .. } => *cell_tenant_limit = 3,
        StoreOptions::Sqlite { .. } => panic!("cells are PostgreSQL's"),
    })
    .await
}

/// A tenant with a record of its own.
async fn settle(app: &TestApp, code: &str) -> Caller {
    let owner = app.register(code).await;
    owner.post("/entities", &json!({"name": "note", "fields": [{"name": "of", "type": "text"}]})).await.expect(201);
    owner.post("/records/note", &json!({"of": code})).await.expect(201);
    owner
}

async fn sees_its_own(owner: &Caller, code: &str) {
    let notes = owner.get("/records/note").await.expect(200);
    let found: Vec<_> = notes.items().iter().map(|note| note["of"].clone()).collect();
    assert_eq!(found, [code]);
}

async fn column(app: &TestApp, sql: &str) -> Vec<String> {
    app.sql(sql).await.into_iter().map(|mut row| row.swap_remove(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cell_is_followed_by_another_with_a_login_that_knows_only_its_own() {
    let app = start().await;
    let codes = ["first", "second", "third", "fourth", "fifth"];
    let mut owners = Vec::new();
    for code in codes {
        owners.push(settle(&app, code).await);
    }
    for (owner, code) in owners.iter().zip(codes) {
        sees_its_own(owner, code).await;
    }
    assert_eq!(column(&app, "SELECT cell::text FROM insula.tenant ORDER BY id").await, ["1", "1", "1", "2", "2"]);

    let logins = column(&app, "SELECT name FROM insula_store.login_role WHERE name LIKE '%cell%' ORDER BY name").await;
    let databases =
        column(&app, "SELECT coalesce(database, current_database()) FROM insula_store.cell ORDER BY id").await;
    assert_eq!((logins.len(), databases.len()), (2, 2));
    for (at, login) in logins.iter().enumerate() {
        // Into its own database and no other, as who it is and nobody else.
        let connects = "SELECT array_agg(has_database_privilege('{login}', datname, 'CONNECT')::text ORDER BY datname = '{own}')::text \
                        FROM pg_database WHERE datname IN ('{own}', '{other}')";
        let sql =
            connects.replace("{login}", login).replace("{own}", &databases[at]).replace("{other}", &databases[1 - at]);
        assert_eq!(column(&app, &sql).await, ["{false,true}"], "{login}");
        let member = format!(
            "SELECT t.cell::text FROM insula.tenant t \
             WHERE pg_has_role('{login}', 'insula_t_' || replace(t.id::text, '-', ''), 'MEMBER')"
        );
        let expected = if at == 0 { vec!["1"; 3] } else { vec!["2"; 2] };
        assert_eq!(column(&app, &member).await, expected, "{login}");
        let powers = format!(
            "SELECT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit)::text FROM pg_roles WHERE rolname = '{login}'"
        );
        assert_eq!(column(&app, &powers).await, ["false"], "{login}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_that_is_down_takes_nobody_elses_tenants_with_it() {
    let mut app = start().await;
    let mut owners = Vec::new();
    for code in ["first", "second", "third", "fourth"] {
        owners.push(settle(&app, code).await);
    }
    let cell = column(&app, "SELECT database FROM insula_store.cell WHERE id = 2").await.remove(0);
    app.place().database.as_ref().unwrap().shut_cell(&cell).await;

    // Where it was open already, and where the server starts without it.
    for _ in 0..2 {
        let (one, four) = (owners[0].at(app.url()), owners[3].at(app.url()));
        let refused = four.get("/records/note").await.expect_problem(503, "unavailable");
        assert_ne!(refused.header("retry-after"), "");
        assert!(!refused.text.contains("cell"), "{refused:?}");
        sees_its_own(&one, "first").await;
        app.anonymous().get("/readyz").await.expect(200);
        // The platform knows him; what his tenant is to be told waits.
        app.anonymous().login(&four.email).await;
        app.anonymous().login(&one.email).await;
        app.restart().await;
    }
    // It may have room: no third is made while it is down.
    let body = json!({
        "tenant": {"code": "five", "name": "five"}, "email": "o@five.example", "password": PASSWORD, "full_name": "O",
    });
    app.anonymous().post("/auth/register", &body).await.expect_problem(503, "unavailable");
    assert_eq!(column(&app, "SELECT id::text FROM insula_store.cell").await.len(), 2);
    super::sessions::told(&owners[0].at(app.url()), 3).await;
    super::sessions::waits_for(app.place(), &["fourth"]).await;

    app.place().database.as_ref().unwrap().open_cell(&cell).await;
    let four = owners[3].at(app.url());
    let begun = Instant::now();
    while four.get("/records/note").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the cell is up and not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sees_its_own(&four, "fourth").await;
    super::sessions::told(&four, 3).await;
    app.anonymous().post("/auth/register", &body).await.expect(201);
    assert_eq!(column(&app, "SELECT cell::text FROM insula.tenant ORDER BY id").await, ["1", "1", "1", "2", "2"]);
}
