//! The sessions of an account: listed, ended, counted, and ended by themselves (requirement A6).

use std::time::{Duration, Instant};

use insula_engine::engine::WhenFull;
use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::{Value, json};

use super::{PATIENCE, told};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const NOBODY: &str = "01a20c5a-1b00-7001-8c65-6a83a146c52b";

async fn try_login(app: &TestApp, email: &str) -> Reply {
    let body = json!({"email": email, "password": PASSWORD});
    let anyone = app.anonymous();
    anyone.send(anyone.request(reqwest::Method::POST, "/auth/login").header("user-agent", FIREFOX).json(&body)).await
}

fn caller(app: &TestApp, reply: &Reply) -> Caller {
    app.anonymous().with_tokens("", &reply.body)
}

async fn login(app: &TestApp, email: &str) -> Caller {
    caller(app, &try_login(app, email).await.expect(200))
}

async fn sessions(caller: &Caller) -> Vec<Value> {
    caller.get("/auth/sessions").await.expect(200).items().to_vec()
}

async fn lives(caller: &Caller) -> bool {
    caller.get("/auth/me").await.status == 200
}

async fn refresh(caller: &Caller) -> Reply {
    caller.post("/auth/refresh", &json!({"refresh_token": caller.refresh_token})).await
}

both_stores! {
    async fn req_a6_own_sessions_are_listed_and_ended_one_by_one(app: TestApp) {
        let (owner, other) = (app.register("acme").await, app.register("other").await);
        let phone = login(&app, &owner.email).await;
        let seen = sessions(&phone).await;
        assert_eq!(seen.len(), 2, "{seen:#?}");
        assert_eq!((&seen[0]["current"], &seen[1]["current"]), (&json!(true), &json!(false)));
        assert_eq!((&seen[0]["device"], &seen[0]["address"]), (&json!("Firefox on Linux"), &json!("127.0.0.0/24")));
        assert_eq!(seen[1]["device"], Value::Null, "the other said nothing of itself");
        let members: Vec<_> = seen[0].as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["address", "created_at", "current", "device", "id", "last_used_at"]);
        let page = phone.get("/auth/sessions?limit=1").await.expect(200);
        let rest = format!("/auth/sessions?cursor={}", page.body["next_cursor"].as_str().unwrap());
        assert_eq!((page.items(), phone.get(&rest).await.expect(200).items()), (&seen[..1], &seen[1..]));

        let (first, theirs) = (seen[1]["id"].as_str().unwrap(), sessions(&other).await[0]["id"].clone());
        let end = |id: &str| format!("/auth/sessions/{id}");
        let shown = |reply: Reply, id: &str| reply.text.replace(reply.header("x-request-id"), "").replace(id, "");
        let theirs = theirs.as_str().unwrap();
        let foreign = phone.delete(&end(theirs)).await.expect_problem(404, "not_found");
        let unknown = phone.delete(&end(NOBODY)).await.expect_problem(404, "not_found");
        assert_eq!(shown(foreign, theirs), shown(unknown, NOBODY));
        assert!(lives(&other).await);

        phone.delete(&end(first)).await.expect(204);
        phone.delete(&end(first)).await.expect_problem(404, "not_found");
        owner.get("/auth/me").await.expect_problem(401, "unauthenticated");
        refresh(&owner).await.expect_problem(401, "unauthenticated");
        assert_eq!(sessions(&phone).await.len(), 1);
        let trail = told(&phone, 3).await;
        assert_eq!((&trail[2]["action"], &trail[2]["record_id"]), (&json!("session.logout"), &json!(first)));
        // Itself too.
        phone.delete(&end(seen[0]["id"].as_str().unwrap())).await.expect(204);
        phone.get("/auth/sessions").await.expect_problem(401, "unauthenticated");
    }

    async fn req_a6_fifty_sign_ins_at_once_never_exceed_the_limit(mut app: TestApp) {
        app.restart_with(|options| options.identity.session_limit = 10).await;
        let owner = app.register("acme").await;
        let attempts: Vec<_> = (0..50)
            .map(|_| {
                let (anyone, body) = (app.anonymous(), json!({"email": owner.email, "password": PASSWORD}));
                tokio::spawn(async move { anyone.post("/auth/login", &body).await.expect(200) })
            })
            .collect();
        let mut callers = Vec::new();
        for attempt in attempts {
            callers.push(caller(&app, &attempt.await.unwrap()));
        }
        let live = app.sql("SELECT 1 FROM insula.session WHERE ended_at IS NULL").await;
        assert_eq!(live.len(), 10);
        let evicted = app.sql("SELECT 1 FROM insula.platform_event WHERE action = 'session.evict'").await;
        assert_eq!(evicted.len(), 41);
        let mut alive = 0;
        for caller in callers {
            if lives(&caller).await {
                assert_eq!(sessions(&caller).await.len(), 10);
                alive += 1;
            }
        }
        assert_eq!(alive, 10);
        owner.get("/auth/me").await.expect_problem(401, "unauthenticated");
    }

    async fn req_a6_where_the_limit_denies_a_sign_in_is_refused_once_the_password_is_proved(mut app: TestApp) {
        app.restart_with(|options| {
            options.identity.session_limit = 2;
            options.identity.when_full = WhenFull::Deny;
        })
        .await;
        let owner = app.register("acme").await;
        let phone = login(&app, &owner.email).await;
        try_login(&app, &owner.email).await.expect_problem(409, "conflict");
        let wrong = json!({"email": owner.email, "password": "not-this-one-at-all"});
        app.anonymous().post("/auth/login", &wrong).await.expect_problem(401, "unauthenticated");
        assert!(lives(&owner).await && lives(&phone).await);
        phone.post("/auth/logout", &json!({})).await.expect(204);
        login(&app, &owner.email).await;
    }

    async fn req_a6_a_session_ends_when_it_lies_idle_and_at_its_absolute_end(mut app: TestApp) {
        let clock = app.hold_time().await;
        app.restart_with(|options| options.identity.session_idle_seconds = Some(600)).await;
        let owner = app.register("acme").await;
        // Shorter than an access token lives, so that this is what ends it. Refreshed in time it lives on; left alone it
        // does not, whatever its refresh token promised.
        clock.advance(599);
        let next = caller(&app, &refresh(&owner).await.expect(200));
        clock.advance(599);
        let next = caller(&app, &refresh(&next).await.expect(200));
        let idle = login(&app, &owner.email).await;
        assert!(lives(&next).await);
        clock.advance(600);
        assert!(!lives(&next).await);
        refresh(&next).await.expect_problem(401, "unauthenticated");
        assert_eq!(sessions(&login(&app, &owner.email).await).await.len(), 1, "what has ended is not listed");
        refresh(&idle).await.expect_problem(401, "unauthenticated");

        app.restart_with(|options| options.identity.session_idle_seconds = None).await;
        let mut last = login(&app, &owner.email).await;
        for _ in 0..4 {
            clock.advance(7 * 24 * 3600 - 1);
            last = caller(&app, &refresh(&last).await.expect(200));
        }
        clock.advance(2 * 24 * 3600 + 3);
        last = caller(&app, &refresh(&last).await.expect(200));
        assert!(lives(&last).await);
        clock.advance(1);
        assert!(!lives(&last).await);
        refresh(&last).await.expect_problem(401, "unauthenticated");
    }

    /// Written behind the request, and seldom.
    async fn req_a6_a_use_is_noted_by_the_minute(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let used = async || sessions(&owner).await[0]["last_used_at"].as_str().unwrap().to_owned();
        let first = used().await;
        clock.advance(59);
        assert_eq!(used().await, first);
        clock.advance(1);
        let begun = Instant::now();
        while used().await == first {
            assert!(begun.elapsed() < PATIENCE, "the use is never noted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
