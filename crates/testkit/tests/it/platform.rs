//! Superusers: made by the real binary, signed in to the platform, and strangers to every organisation.

use std::io::Write as _;
use std::process::{Output, Stdio};

use insula::router::{Access, routes};
use insula_testkit::process::insula;
use insula_testkit::{Caller, Place, Reply, Store, TestApp};
use serde_json::json;

const ROOT: &str = "root@platform.example";
const PASSWORD: &str = "correct horse battery";

/// `insula superuser create` over `place`.
pub(super) fn create(place: &Place, email: &str, password: &str) -> Output {
    let mut command = insula(place, &["superuser", "create", "--email", email, "--password-stdin"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // One that refuses before it reads closes the pipe.
    let _told = writeln!(child.stdin.take().expect("its input is ours"), "{password}");
    child.wait_with_output().expect("it ends")
}

async fn app_with_root(store: Store) -> TestApp {
    let place = Place::make(store).await;
    let made = create(&place, ROOT, PASSWORD);
    assert!(made.status.success(), "{made:?}");
    TestApp::over(place, |_| {}).await
}

async fn sign_in(app: &TestApp) -> (Caller, Reply) {
    let body = json!({"email": ROOT, "password": PASSWORD});
    let tokens = app.anonymous().post("/auth/login", &body).await.expect(200);
    (app.anonymous().with_token(tokens.body["access_token"].as_str().unwrap()), tokens)
}

async fn created_once(store: Store) {
    let place = Place::make(store).await;
    for (email, password, expect) in [
        ("nobody", PASSWORD, "--email"),
        (ROOT, "short", "--password"),
        (ROOT, PASSWORD, ""),
        (ROOT, PASSWORD, "--email"),
    ] {
        let made = create(&place, email, password);
        let told = String::from_utf8_lossy(&made.stderr).into_owned();
        assert_eq!(made.status.success(), expect.is_empty(), "{told}");
        assert!(told.contains(expect) && !told.contains(PASSWORD), "{told}");
    }
    let events = place.sql("SELECT outcome FROM insula.platform_event WHERE action = 'superuser.create'").await;
    assert_eq!(events.len(), 1);
}

/// Neither token is good for the other's routes, whatever they are.
async fn apart(store: Store) {
    let app = app_with_root(store).await;
    let (root, _) = sign_in(&app).await;
    let owner = app.register("acme").await;
    owner.post("/entities", &json!({"name": "thing", "fields": []})).await.expect(201);
    let id = owner.post("/records/thing", &json!({})).await.expect(201).id().to_owned();
    let mut tried = 0;
    // Of a sign-in itself, whatever it is to.
    let of_both = |path: &str| {
        ["logout", "sessions", "password/change", "mfa/totp"]
            .iter()
            .any(|own| path.starts_with(&format!("/api/v1/auth/{own}")))
    };
    for route in routes().into_iter().filter(|r| r.access != Access::Public && !of_both(r.path)) {
        let path = route.path.replace("{entity}", "thing").replace("{id}", &id);
        let stranger = if route.access == Access::Platform { &owner } else { &root };
        let sent = stranger.send(stranger.request(route.method, &path).json(&json!({}))).await;
        sent.expect_problem(404, "not_found");
        tried += 1;
    }
    assert!(tried > 30, "only {tried} routes");
    owner.get(&format!("/records/thing/{id}")).await.expect(200);
}

async fn suspended(store: Store) {
    let app = app_with_root(store).await;
    let (root, _) = sign_in(&app).await;
    let (a, b) = (app.register("acme").await, app.register("best").await);
    let page = root.get("/platform/tenants?limit=1").await.expect(200);
    let next = page.body["next_cursor"].as_str().unwrap();
    let rest = root.get(&format!("/platform/tenants?cursor={next}")).await.expect(200);
    assert_eq!((&page.items()[0]["code"], &rest.items()[0]["code"]), (&json!("acme"), &json!("best")));
    let path = format!("/platform/tenants/{}", page.items()[0]["id"].as_str().unwrap());
    assert_eq!(root.get(&path).await.expect(200).body["status"], "active");

    a.get("/auth/me").await.expect(200);
    root.patch(&path, &json!({"status": "closed"})).await.expect_problem(422, "out_of_range");
    for _ in 0..2 {
        assert_eq!(root.patch(&path, &json!({"status": "suspended"})).await.expect(200).body["status"], "suspended");
    }
    a.get("/auth/me").await.expect_problem(401, "unauthenticated");
    let refresh = json!({"refresh_token": a.refresh_token});
    a.post("/auth/refresh", &refresh).await.expect_problem(401, "unauthenticated");
    b.get("/auth/me").await.expect(200);
    root.patch(&path, &json!({"status": "active"})).await.expect(200);
    a.get("/auth/me").await.expect(200);

    let events = root.get("/platform/audit?limit=2").await.expect(200);
    let actions: Vec<_> = events.items().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["tenant.resume", "tenant.suspend"], "what changed nothing is no event");
    assert_eq!(events.items()[0]["tenant_id"], page.items()[0]["id"]);
    let next = events.body["next_cursor"].as_str().unwrap();
    let rest = root.get(&format!("/platform/audit?cursor={next}")).await.expect(200);
    assert_eq!(rest.items().last().unwrap()["action"], "superuser.create");
}

/// A token is traded once, a sign-out is at once, and a membership somebody gives a superuser leads him nowhere.
async fn sessions(store: Store) {
    let app = app_with_root(store).await;
    let (_, tokens) = sign_in(&app).await;
    let anyone = app.anonymous();
    let first = json!({"refresh_token": tokens.body["refresh_token"]});
    let second = anyone.post("/auth/refresh", &first).await.expect(200);
    let root = anyone.with_token(second.body["access_token"].as_str().unwrap());
    root.get("/platform/tenants").await.expect(200);
    anyone.post("/auth/refresh", &json!({"refresh_token": second.body["refresh_token"]})).await.expect(200);
    anyone.post("/auth/refresh", &first).await.expect_problem(401, "unauthenticated");
    root.get("/platform/tenants").await.expect_problem(401, "unauthenticated");

    let owner = app.register("acme").await;
    let user = json!({"email": ROOT, "full_name": "Root", "password": "another long password", "roles": ["viewer"]});
    let user = owner.post("/users", &user).await.expect(201).id().to_owned();
    let (root, _) = sign_in(&app).await;
    root.get("/platform/tenants").await.expect(200);
    owner.delete(&format!("/users/{user}")).await.expect(204);
    root.get("/platform/tenants").await.expect(200);
    root.post("/auth/logout", &json!({})).await.expect(204);
    root.get("/platform/tenants").await.expect_problem(401, "unauthenticated");
    sign_in(&app).await;
}

runs! {
    a_superuser_is_made_once_on_sqlite: created_once on Sqlite;
    a_superuser_is_made_once_on_postgres: created_once on Postgres;
    platform_and_tenants_are_strangers_on_sqlite: apart on Sqlite;
    platform_and_tenants_are_strangers_on_postgres: apart on Postgres;
    a_suspended_tenant_is_refused_at_once_on_sqlite: suspended on Sqlite;
    a_suspended_tenant_is_refused_at_once_on_postgres: suspended on Postgres;
    req_a4_a_superusers_session_is_like_any_other_on_sqlite: sessions on Sqlite;
    req_a4_a_superusers_session_is_like_any_other_on_postgres: sessions on Postgres;
}
