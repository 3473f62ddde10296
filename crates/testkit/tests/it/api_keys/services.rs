use insula_testkit::caller::PASSWORD;
use insula_testkit::mails::posted;
use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{desk, on};

both_stores! {
    async fn req_b8_a_program_has_keys_and_no_password(app: TestApp) {
        let owner = desk(&app).await;
        let body = json!({"kind": "service", "full_name": "Nightly import", "roles": ["editor"]});
        for (member, value) in [("email", "robot@acme.example"), ("password", PASSWORD)] {
            let mut body = body.clone();
            body[member] = json!(value);
            let refused = owner.post("/users", &body).await.expect_problem(422, "invalid");
            assert_eq!(refused.body["errors"][0]["pointer"], format!("/{member}"));
        }
        let made = owner.post("/users", &body).await.expect(201);
        let (id, email) = (made.id().to_owned(), made.body["email"].as_str().unwrap().to_owned());
        assert_eq!(made.body["kind"], "service");

        // Nobody signs in to it, is mailed a way in, or takes its address.
        for password in ["x", PASSWORD] {
            let login = json!({"email": email, "password": password});
            app.anonymous().post("/auth/login", &login).await.expect_problem(401, "unauthenticated");
        }
        app.anonymous().post("/auth/password/forgot", &json!({"email": email})).await.expect_problem(422, "invalid_format");
        let person = json!({"email": email, "full_name": "x", "password": PASSWORD, "roles": ["viewer"]});
        owner.post("/users", &person).await.expect_problem(422, "invalid_format");
        posted(app.place(), 0).await;

        let key = |scopes| json!({"name": "import", "account": id, "scopes": scopes});
        let scopes = json!([on("records:ticket", &["create", "read"])]);
        let made = owner.post("/api-keys", &key(scopes.clone())).await.expect(201);
        let robot = owner.with_token(made.body["key"].as_str().unwrap());
        robot.post("/records/ticket", &json!({"title": "nightly"})).await.expect(201);
        assert_eq!(robot.get("/auth/me").await.expect(200).body["account"]["email"], email);
        // Its owner's roles bound it, not those of who made the key.
        let made = owner.post("/api-keys", &key(json!([on("users", &["read"])]))).await.expect(201);
        owner.with_token(made.body["key"].as_str().unwrap()).get("/users").await.expect_problem(403, "forbidden");
        owner.user("viewer").await.post("/api-keys", &key(json!([on("records:ticket", &["read"])]))).await
            .expect_problem(403, "forbidden");

        // Of people nobody else makes keys; nobody reaches by a program's key what he does not reach himself.
        let viewer = owner.get("/users").await.expect(200);
        let viewer = viewer.items().iter().find(|user| user["full_name"] == "viewer").unwrap()["id"].clone();
        let theirs = json!({"name": "x", "account": viewer, "scopes": scopes});
        owner.post("/api-keys", &theirs).await.expect_problem(422, "out_of_range");
        let grants = json!([
            {"resource": "users", "actions": ["read", "update"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["create", "read"], "scope": "tenant", "where": "status == \"open\""},
        ]);
        owner.post("/roles", &json!({"code": "staff", "name": "Staff", "grants": grants})).await.expect(201);
        let staff = owner.user("staff").await;
        staff.post("/api-keys", &key(scopes)).await.expect_problem(403, "forbidden");

        owner.patch(&format!("/users/{id}"), &json!({"active": false})).await.expect(200);
        robot.get("/records/ticket").await.expect_problem(401, "unauthenticated");
        owner.delete(&format!("/users/{id}")).await.expect(204);
        assert!(owner.get("/api-keys").await.expect(200).items().is_empty());
    }
}
