//! What happens to sessions is told in the tenant's trail: the platform's doing, in the tenant's store, exactly once.

mod cookie;
mod keys;
mod own;
mod refresh;
pub(super) mod revoked;

use std::time::{Duration, Instant};

use insula_testkit::caller::PASSWORD;
use insula_testkit::process::{Process, serve};
use insula_testkit::{Caller, Place, Store, TestApp, both_stores};
use serde_json::{Value, json};

/// What the platform tells arrives behind its answer.
const PATIENCE: Duration = Duration::from_secs(60);

async fn refuse(app: &Caller, email: &str) {
    let body = json!({"email": email, "password": "not-this-one-at-all"});
    app.post("/auth/login", &body).await.expect_problem(401, "unauthenticated");
}

/// The sessions' events once there are `count`, oldest first.
pub(super) async fn told(owner: &Caller, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let page = owner.get("/audit?limit=1000").await.expect(200);
        let of_session = |event: &&Value| event["action"].as_str().is_some_and(|action| action.starts_with("session."));
        let mut found: Vec<_> = page.items().iter().filter(of_session).cloned().collect();
        if found.len() >= count {
            found.reverse();
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Returns once events wait for the tenants of these codes and for no others. What has arrived is forgotten a little later.
pub(super) async fn waits_for(place: &Place, codes: &[&str]) {
    let sql = "SELECT DISTINCT t.code FROM insula.outbox o JOIN insula.tenant t ON t.id = o.tenant_id ORDER BY 1";
    let begun = Instant::now();
    loop {
        let found: Vec<_> = place.sql(sql).await.into_iter().map(|mut row| row.swap_remove(0).unwrap()).collect();
        if found == codes {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

both_stores! {
    async fn req_f1_sign_in_refusal_reuse_and_sign_out_are_in_the_tenants_trail(app: TestApp) {
        let owner = app.register("acme").await;
        let viewer = owner.user("viewer").await;
        refuse(&app.anonymous(), &viewer.email).await;
        refuse(&app.anonymous(), "nobody@acme.example").await;
        let mut tokens = vec![json!({"refresh_token": viewer.refresh_token})];
        for round in 0..2 {
            let next = app.anonymous().post("/auth/refresh", &tokens[round]).await.expect(200);
            tokens.push(json!({"refresh_token": next.body["refresh_token"]}));
        }
        app.anonymous().post("/auth/refresh", &tokens[0]).await.expect_problem(401, "unauthenticated");
        let again = app.anonymous().login(&viewer.email).await;
        again.post("/auth/logout", &json!({})).await.expect(204);

        let events = told(&owner, 6).await;
        let users = owner.get("/users").await.expect(200);
        let id = users.items().iter().find(|user| user["email"] == viewer.email).unwrap()["id"].clone();
        let expected = [
            ("session.login", "ok", &owner.email),
            ("session.login", "ok", &viewer.email),
            ("session.refused", "denied", &viewer.email),
            ("session.refresh_reuse", "denied", &viewer.email),
            ("session.login", "ok", &viewer.email),
            ("session.logout", "ok", &viewer.email),
        ];
        for (event, (action, outcome, email)) in events.iter().zip(expected) {
            assert_eq!((&event["action"], &event["outcome"]), (&json!(action), &json!(outcome)), "{event:#}");
            assert_eq!(event["actor"]["email"], *email, "{event:#}");
            assert_eq!(event["address"], "127.0.0.1", "{event:#}");
            assert_eq!(event["request_id"].as_str().map(str::len), Some(36), "{event:#}");
            if *email == viewer.email {
                assert_eq!(event["actor"]["account_id"], id, "{event:#}");
            }
        }
        // The session that was opened, stolen and ended.
        assert_eq!(events[1]["record_id"], events[3]["record_id"]);
        assert_eq!(events[4]["record_id"], events[5]["record_id"]);
        assert_ne!(events[1]["record_id"], events[4]["record_id"]);
        assert_eq!(events[2]["record_id"], Value::Null);
        waits_for(app.place(), &[]).await;
    }

    async fn a_sign_out_everywhere_is_told_in_every_tenant_and_in_no_other(app: TestApp) {
        let (acme, best, other) = (app.register("acme").await, app.register("best").await, app.register("other").await);
        let user = json!({"email": "bob@x.example", "full_name": "B", "password": PASSWORD, "roles": ["viewer"]});
        acme.post("/users", &user).await.expect(201);
        best.post("/users", &user).await.expect(201);
        for tenant in ["best", "acme"] {
            let login = json!({"email": "bob@x.example", "password": PASSWORD, "tenant": tenant});
            let bob = app.anonymous().post("/auth/login", &login).await.expect(200);
            if tenant == "acme" {
                let bob = acme.with_token(bob.body["access_token"].as_str().unwrap());
                bob.post("/auth/logout", &json!({"all": true})).await.expect(204);
            }
        }
        for owner in [&acme, &best] {
            let actions: Vec<_> = told(owner, 3).await.iter().map(|event| event["action"].clone()).collect();
            assert_eq!(actions, ["session.login", "session.login", "session.logout"]);
        }
        told(&other, 1).await;
    }
}

/// Kills the server at some moment of sign-ins and deliveries, again and again; then both trails tell the same.
async fn check(store: Store) {
    let place = Place::make(store).await;
    let mut process = Process::start(serve(&place));
    let mut owners = Vec::new();
    for code in ["acme", "best"] {
        owners.push(process.anonymous().register(code).await);
    }
    // Not random: each round lets the server live a little longer behind its second answer.
    for round in 0..5 {
        let attempts: Vec<_> = (0..4)
            .map(|n| {
                let (anyone, email) = (process.anonymous(), owners[n % 2].email.clone());
                tokio::spawn(async move {
                    let body =
                        json!({"email": email, "password": if n < 2 { PASSWORD } else { "not-this-one-at-all" }});
                    // Whoever is cut off has no answer.
                    drop(anyone.request(reqwest::Method::POST, "/auth/login").json(&body).send().await);
                })
            })
            .collect();
        let mut attempts = attempts.into_iter();
        for _ in 0..2 {
            attempts.next().unwrap().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(round * 2)).await;
        process.kill();
        for attempt in attempts {
            attempt.await.unwrap();
        }
        process = Process::start(serve(&place));
    }
    waits_for(&place, &[]).await;
    for owner in &owners {
        let owner = owner.at(process.url());
        let me = owner.get("/auth/me").await.expect(200);
        let tenant = uuid::Uuid::parse_str(me.body["tenant"]["id"].as_str().unwrap()).unwrap();
        let id = tenant.to_string();
        let own = if store == Store::Sqlite { id.replace('-', "") } else { id };
        let column = if store == Store::Sqlite { "lower(hex(tenant_id))" } else { "tenant_id::text" };
        let platform = format!(
            "SELECT action FROM insula.platform_event WHERE action LIKE 'session.%' AND {column} = '{own}' ORDER BY 1"
        );
        let trail = format!(
            "SELECT action FROM insula_tenant.audit_event WHERE action LIKE 'session.%' AND {column} = '{own}' ORDER BY 1"
        );
        let (expected, found) = (place.sql(&platform).await, place.tenant_sql(tenant, &trail).await);
        assert!(expected.len() > 5, "{expected:?}");
        assert_eq!(found, expected);
    }
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_loses_no_sign_in_and_tells_none_twice_on_sqlite() {
    check(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_loses_no_sign_in_and_tells_none_twice_on_postgres() {
    check(Store::Postgres).await;
}

/// Two nodes deliver the same outbox; a sign-in at one is in the trail the other shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_deliver_at_once_and_each_event_once() {
    let place = Place::make(Store::Postgres).await;
    let nodes = [Process::start(serve(&place)), Process::start(serve(&place))];
    let owner = nodes[0].anonymous().register("acme").await;
    for _ in 0..4 {
        let (one, two) = (nodes[0].anonymous(), nodes[1].anonymous());
        let login = json!({"email": owner.email, "password": PASSWORD});
        let (a, b) = tokio::join!(one.post("/auth/login", &login), two.post("/auth/login", &login));
        a.expect(200);
        b.expect(200);
    }
    told(&owner.at(nodes[1].url()), 9).await;
}
