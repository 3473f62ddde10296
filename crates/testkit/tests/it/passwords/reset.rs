use insula_model::clock::Clock;
use insula_model::value::Timestamp;
use insula_testkit::mails::{Mail, posted};
use insula_testkit::{Store, both_stores};

use super::{OTHER, PASSWORD, Reply, TestApp, forget, json, told, try_login};

fn token(mail: &Mail) -> &str {
    mail.after("/reset?token=")
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Reply {
    app.anonymous().post("/auth/password/reset", &json!({"token": token, "new_password": password})).await
}

both_stores! {
    async fn req_b4_a_reset_ends_every_session_and_is_told(app: TestApp) {
        let owner = app.register("acme").await;
        forget(&app, &owner.email.to_uppercase()).await;
        let mails = posted(app.place(), 1).await;
        assert_eq!(mails[0].to, owner.email);
        assert!(mails[0].after("http").starts_with("://127.0.0.1:8000/reset?token="), "{:?}", mails[0]);
        // At least 128 bits of six each.
        assert!(token(&mails[0]).len() >= 22, "{:?}", mails[0]);

        let weak = reset(&app, token(&mails[0]), "short").await.expect_problem(422, "too_short");
        assert_eq!(weak.body["errors"][0]["pointer"], "/new_password");
        let answer = reset(&app, token(&mails[0]), OTHER).await.expect(204);
        assert!(answer.text.is_empty());
        owner.get("/auth/me").await.expect(401);
        let refresh = json!({"refresh_token": owner.refresh_token});
        app.anonymous().post("/auth/refresh", &refresh).await.expect(401);
        try_login(&app, &owner.email, PASSWORD).await.expect(401);
        try_login(&app, &owner.email, OTHER).await.expect(200);
        reset(&app, token(&mails[0]), PASSWORD).await.expect_problem(401, "unauthenticated");

        let tokens = try_login(&app, &owner.email, OTHER).await;
        let owner = owner.with_token(tokens.body["access_token"].as_str().unwrap());
        told(&owner, "account.password_reset", 1).await;
        assert_eq!(posted(app.place(), 2).await[1].subject, "Your password was changed");
    }

    async fn req_b4_of_fifty_uses_at_once_one_is_good(app: TestApp) {
        let owner = app.register("acme").await;
        forget(&app, &owner.email).await;
        let mails = posted(app.place(), 1).await;
        let uses = (0..50).map(|n| {
            let body = json!({"token": token(&mails[0]), "new_password": format!("{n}-small-boats-at-sea")});
            let anyone = app.anonymous();
            tokio::spawn(async move { anyone.post("/auth/password/reset", &body).await.status.as_u16() })
        });
        let mut statuses = Vec::new();
        for one in uses.collect::<Vec<_>>() {
            statuses.push(one.await.unwrap());
        }
        let good = statuses.iter().filter(|status| **status == 204).count();
        let refused = statuses.iter().filter(|status| **status == 401).count();
        assert_eq!((good, refused), (1, 49), "{statuses:?}");
    }

    /// The answer does not even depend on whether there is an account: nobody has looked yet.
    async fn req_b4_known_unknown_and_inactive_addresses_get_one_answer(app: TestApp) {
        let owner = app.register("acme").await;
        let gone = owner.user("viewer").await;
        let users = owner.get("/users").await.expect(200);
        let id = users.items().iter().find(|user| user["email"] == gone.email).unwrap()["id"].clone();
        owner.delete(&format!("/users/{}", id.as_str().unwrap())).await.expect(204);
        let mut answers = Vec::new();
        for email in [&owner.email, &gone.email, "nobody@acme.example"] {
            let body = json!({"email": email});
            let reply = app.anonymous().post("/auth/password/forgot", &body).await.expect(202);
            let mut headers: Vec<_> = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.retain(|header| !header.starts_with("x-request-id:") && !header.starts_with("date:"));
            answers.push((headers, reply.text));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert_eq!(posted(app.place(), 1).await[0].to, owner.email);
        app.anonymous().post("/auth/password/forgot", &json!({"email": "nobody"})).await.expect(422);
    }

    async fn req_b4_links_lead_where_the_operator_says_and_the_client_has_no_say(app: TestApp) {
        let owner = app.register("acme").await;
        let request = app.anonymous().request(reqwest::Method::POST, "/auth/password/forgot");
        let request = request.header("host", "evil.example").header("x-forwarded-host", "evil.example");
        app.anonymous().send(request.json(&json!({"email": owner.email}))).await.expect(202);
        let mails = posted(app.place(), 1).await;
        assert!(!mails[0].text.contains("evil"), "{:?}", mails[0]);
        assert!(mails[0].after("http").starts_with("://127.0.0.1:8000/reset?token="), "{:?}", mails[0]);
    }

    async fn req_b4_nothing_that_is_stored_is_the_token_or_names_whom_it_is_for(app: TestApp) {
        let owner = app.register("acme").await;
        forget(&app, &owner.email).await;
        forget(&app, "nobody@acme.example").await;
        let mails = posted(app.place(), 1).await;
        let stored = app.sql("SELECT * FROM insula.password_reset").await;
        assert_eq!(stored.len(), 1);
        assert!(!format!("{stored:?}").contains(token(&mails[0])));
        assert!(app.sql("SELECT * FROM insula.mail").await.is_empty());
    }
}

/// A server whose clock the test moves.
async fn at(store: Store) -> (TestApp, Clock) {
    let clock = Clock::fixed(Timestamp::from_micros(1_790_000_000_000_000));
    let own = clock.clone();
    (TestApp::start_with(store, |options| options.clock = own).await, clock)
}

async fn tokens_end(store: Store) {
    let (app, clock) = at(store).await;
    let owner = app.register("acme").await;
    forget(&app, &owner.email).await;
    let first = posted(app.place(), 1).await.remove(0);
    // Within a minute no other is sent.
    forget(&app, &owner.email).await;
    posted(app.place(), 1).await;
    clock.advance(61);
    forget(&app, &owner.email).await;
    let second = posted(app.place(), 2).await.remove(1);
    reset(&app, token(&first), OTHER).await.expect(401);
    clock.advance(3599);
    reset(&app, token(&second), "short").await.expect(422);
    clock.advance(1);
    reset(&app, token(&second), OTHER).await.expect(401);

    forget(&app, &owner.email).await;
    let third = posted(app.place(), 3).await.remove(2);
    let tokens = try_login(&app, &owner.email, PASSWORD).await.expect(200);
    let owner = owner.with_token(tokens.body["access_token"].as_str().unwrap());
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    owner.post("/auth/password/change", &change).await.expect(204);
    reset(&app, token(&third), "another-small-boat-at-sea").await.expect(401);
}

runs! {
    req_b4_a_token_dies_with_the_next_the_hour_and_a_change_on_sqlite: tokens_end on Sqlite;
    req_b4_a_token_dies_with_the_next_the_hour_and_a_change_on_postgres: tokens_end on Postgres;
}
