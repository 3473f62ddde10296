//! A browser's session: the refresh token in a cookie that no page can read, and a proof beside it.

use insula_engine::public_url::PublicUrl;
use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

/// What a browser holds after an answer.
struct Browser {
    cookie: String,
    csrf: String,
    token: String,
}

impl Browser {
    fn of(reply: &Reply) -> Self {
        let text = |name: &str| reply.body[name].as_str().unwrap().to_owned();
        assert_eq!(reply.body.get("refresh_token"), None, "{reply:?}");
        let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { cookie, csrf: text("csrf_token"), token: text("access_token") }
    }

    async fn login(app: &TestApp, owner: &Caller) -> (Self, Reply) {
        let body = json!({"email": owner.email, "password": PASSWORD, "session": "cookie"});
        let reply = app.anonymous().post("/auth/login", &body).await.expect(200);
        (Self::of(&reply), reply)
    }

    async fn post(&self, app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Reply {
        let anyone = app.anonymous();
        let request = anyone.request(Method::POST, path).header("cookie", &self.cookie);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        anyone.send(request).await
    }
}

async fn lives(app: &TestApp, token: &str) -> bool {
    app.anonymous().with_token(token).get("/auth/me").await.status == 200
}

both_stores! {
    async fn req_a4_a_browsers_refresh_token_lies_in_a_cookie_and_works_once(mut app: TestApp) {
        let owner = app.register("acme").await;
        let (first, reply) = Browser::login(&app, &owner).await;
        let attributes = |reply: &Reply| reply.header("set-cookie").split_once("; ").unwrap().1.to_owned();
        assert!(first.cookie.starts_with("insula_refresh="), "{reply:?}");
        assert_eq!(attributes(&reply), "Max-Age=604800; Path=/; HttpOnly; SameSite=Strict");
        let reply = first.post(&app, "/auth/refresh", &[("x-csrf-token", &first.csrf)]).await.expect(200);
        let second = Browser::of(&reply);
        assert_ne!(second.cookie, first.cookie);
        assert_eq!(second.csrf, first.csrf, "it lasts as long as the session");
        // A lost reply is told again, in the same way.
        let again = first.post(&app, "/auth/refresh", &[("x-csrf-token", &first.csrf)]).await.expect(200);
        assert_eq!(Browser::of(&again).cookie, second.cookie);
        second.post(&app, "/auth/refresh", &[("x-csrf-token", &second.csrf)]).await.expect(200);
        first.post(&app, "/auth/refresh", &[("x-csrf-token", &first.csrf)]).await.expect_problem(401, "unauthenticated");
        assert!(!lives(&app, &second.token).await);

        let https = PublicUrl::parse("https://insula.example").unwrap();
        app.restart_with(|options| options.identity.public_url = Some(https)).await;
        let (secure, reply) = Browser::login(&app, &owner).await;
        assert!(secure.cookie.starts_with("__Host-insula_refresh="), "{reply:?}");
        assert_eq!(attributes(&reply), "Max-Age=604800; Path=/; HttpOnly; SameSite=Strict; Secure");
        let headers = [("x-csrf-token", secure.csrf.as_str()), ("origin", "https://insula.example")];
        secure.post(&app, "/auth/refresh", &headers).await.expect(200);
    }

    async fn req_a4_a_cookie_is_good_for_nothing_without_its_proof(app: TestApp) {
        let owner = app.register("acme").await;
        let (browser, _) = Browser::login(&app, &owner).await;
        let (other, _) = Browser::login(&app, &owner).await;
        let right = ("x-csrf-token", browser.csrf.as_str());
        for path in ["/auth/refresh", "/auth/logout"] {
            for headers in [
                &[][..],
                &[("x-csrf-token", "")],
                &[("x-csrf-token", "AAAA")],
                &[("x-csrf-token", &other.csrf)],
                &[right, ("origin", "https://evil.example")],
                &[right, ("origin", "null")],
            ] {
                let refused = browser.post(&app, path, headers).await.expect_problem(403, "forbidden");
                assert_eq!(refused.header("set-cookie"), "", "{refused:?}");
            }
        }
        assert!(lives(&app, &browser.token).await);
        let own = app.url().to_owned();
        browser.post(&app, "/auth/refresh", &[right, ("origin", &own)]).await.expect(200);
        let stranger = Browser { cookie: "insula_refresh=nobodys".to_owned(), ..browser };
        for path in ["/auth/refresh", "/auth/logout"] {
            let proof = [("x-csrf-token", stranger.csrf.as_str())];
            stranger.post(&app, path, &proof).await.expect_problem(401, "unauthenticated");
        }
    }

    async fn req_a5_a_browser_signs_out_by_its_cookie_or_its_token(app: TestApp) {
        let owner = app.register("acme").await;
        for by_token in [true, false] {
            let (browser, _) = Browser::login(&app, &owner).await;
            let bearer = format!("Bearer {}", browser.token);
            let header = if by_token { ("authorization", bearer.as_str()) } else { ("x-csrf-token", &*browser.csrf) };
            let left = browser.post(&app, "/auth/logout", &[header]).await.expect(204);
            assert_eq!(left.header("set-cookie"), "insula_refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");
            assert!(!lives(&app, &browser.token).await);
            let proof = [("x-csrf-token", browser.csrf.as_str())];
            browser.post(&app, "/auth/refresh", &proof).await.expect_problem(401, "unauthenticated");
            browser.post(&app, "/auth/logout", &proof).await.expect_problem(401, "unauthenticated");
        }
        assert!(owner.get("/auth/me").await.status == 200);
    }

    /// Who does not ask for a cookie gets none, and one that is sent along changes nothing.
    async fn req_a4_a_cookie_changes_nothing_for_who_sends_tokens(app: TestApp) {
        let owner = app.register("acme").await;
        let (browser, _) = Browser::login(&app, &owner).await;
        let bearer = app.anonymous().login(&owner.email).await;
        let request = bearer.request(Method::POST, "/auth/refresh").header("cookie", &browser.cookie);
        let next = bearer.send(request.json(&json!({"refresh_token": bearer.refresh_token}))).await.expect(200);
        assert_eq!((next.header("set-cookie"), next.body.get("csrf_token")), ("", None::<&Value>));
        assert_ne!(next.body["refresh_token"], Value::Null);
        browser.post(&app, "/auth/refresh", &[("x-csrf-token", &browser.csrf)]).await.expect(200);
        let cookie_alone = bearer.request(Method::GET, "/auth/me").header("cookie", &browser.cookie);
        bearer.send(cookie_alone).await.expect(200);
        let anyone = app.anonymous();
        let cookie_alone = anyone.request(Method::GET, "/auth/me").header("cookie", &browser.cookie);
        anyone.send(cookie_alone).await.expect_problem(401, "unauthenticated");
    }
}
