use std::time::{Duration, Instant};

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{account_of, desk, key_of, on};

both_stores! {
    async fn req_b8_a_key_is_told_once_and_shown_without_its_secret(app: TestApp) {
        let owner = desk(&app).await;
        let body = json!({
            "name": "Nightly", "scopes": [on("records:ticket", &["read"])], "expires_at": "2100-01-01T00:00:00Z",
        });
        let made = owner.post("/api-keys", &body).await.expect(201);
        let key = made.body["key"].as_str().unwrap();
        assert!(key.starts_with("isk_") && key.len() == 59, "{key}");
        assert_eq!(made.header("location"), format!("/api/v1/api-keys/{}", made.id()));
        let shown = owner.get("/api-keys").await.expect(200);
        let mut expect = made.body.clone();
        expect.as_object_mut().unwrap().remove("key");
        assert_eq!(shown.items(), [expect]);
        assert_eq!((&made.body["prefix"], &made.body["scopes"]), (&json!(key[..12]), &body["scopes"]));

        let robot = owner.with_token(key);
        robot.get("/records/ticket").await.expect(200);
        let mut misspelt = key.to_owned();
        let last = if misspelt.pop() == Some('a') { 'b' } else { 'a' };
        misspelt.push(last);
        for other in [&misspelt, &key[..58], "isk_", &format!("{key}a")] {
            owner.with_token(other).get("/records/ticket").await.expect_problem(401, "unauthenticated");
        }
        let trail = owner.get("/audit?action=api_key.create").await.expect(200);
        assert!(!trail.text.contains(key) && !shown.text.contains(key));
    }

    async fn req_b8_what_is_no_key_is_refused_with_its_place(app: TestApp) {
        let owner = desk(&app).await;
        let good = json!({"name": "robot", "scopes": [on("records:ticket", &["read"])]});
        for (member, value, code, pointer) in [
            ("name", json!(""), "too_short", "/name"),
            ("name", json!("x".repeat(201)), "too_long", "/name"),
            ("scopes", json!([]), "too_short", "/scopes"),
            ("scopes", json!([on("records:nothing", &["read"])]), "out_of_range", "/scopes/0/resource"),
            ("scopes", json!([on("records:ticket", &["fly"])]), "out_of_range", "/scopes/0/actions/0"),
            ("scopes", json!([{"resource": "users", "actions": ["read"], "scope": "own"}]), "unknown_field", "/scopes/0/scope"),
            ("expires_at", json!("2000-01-01T00:00:00Z"), "out_of_range", "/expires_at"),
            ("expires_at", json!("tomorrow"), "invalid_format", "/expires_at"),
            ("account", json!("me"), "invalid_format", "/account"),
            ("admin", json!(true), "unknown_field", "/admin"),
        ] {
            let mut body = good.clone();
            body[member] = value;
            let refused = owner.post("/api-keys", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
        }
        for _ in 0..100 {
            owner.post("/api-keys", &good).await.expect(201);
        }
        owner.post("/api-keys", &good).await.expect_problem(409, "conflict");
    }

    /// What is of the person is not the program's.
    async fn req_b8_a_key_does_nothing_that_is_its_owners_alone(app: TestApp) {
        let owner = desk(&app).await;
        let everything = ["records:*", "entities", "users", "roles", "groups", "audit", "tenant"]
            .map(|resource| on(resource, &["create", "read", "update", "delete", "export", "admin"]));
        let (robot, id) = key_of(&owner, json!(everything)).await;
        robot.get("/users").await.expect(200);
        let sessions = owner.get("/auth/sessions").await.expect(200);
        let session = format!("/auth/sessions/{}", sessions.items()[0]["id"].as_str().unwrap());
        let scopes = json!([on("records:ticket", &["read"])]);
        for reply in [
            robot.post("/api-keys", &json!({"name": "more", "scopes": scopes})).await,
            robot.get("/api-keys").await,
            robot.delete(&format!("/api-keys/{id}")).await,
            robot.get("/auth/sessions").await,
            robot.delete(&session).await,
            robot.post("/auth/logout", &json!({"all": true})).await,
            robot.post("/auth/password/change", &json!({"current_password": "x", "new_password": "y"})).await,
        ] {
            reply.expect_problem(403, "forbidden");
        }
        robot.get("/platform/tenants").await.expect_problem(404, "not_found");
        owner.get("/auth/me").await.expect(200);
        robot.get("/auth/me").await.expect(200);
    }

    async fn req_b8_the_trail_names_the_key_that_acted(app: TestApp) {
        let owner = desk(&app).await;
        let (robot, id) = key_of(&owner, json!([on("records:ticket", &["create", "read"]), on("tenant", &["update"])])).await;
        let ticket = robot.post("/records/ticket", &json!({"title": "by a robot"})).await.expect(201).id().to_owned();
        robot.patch("/tenant", &json!({"name": "Acme again"})).await.expect(200);
        owner.delete(&format!("/api-keys/{id}")).await.expect(204);
        let account = account_of(&owner).await;
        let event = async |query: &str| -> Value {
            let begun = Instant::now();
            loop {
                let found = owner.get(&format!("/audit?{query}")).await.expect(200);
                if let Some(event) = found.items().first() {
                    return event.clone();
                }
                assert!(begun.elapsed() < Duration::from_secs(60), "{found:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let actor = json!({"account_id": account, "email": owner.email, "api_key_id": id});
        assert_eq!(event(&format!("record={ticket}")).await["actor"], actor);
        assert_eq!(event("action=tenant.update").await["actor"], actor);
        for action in ["api_key.create", "api_key.delete"] {
            let told = event(&format!("action={action}")).await;
            assert_eq!((&told["record_id"], &told["actor"]["account_id"]), (&json!(id), &json!(account)));
            assert!(told["actor"].get("api_key_id").is_none(), "{told:#?}");
        }
    }
}
