use insula_testkit::{Store, TestApp, both_stores};
use serde_json::json;

use super::{PASSWORD, challenge, enrol, verify};
use crate::platform;

both_stores! {
    async fn req_b8_a_sign_in_asks_for_what_was_confirmed(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let other = owner.login(&owner.email).await;
        let told = owner.post("/auth/mfa/totp", &json!(null)).await.expect(200);
        let secret = told.body["secret"].as_str().unwrap();
        let uri = told.body["otpauth_uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/Insula:owner%40acme.example?") && uri.contains(secret), "{uri}");
        assert!(told.body["qr_svg"].as_str().unwrap().contains("<svg"));
        // Begun is not confirmed, and a wrong code confirms nothing.
        owner.post("/auth/mfa/totp/confirm", &json!({"code": "000000"})).await.expect_problem(422, "wrong_code");
        owner.login(&owner.email).await.get("/auth/me").await.expect(200);
        let scopes = json!([{"resource": "users", "actions": ["read"]}]);
        let key = owner.post("/api-keys", &json!({"name": "x", "scopes": scopes})).await.expect(201);
        let robot = owner.with_token(key.body["key"].as_str().unwrap());
        robot.post("/auth/mfa/totp", &json!(null)).await.expect_problem(403, "forbidden");

        let enrolled = enrol(&owner, &clock).await;
        owner.post("/auth/mfa/totp", &json!(null)).await.expect_problem(409, "conflict");
        // What was given out on the password alone is over.
        other.get("/auth/me").await.expect_problem(401, "unauthenticated");
        robot.get("/users").await.expect_problem(401, "unauthenticated");
        owner.get("/auth/me").await.expect(200);

        clock.advance(30);
        let token = challenge(&app, &owner.email).await;
        let code = enrolled.authenticator.code(clock.now());
        let tokens = verify(&app, &token, "code", &code).await.expect(200);
        assert!(tokens.header("set-cookie").starts_with("insula_device="), "{tokens:?}");
        app.anonymous().with_tokens("", &tokens.body).get("/auth/me").await.expect(200);

        // A wrong password is answered as ever.
        let wrong = |email: &str| json!({"email": email, "password": "not-this-one-at-all"});
        let one = app.anonymous().post("/auth/login", &wrong(&owner.email)).await.expect(401);
        let two = app.anonymous().post("/auth/login", &wrong("nobody@acme.example")).await.expect(401);
        let masked = |reply: &insula_testkit::Reply| reply.text.replace(reply.header("x-request-id"), "");
        assert_eq!(masked(&one), masked(&two));

        clock.advance(30);
        let body = json!({"code": enrolled.authenticator.code(clock.now())});
        let remove = async |body: serde_json::Value| {
            let caller = &enrolled.caller;
            caller.send(caller.request(reqwest::Method::DELETE, "/auth/mfa/totp").json(&body)).await
        };
        remove(json!({"code": "000000"})).await.expect_problem(422, "wrong_code");
        remove(body).await.expect(204);
        owner.login(&owner.email).await.get("/auth/me").await.expect(200);
        for action in ["account.second_factor_add", "account.second_factor_remove"] {
            crate::passwords::told(&owner, action, 1).await;
        }
    }

    async fn req_b8_half_a_sign_in_is_good_for_nothing_else_and_not_for_long(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let enrolled = enrol(&owner, &clock).await;
        let token = challenge(&app, &owner.email).await;
        owner.with_token(&token).get("/auth/me").await.expect_problem(401, "unauthenticated");
        owner.with_token(&token).post("/auth/mfa/totp", &json!(null)).await.expect_problem(401, "unauthenticated");
        app.anonymous().post("/auth/refresh", &json!({"refresh_token": token})).await.expect(401);
        let mut other = token.clone();
        other.replace_range(40..41, if &token[40..41] == "A" { "B" } else { "A" });
        clock.advance(30);
        let code = enrolled.authenticator.code(clock.now());
        for token in [other.as_str(), "x", "ä", &owner.token.clone().unwrap()] {
            verify(&app, token, "code", &code).await.expect_problem(401, "unauthenticated");
        }
        clock.advance(269);
        verify(&app, &token, "code", &enrolled.authenticator.code(clock.now())).await.expect(200);
        clock.advance(1);
        verify(&app, &token, "recovery_code", &enrolled.recovery[0]).await.expect_problem(401, "unauthenticated");

        // The password it rests on is another now.
        let token = challenge(&app, &owner.email).await;
        let change = json!({"current_password": PASSWORD, "new_password": "four-small-boats-at-sea"});
        owner.post("/auth/password/change", &change).await.expect(204);
        verify(&app, &token, "recovery_code", &enrolled.recovery[0]).await.expect_problem(401, "unauthenticated");
    }

    /// His password alone runs no installation either.
    async fn req_b8_a_superuser_is_asked_too(mut app: TestApp) {
        app.stop().await;
        assert!(platform::create(app.place(), "root@platform.example", PASSWORD).status.success());
        app.restart().await;
        let clock = app.hold_time().await;
        let root = app.anonymous().login("root@platform.example").await;
        let enrolled = enrol(&root, &clock).await;
        root.get("/platform/tenants").await.expect(200);
        clock.advance(30);
        let token = challenge(&app, &root.email).await;
        let tokens = verify(&app, &token, "code", &enrolled.authenticator.code(clock.now())).await.expect(200);
        app.anonymous().with_tokens("", &tokens.body).get("/platform/tenants").await.expect(200);
    }
}

async fn removed(store: Store) {
    let mut app = TestApp::start(store).await;
    let clock = app.hold_time().await;
    let owner = app.register("acme").await;
    let user = owner.user("viewer").await;
    let enrolled = enrol(&user, &clock).await;
    let token = challenge(&app, &user.email).await;
    let id = user.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
    owner.patch(&format!("/users/{id}"), &json!({"active": false})).await.expect(200);
    verify(&app, &token, "recovery_code", &enrolled.recovery[0]).await.expect_problem(401, "unauthenticated");
    owner.patch(&format!("/users/{id}"), &json!({"active": true})).await.expect(200);
    verify(&app, &token, "recovery_code", &enrolled.recovery[0]).await.expect(200);
}

runs! {
    req_b8_who_was_deactivated_meanwhile_stays_out_on_sqlite: removed on Sqlite;
    req_b8_who_was_deactivated_meanwhile_stays_out_on_postgres: removed on Postgres;
}
