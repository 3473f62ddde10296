use std::time::{Duration, Instant};

use insula_engine::engine::SignInLimits;
use insula_testkit::Store;

use super::{PASSWORD, TestApp, json, try_login};

/// How often each kind is tried, by turns.
const TRIES: usize = 100;
/// More than the other kinds are tried.
const LOCKING: i64 = 140;
const PAUSE: Duration = Duration::from_millis(60);

/// Unknown, wrong, locked, inactive: nothing of the answer tells which, nor does the time it takes. The hash costs a good
/// part of the pause here, so that one that was left out would show.
async fn alike(store: Store) {
    let app = TestApp::start_with(store, |options| {
        options.identity.bcrypt_cost = 8;
        options.identity.refusal_pause = PAUSE;
        options.identity.sign_in_limits = SignInLimits { per_account: LOCKING, per_place: 100_000 };
    })
    .await;
    let owner = app.register("acme").await;
    let (inactive, locked) = (owner.user_named("inactive", "viewer").await, owner.user_named("locked", "viewer").await);
    let users = owner.get("/users").await.expect(200);
    let id = users.items().iter().find(|user| user["email"] == inactive.email).unwrap()["id"].clone();
    let path = format!("/users/{}", id.as_str().unwrap());
    owner.patch(&path, &json!({"active": false})).await.expect(200);
    let mut failed = 0;
    while failed < LOCKING {
        let wrong = || try_login(&app, &locked.email, "not-this-one-at-all");
        let (a, b, c, d) = tokio::join!(wrong(), wrong(), wrong(), wrong());
        // What nobody looked at counts for nothing.
        failed += i64::try_from([a, b, c, d].iter().filter(|reply| reply.status == 401).count()).unwrap();
    }
    let kinds = [
        ("nobody@acme.example", PASSWORD),
        (&owner.email, "not-this-one-at-all"),
        (&locked.email, PASSWORD),
        (&inactive.email, PASSWORD),
    ];
    let mut seen: Vec<(Vec<Duration>, Vec<String>)> = vec![Default::default(); kinds.len()];
    for _ in 0..TRIES {
        for ((email, password), (times, answers)) in kinds.iter().zip(&mut seen) {
            let begun = Instant::now();
            let reply = try_login(&app, email, password).await;
            times.push(begun.elapsed());
            let id = reply.header("x-request-id").to_owned();
            let mut headers: Vec<_> = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.retain(|header| !header.starts_with("date:"));
            answers.push(format!("{} {headers:?} {}", reply.status, reply.text).replace(&id, ""));
        }
    }
    let first = seen[0].1[0].clone();
    let medians: Vec<Duration> = seen
        .iter_mut()
        .zip(&kinds)
        .map(|((times, answers), kind)| {
            assert!(answers.iter().all(|answer| *answer == first), "{kind:?}: {answers:#?}");
            times.sort_unstable();
            times[TRIES / 2]
        })
        .collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    assert!(*least >= PAUSE, "{medians:?}");
    assert!(*most - *least < Duration::from_millis(10), "{medians:?}");
}

runs! {
    req_b7_refusals_are_alike_and_take_the_same_time_on_sqlite: alike on Sqlite;
    req_b7_refusals_are_alike_and_take_the_same_time_on_postgres: alike on Postgres;
}
