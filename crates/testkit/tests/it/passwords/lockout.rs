use insula_engine::engine::SignInLimits;
use insula_model::clock::Clock;
use insula_model::value::Timestamp;
use insula_testkit::mails::posted;
use insula_testkit::{Reply, Store};

use super::{OTHER, PASSWORD, TestApp, json, told, try_login};

const WRONG: &str = "not-this-one-at-all";

/// A server whose clock the test moves.
async fn at(store: Store) -> (TestApp, Clock) {
    let clock = Clock::fixed(Timestamp::from_micros(1_790_000_000_000_000));
    let own = clock.clone();
    (TestApp::start_with(store, |options| options.clock = own).await, clock)
}

async fn fail(app: &TestApp, email: &str, times: usize) {
    for _ in 0..times {
        try_login(app, email, WRONG).await.expect_problem(401, "unauthenticated");
    }
}

/// Signs in from the device that keeps the cookie of `before`.
async fn from_device(app: &TestApp, before: &Reply, email: &str, password: &str) -> Reply {
    let cookie = before.header("set-cookie").split(';').next().unwrap().to_owned();
    let anyone = app.anonymous();
    let request = anyone.request(reqwest::Method::POST, "/auth/login").header("cookie", format!("a=b; {cookie}"));
    anyone.send(request.json(&json!({"email": email, "password": password}))).await
}

async fn locks(store: Store) {
    let (mut app, clock) = at(store).await;
    let owner = app.register("acme").await;
    let known = try_login(&app, &owner.email, PASSWORD).await.expect(200);
    let cookie = known.header("set-cookie");
    assert!(cookie.starts_with("insula_device=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));

    // A sign-in forgets what failed before it.
    fail(&app, &owner.email, 9).await;
    try_login(&app, &owner.email, PASSWORD).await.expect(200);
    fail(&app, &owner.email, 10).await;
    let refused = try_login(&app, &owner.email.to_uppercase(), PASSWORD).await.expect_problem(401, "unauthenticated");
    assert_eq!(refused.header("set-cookie"), "");
    let mails = posted(app.place(), 1).await;
    assert_eq!(
        (mails[0].to.as_str(), mails[0].subject.as_str()),
        (owner.email.as_str(), "Sign-ins to your account have failed")
    );

    // The device of its owner stays in, and guesses no more than others.
    let again = from_device(&app, &known, &owner.email, PASSWORD).await.expect(200);
    assert_eq!(again.header("set-cookie"), "");
    try_login(&app, &owner.email, PASSWORD).await.expect(401);
    for _ in 0..10 {
        from_device(&app, &known, &owner.email, WRONG).await.expect(401);
    }
    from_device(&app, &known, &owner.email, PASSWORD).await.expect(401);
    // It is nobody else's.
    let other = app.register("other").await;
    fail(&app, &other.email, 10).await;
    from_device(&app, &known, &other.email, PASSWORD).await.expect(401);
    posted(app.place(), 2).await;

    // Another process knows of it, and it ends. The next one is longer, and nobody is written to again.
    app.restart().await;
    clock.advance(59);
    try_login(&app, &owner.email, PASSWORD).await.expect(401);
    clock.advance(1);
    fail(&app, &owner.email, 10).await;
    clock.advance(119);
    try_login(&app, &owner.email, PASSWORD).await.expect(401);
    clock.advance(1);
    try_login(&app, &owner.email, PASSWORD).await.expect(200);
    posted(app.place(), 2).await;
}

runs! {
    req_b6_ten_failures_lock_and_a_known_device_stays_in_on_sqlite: locks on Sqlite;
    req_b6_ten_failures_lock_and_a_known_device_stays_in_on_postgres: locks on Postgres;
}

async fn unlocks(store: Store) {
    let app = TestApp::start(store).await;
    let (owner, stranger) = (app.register("acme").await, app.register("other").await);
    let user = owner.user("editor").await;
    let users = owner.get("/users").await.expect(200);
    let id = users.items().iter().find(|one| one["email"] == user.email).unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/users/{id}/unlock");
    // An organisation that only added the address lets nobody guess on.
    let added = json!({"email": user.email, "full_name": "U", "password": OTHER, "roles": ["viewer"]});
    stranger.post("/users", &added).await.expect(201);
    fail(&app, &user.email, 10).await;
    stranger.post(&path, &json!({})).await.expect(200);
    try_login(&app, &user.email, PASSWORD).await.expect(401);
    user.post(&path, &json!({})).await.expect(403);
    owner.post(&path, &json!({})).await.expect(200);
    try_login(&app, &user.email, PASSWORD).await.expect(200);
    let event = told(&owner, "user.unlock", 1).await.remove(0);
    assert_eq!((&event["actor"]["email"], &event["record_id"]), (&json!(owner.email), &json!(id)));
}

runs! {
    req_b6_who_may_change_users_ends_a_lock_on_sqlite: unlocks on Sqlite;
    req_b6_who_may_change_users_ends_a_lock_on_postgres: unlocks on Postgres;
}

/// One password at each of many accounts: nobody is locked, and the place is.
async fn sprayed(store: Store) {
    let app = TestApp::start(store).await;
    let owner = app.register("acme").await;
    let mut refused = 0;
    for n in 0..110 {
        let reply = try_login(&app, &format!("user{n}@acme.example"), WRONG).await;
        if reply.status == 429 {
            reply.expect_problem(429, "rate_limited");
            refused += 1;
        } else {
            reply.expect(401);
            // One who has an account of his own gains no attempts by it.
            if n % 50 == 1 {
                try_login(&app, &owner.email, PASSWORD).await.expect(200);
            }
        }
    }
    assert_eq!(refused, 10);
    try_login(&app, &owner.email, PASSWORD).await.expect(429);
}

runs! {
    req_b6_one_guess_at_each_of_many_ends_at_a_hundred_on_sqlite: sprayed on Sqlite;
    req_b6_one_guess_at_each_of_many_ends_at_a_hundred_on_postgres: sprayed on Postgres;
}

/// Many who all know their password do not count as failures of one another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_right_passwords_at_once_lock_nobody() {
    let app = TestApp::start_with(Store::Sqlite, |options| {
        options.identity.sign_in_limits = SignInLimits { per_account: 10, per_place: 40 };
    })
    .await;
    let owner = app.register("acme").await;
    let logins: Vec<_> = (0..60)
        .map(|_| {
            let (anyone, body) = (app.anonymous(), json!({"email": owner.email, "password": PASSWORD}));
            tokio::spawn(async move { anyone.post("/auth/login", &body).await.status.as_u16() })
        })
        .collect();
    for login in logins {
        assert_eq!(login.await.unwrap(), 200);
    }
}

/// A session somebody stole is no licence to guess.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b6_the_present_password_is_guessed_ten_times_too() {
    let app = TestApp::start(Store::Sqlite).await;
    let owner = app.register("acme").await;
    let change = |current: &str| json!({"current_password": current, "new_password": OTHER});
    for _ in 0..10 {
        owner.post("/auth/password/change", &change(WRONG)).await.expect_problem(422, "wrong_password");
    }
    owner.post("/auth/password/change", &change(PASSWORD)).await.expect_problem(422, "wrong_password");
    try_login(&app, &owner.email, PASSWORD).await.expect(200);
}
