//! A refresh token works once, and a reply that was lost is told again (requirement A4).

use std::time::Instant;

use insula_testkit::{Reply, TestApp, both_stores};
use serde_json::{Value, json};

use super::PATIENCE;

async fn trade(app: &TestApp, token: &str) -> Reply {
    app.anonymous().post("/auth/refresh", &json!({"refresh_token": token})).await
}

fn token(reply: &Reply) -> String {
    reply.body["refresh_token"].as_str().unwrap().to_owned()
}

/// How many successors lie sealed.
async fn sealed(app: &TestApp) -> usize {
    app.sql("SELECT 1 FROM insula.refresh_token WHERE successor_sealed IS NOT NULL").await.len()
}

/// What a presented token is answered with.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Answer {
    Next,
    /// The successor it was traded for before.
    Same,
    Refused,
}

both_stores! {
    async fn req_a4_a_token_works_once_and_a_lost_reply_is_told_again(mut app: TestApp) {
        use Answer::{Next, Refused, Same};
        let clock = app.hold_time().await;
        // Steps are the token, seconds later, the answer, and whether the session lives on; each token but the first is
        // the successor of the one before.
        for (name, steps) in [
            ("chain", &[(0, 60, Next, true), (1, 60, Next, true), (2, 60, Next, true)][..]),
            ("lost", &[(0, 0, Next, true), (0, 0, Same, true), (0, 10, Same, true), (1, 0, Next, true)]),
            ("late", &[(0, 0, Next, true), (0, 11, Refused, false), (1, 0, Refused, false)]),
            ("old", &[(0, 0, Next, true), (1, 0, Next, true), (0, 1, Refused, false), (2, 0, Refused, false)]),
            ("lost twice", &[(0, 0, Next, true), (1, 0, Next, true), (1, 5, Same, true), (2, 0, Next, true)]),
            ("strange", &[(9, 0, Refused, true), (0, 0, Next, true)]),
        ] {
            let code = name.replace(' ', "-");
            let owner = app.register(&code).await;
            let mut chain = vec![owner.refresh_token.clone().unwrap()];
            let mut newest = owner.clone();
            for &(at, later, expect, alive) in steps {
                clock.advance(later);
                let presented = chain.get(at).map_or("nobody's", String::as_str);
                let reply = trade(&app, presented).await;
                let found = match reply.body.get("refresh_token").and_then(Value::as_str) {
                    None => Refused,
                    Some(next) if chain.get(at + 1).is_some_and(|known| known == next) => Same,
                    Some(_) => Next,
                };
                assert_eq!(found, expect, "{name} {at}: {reply:?}");
                if found == Refused {
                    reply.expect_problem(401, "unauthenticated");
                } else {
                    newest = owner.with_token(reply.body["access_token"].as_str().unwrap());
                    if found == Next {
                        chain.push(token(&reply));
                    }
                }
                let me = newest.get("/auth/me").await;
                assert_eq!(me.status == 200, alive, "{name} {at}: {me:?}");
            }
        }
    }

    async fn req_a4_a_hundred_at_once_make_one_successor(app: TestApp) {
        let owner = app.register("acme").await;
        let first = owner.refresh_token.clone().unwrap();
        let attempts: Vec<_> = (0..100)
            .map(|_| {
                let (anyone, body) = (app.anonymous(), json!({"refresh_token": first}));
                tokio::spawn(async move { anyone.post("/auth/refresh", &body).await })
            })
            .collect();
        let mut successors = Vec::new();
        for attempt in attempts {
            successors.push(token(&attempt.await.unwrap().expect(200)));
        }
        successors.dedup();
        assert_eq!(successors.len(), 1);
        assert_eq!(app.sql("SELECT 1 FROM insula.refresh_token").await.len(), 2);
        trade(&app, &successors[0]).await.expect(200);
    }

    /// On its first use, and by the background once it is too late to be told.
    async fn req_a4_a_successor_lies_sealed_for_as_long_as_it_may_be_told(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let second = trade(&app, owner.refresh_token.as_deref().unwrap()).await.expect(200);
        assert_eq!(sealed(&app).await, 1);
        let third = trade(&app, &token(&second)).await.expect(200);
        assert_eq!(sealed(&app).await, 1, "that of the second alone");
        clock.advance(11);
        let begun = Instant::now();
        while sealed(&app).await > 0 {
            assert!(begun.elapsed() < PATIENCE, "it lies there for good");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        trade(&app, &token(&third)).await.expect(200);
    }
}
