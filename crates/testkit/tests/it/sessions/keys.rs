//! What access tokens say, what is no token, and the keys that sign them (requirements A1, A2, A3).

use std::collections::HashSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_engine::engine::TokenAlgorithm;
use insula_testkit::process::insula;
use insula_testkit::{Caller, Store, TestApp, both_stores};
use serde_json::{Value, json};

use super::PATIENCE;

const HOUR: i64 = 3600;

/// Header or claims of a token.
fn part(token: &str, at: usize) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

fn token(caller: &Caller) -> &str {
    caller.token.as_deref().unwrap()
}

async fn lives(caller: &Caller) -> bool {
    caller.get("/auth/me").await.status == 200
}

fn rotate(app: &TestApp) {
    let made = insula(app.place(), &["keys", "rotate"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

async fn keys(app: &TestApp) -> usize {
    app.sql("SELECT id FROM insula.signing_key").await.len()
}

/// Signs in until another key than `old` signs.
async fn after(app: &TestApp, old: &Caller) -> Caller {
    let begun = Instant::now();
    loop {
        let caller = app.anonymous().login(&old.email).await;
        if part(token(&caller), 0) != part(token(old), 0) {
            return caller;
        }
        assert!(begun.elapsed() < PATIENCE, "the new key never signs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

both_stores! {
    /// What is told of a token that is not good is the same, whatever is wrong with it.
    async fn req_a1_whatever_is_no_token_of_ours_gets_one_answer(app: TestApp) {
        let owner = app.register("acme").await;
        let ended = app.anonymous().login(&owner.email).await;
        ended.post("/auth/logout", &json!({})).await.expect(204);
        let good = token(&owner);
        let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
        let headed = |header: Value| format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let unknown = r#"{"typ":"at+jwt","alg":"HS256","kid":"0123456789abcdef"}"#;
        let mut tried = HashSet::new();
        for bad in [
            headed(json!({"alg": "none", "typ": "at+jwt"})),
            format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"nOnE"}"#)),
            headed(json!({"alg": "HS384", "typ": "at+jwt"})),
            headed(json!({"alg": "RS256", "typ": "at+jwt"})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "kid": "../../dev/null"})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "kid": "' OR 1=1 --"})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "jku": "https://example.org"})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct", "k": "AAAA"}})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "x5u": "https://example.org"})),
            headed(json!({"alg": "HS256", "typ": "at+jwt", "crit": ["exp"]})),
            format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(unknown)),
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.{signature}.{signature}.{signature}"),
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}")),
            "nonsense".to_owned(),
            "a".repeat(8000),
            token(&ended).to_owned(),
        ] {
            let reply = owner.with_token(&bad).get("/auth/me").await.expect_problem(401, "unauthenticated");
            tried.insert(reply.text.replace(reply.header("x-request-id"), ""));
        }
        let none = app.anonymous().get("/auth/me").await.expect_problem(401, "unauthenticated");
        tried.insert(none.text.replace(none.header("x-request-id"), ""));
        assert_eq!(tried.len(), 1, "{tried:#?}");
        assert!(lives(&owner).await);
    }

    async fn req_a2_every_token_has_an_id_of_its_own(app: TestApp) {
        let owner = app.register("acme").await;
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let jti = part(token(&app.anonymous().login(&owner.email).await), 1)["jti"].as_str().unwrap().to_owned();
            assert!(jti.len() == 32 && jti.bytes().all(|b| b.is_ascii_hexdigit()), "{jti}");
            assert!(seen.insert(jti));
        }
    }

    async fn req_a3_a_token_is_good_for_half_an_hour_and_no_second_longer(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let claims = part(token(&owner), 1);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1800);
        clock.advance(1799);
        assert!(lives(&owner).await);
        clock.advance(1);
        owner.get("/auth/me").await.expect_problem(401, "unauthenticated");
        app.restart_with(|options| options.identity.access_token_seconds = 300).await;
        let shorter = app.anonymous().login(&owner.email).await;
        let claims = part(token(&shorter), 1);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    }

    /// By the real binary, beside a server that goes on.
    async fn req_a1_a_new_key_signs_and_the_old_one_verifies_as_long_as_its_tokens_live(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        rotate(&app);
        clock.advance(60);
        let after = after(&app, &owner).await;
        assert!(lives(&owner).await && lives(&after).await);
        assert_eq!(keys(&app).await, 2);
        let events = app.sql("SELECT outcome FROM insula.platform_event WHERE action = 'key.rotate'").await;
        assert_eq!(events, [[Some("ok".to_owned())]]);
        app.restart().await;
        assert!(lives(&owner.at(app.url())).await);
        clock.advance(26 * HOUR);
        let begun = Instant::now();
        while keys(&app).await > 1 {
            assert!(begun.elapsed() < PATIENCE, "the old key stays");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let now = app.anonymous().login(&owner.email).await;
        assert_eq!(part(token(&now), 0), part(token(&after), 0));
        assert!(lives(&now).await);
    }

    async fn req_a1_ed25519_signs_where_it_is_asked_for(mut app: TestApp) {
        let owner = app.register("acme").await;
        app.restart_with(|options| options.identity.token_algorithm = TokenAlgorithm::EdDsa).await;
        let (before, after) = (owner.at(app.url()), app.anonymous().login(&owner.email).await);
        assert_eq!((&part(token(&before), 0)["alg"], &part(token(&after), 0)["alg"]), (&json!("HS256"), &json!("EdDSA")));
        app.restart().await;
        let (before, after) = (before.at(app.url()), after.at(app.url()));
        for _ in 0..2 {
            assert!(lives(&before).await && lives(&after).await);
        }
        // A signature that is remembered opens nothing by itself.
        after.post("/auth/logout", &json!({})).await.expect(204);
        after.get("/auth/me").await.expect_problem(401, "unauthenticated");
        app.restart_with(|options| options.identity.token_algorithm = TokenAlgorithm::Hs256).await;
        let again = app.anonymous().login(&owner.email).await;
        assert_eq!(part(token(&again), 0)["alg"], "HS256");
        assert!(lives(&again).await && lives(&before.at(app.url())).await);
    }
}

/// Nobody has to sign in again: refresh tokens hang on no key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_a1_another_secret_makes_access_tokens_void_and_keeps_sessions() {
    let mut app = TestApp::start(Store::Sqlite).await;
    let owner = app.register("acme").await;
    for change in 0..2 {
        app.restart_with(|options| {
            options.identity.token_algorithm = TokenAlgorithm::EdDsa;
            options.secret_key = format!("another-key-of-tests-8c1d6a0f{change}").into();
        })
        .await;
        owner.at(app.url()).get("/auth/me").await.expect_problem(401, "unauthenticated");
        let login = app.anonymous().login(&owner.email).await;
        assert!(lives(&login).await);
    }
    let refreshed = app.anonymous().post("/auth/refresh", &json!({"refresh_token": owner.refresh_token})).await;
    assert!(lives(&app.anonymous().with_tokens("", &refreshed.expect(200).body)).await);
}
