//! What the HTTP layer promises of every answer, whatever the address (requirements C2, E1, E2, G4, I1).

use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, Store, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

/// Every answer carries these, a refusal's too.
#[track_caller]
fn carries_what_every_answer_carries(reply: &Reply) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(reply.header(name), value, "{reply:?}");
    }
    assert_eq!(reply.header("x-request-id").len(), 36, "{reply:?}");
}

async fn refused(caller: &Caller, request: reqwest::RequestBuilder, status: u16, code: &str) -> Reply {
    let reply = caller.send(request).await.expect_problem(status, code);
    carries_what_every_answer_carries(&reply);
    assert_eq!(reply.body["request_id"], reply.header("x-request-id"), "{reply:?}");
    assert_eq!(reply.body["status"], status, "{reply:?}");
    assert_eq!(reply.body["type"], format!("/docs/problems#{code}"), "{reply:?}");
    assert!(!reply.text.contains("canary"), "{reply:?}");
    reply
}

both_stores! {
    async fn req_e2_every_refusal_is_a_problem_with_its_request_id(app: TestApp) {
        let anyone = app.anonymous();
        let get = |path: &str| anyone.request(Method::GET, path);
        let post = |path: &str| anyone.request(Method::POST, path);

        let unknown = refused(&anyone, get("/nowhere?q=canary").header("x-request-id", "mine"), 404, "not_found").await;
        assert_eq!(unknown.body["instance"], "/api/v1/nowhere");
        refused(&anyone, get("/api/elsewhere"), 404, "not_found").await;
        let wrong = refused(&anyone, get("/auth/login"), 405, "method_not_allowed").await;
        assert_eq!(wrong.header("allow"), "POST");
        let no_token = refused(&anyone, get("/auth/me"), 401, "unauthenticated").await;
        assert_eq!(no_token.header("www-authenticate"), "Bearer");
        refused(&anyone, get("/auth/me").header("authorization", "Basic canary"), 401, "unauthenticated").await;
        refused(&anyone, get("/auth/me").header("authorization", "Bearer canary"), 401, "unauthenticated").await;
        refused(&anyone, post("/auth/login").body("canary"), 415, "unsupported_media_type").await;
        let broken = post("/auth/login").header("content-type", "application/json").body("{canary");
        refused(&anyone, broken, 400, "invalid_json").await;
        refused(&anyone, post("/auth/login?x=1").json(&json!({})), 422, "unknown_parameter").await;
        refused(&anyone, post("/auth/login").json(&json!({})), 422, "required").await;
    }

    async fn req_c2_a_body_over_the_limit_is_refused_and_the_answer_arrives(app: TestApp) {
        let anyone = app.anonymous();
        let spaces = |n: usize| " ".repeat(n);
        let limit = 1024 * 1024;
        // Announced, and refused before it is read.
        for size in [limit + 1, 4 * limit] {
            anyone.post_raw("/auth/login", spaces(size)).await.expect_problem(413, "payload_too_large");
        }
        // Sent in pieces of no announced length, and counted.
        let pieces = |n: usize| reqwest::Body::wrap_stream(futures_util::stream::iter(
            (0..n).map(move |_| Ok::<_, std::io::Error>(spaces(64 * 1024))),
        ));
        anyone.post_raw("/auth/login", pieces(17)).await.expect_problem(413, "payload_too_large");
        // What just fits is read, and found not to be JSON.
        anyone.post_raw("/auth/login", spaces(limit)).await.expect_problem(400, "invalid_json");
        anyone.post_raw("/auth/login", pieces(16)).await.expect_problem(400, "invalid_json");
        // Nobody reads the body of what is refused earlier; the answer arrives all the same.
        anyone.post_raw("/nowhere", spaces(4 * limit)).await.expect_problem(404, "not_found");
        anyone.post_raw("/auth/logout", spaces(4 * limit)).await.expect_problem(401, "unauthenticated");
    }

    async fn req_c2_deep_or_wide_json_is_refused(app: TestApp) {
        let owner = app.register("acme").await;
        owner.post("/entities", &json!({"name": "note", "fields": []})).await.expect(201);
        let deep = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        let wide = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"m{i}\":0")).collect::<Vec<_>>().join(","));
        for path in ["/auth/login", "/records/note"] {
            for refused in [deep(64), deep(200), deep(100_000), wide(10_001)] {
                let reply = owner.post_raw(path, refused).await.expect_problem(422, "too_complex");
                assert_eq!(reply.body["errors"], Value::Null);
            }
            // What just fits is read, and its members are unknown.
            for read in [deep(63), wide(10_000)] {
                let reply = owner.post_raw(path, read).await.expect(422);
                assert_ne!(reply.body["code"], "too_complex");
            }
        }
    }

    async fn req_c2_headers_over_16_kib_are_refused(app: TestApp) {
        let anyone = app.anonymous();
        let with = |bytes: usize| anyone.request(Method::GET, "/livez").header("x-filler", "f".repeat(bytes));
        anyone.send(with(12 * 1024)).await.expect(200);
        for bytes in [16 * 1024, 17 * 1024, 60 * 1024] {
            refused(&anyone, with(bytes), 431, "headers_too_large").await;
        }
        let post = anyone.request(Method::POST, "/auth/login").header("x-filler", "f".repeat(17 * 1024));
        refused(&anyone, post.json(&json!({"email": "x"})), 431, "headers_too_large").await;
        let long = format!("/nowhere?q={}", "q".repeat(17 * 1024));
        refused(&anyone, anyone.request(Method::GET, &long), 431, "headers_too_large").await;
        // What does not even fit the connection's buffer: the connection answers itself.
        anyone.send(with(65 * 1024)).await.expect(431);
    }

    async fn the_type_of_a_problem_leads_to_its_description(app: TestApp) {
        let refused = app.anonymous().get("/nowhere").await.expect_problem(404, "not_found");
        let (page, anchor) = refused.body["type"].as_str().unwrap().split_once('#').unwrap();
        let page = app.anonymous().get(page).await.expect(200);
        carries_what_every_answer_carries(&page);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text.contains(&format!("id=\"{anchor}\"")), "{page:?}");
    }

    async fn req_i1_health_tells_the_state_and_nothing_else(app: TestApp) {
        for path in ["/readyz", "/api/health"] {
            let reply = app.anonymous().get(path).await.expect(200);
            carries_what_every_answer_carries(&reply);
            let latency = &reply.body["components"]["database"]["latency_ms"];
            assert!(latency.is_number(), "{reply:?}");
            let expected = json!({
                "status": "healthy",
                "components": {
                    "database": {"status": "healthy", "latency_ms": latency},
                    "mail": {"status": "healthy", "delivery": "folder"},
                },
            });
            assert_eq!(reply.body, expected);
        }
        app.anonymous().get("/livez").await.expect(200);
    }

    async fn from_registration_to_a_member_who_reads(app: TestApp) {
        let owner = app.register("acme").await;
        let me = owner.get("/auth/me").await.expect(200);
        assert_eq!(me.body["account"]["email"], "owner@acme.example");
        assert_eq!(me.body["tenant"]["code"], "acme");
        assert_eq!(me.body["roles"], json!(["owner"]));

        let viewer = owner.user("viewer").await;
        assert_eq!(viewer.get("/auth/me").await.expect(200).body["roles"], json!(["viewer"]));
        viewer.get("/users").await.expect_problem(403, "forbidden");
        assert_eq!(owner.get("/users").await.expect(200).items().len(), 2);

        viewer.post("/auth/logout", &json!({})).await.expect(204);
        viewer.get("/auth/me").await.expect_problem(401, "unauthenticated");
        owner.get("/auth/me").await.expect(200);
    }

    async fn a_member_is_made_changed_and_removed(app: TestApp) {
        let owner = app.register("acme").await;
        let new = json!({
            "email": "new@acme.example", "full_name": "New", "password": PASSWORD,
            "roles": ["editor"],
        });
        let made = owner.post("/users", &new).await.expect(201);
        let path = format!("/users/{}", made.id());
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        let changed = owner.patch(&path, &json!({"full_name": "Newer"})).await.expect(200);
        assert_eq!(changed.body["full_name"], "Newer");
        owner.delete(&path).await.expect(204);
        for gone in [path.as_str(), "/users/not-an-id", "/users/%ff"] {
            owner.patch(gone, &json!({"full_name": "x"})).await.expect_problem(404, "not_found");
        }
    }

    async fn what_was_committed_outlives_a_restart(mut app: TestApp) {
        let owner = app.register("acme").await;
        app.restart().await;
        let again = owner.at(app.url());
        assert_eq!(again.get("/auth/me").await.expect(200).body["tenant"]["code"], "acme");
        let codes = app.sql("SELECT code FROM insula.tenant").await;
        assert_eq!(codes, [[Some("acme".to_owned())]]);
        let roles = app.tenant_sql(&again, "SELECT code FROM insula_tenant.role ORDER BY code").await;
        assert_eq!(roles.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_e1_a_database_that_is_gone_is_503_and_tells_nothing() {
    let app = TestApp::start(Store::Postgres).await;
    let owner = app.register("acme").await;
    let database = app.place().database.as_ref().unwrap();
    database.shut().await;
    let unhealthy = app.anonymous().get("/readyz").await.expect(503);
    let latency = &unhealthy.body["components"]["database"]["latency_ms"];
    let expected = json!({
        "status": "unhealthy",
        "components": {
            "database": {"status": "unhealthy", "latency_ms": latency},
            "mail": {"status": "healthy", "delivery": "folder"},
        },
    });
    assert_eq!(unhealthy.body, expected);
    let login = json!({"email": owner.email, "password": PASSWORD});
    let refused = app.anonymous().post("/auth/login", &login).await.expect_problem(503, "unavailable");
    assert_ne!(refused.header("retry-after"), "");
    for word in ["postgres", "database", "connect", "insula_app", ".rs", "127.0.0.1"] {
        assert!(!refused.text.contains(word), "{word}: {refused:?}");
    }
    database.open().await;
    app.anonymous().post("/auth/login", &login).await.expect(200);
    assert_ne!(owner.get("/auth/me").await.expect(200).body, Value::Null);
}
