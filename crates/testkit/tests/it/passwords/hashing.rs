use std::time::{Duration, Instant};

use insula_engine::engine::{IdentityOptions, PasswordHasher};
use insula_testkit::process::{Process, serve};
use insula_testkit::{Place, Store, both_stores};

use super::{OTHER, PASSWORD, TestApp, json, try_login};

async fn hash_of(app: &TestApp, email: &str) -> String {
    let sql = format!("SELECT password_hash FROM insula.account WHERE email = '{email}'");
    app.sql(&sql).await.remove(0).remove(0).unwrap()
}

both_stores! {
    async fn req_b1_hashes_are_salted_and_made_elsewhere_are_good(app: TestApp) {
        let owner = app.register("acme").await;
        let second = app.register("best").await;
        let (one, two) = (hash_of(&app, &owner.email).await, hash_of(&app, &second.email).await);
        assert!(one.starts_with("$2b$04$") && one != two, "{one} {two}");

        let made = bcrypt::hash_with_salt(OTHER, 10, [9; 16]).unwrap().to_string();
        for (n, mark) in ["$2a$", "$2b$", "$2y$"].into_iter().enumerate() {
            let email = format!("made{n}@acme.example");
            let hash = made.replacen("$2b$", mark, 1);
            let body = json!({"email": email, "full_name": "M", "password_hash": hash, "roles": ["viewer"]});
            owner.post("/users", &body).await.expect(201);
            assert_eq!(hash_of(&app, &email).await, hash);
            try_login(&app, &email, PASSWORD).await.expect(401);
            assert_eq!(hash_of(&app, &email).await, hash);
            try_login(&app, &email, OTHER).await.expect(200);
            assert!(hash_of(&app, &email).await.starts_with("$2b$04$"));
            try_login(&app, &email, OTHER).await.expect(200);
        }
        for (hash, code) in [
            (made.replacen("$10$", "$09$", 1), "out_of_range"),
            (made.replacen("$10$", "$15$", 1), "out_of_range"),
            (made.replacen("$2b$", "$2x$", 1), "invalid_format"),
            (made[1..].to_owned(), "invalid_format"),
        ] {
            let body = json!({"email": "x@acme.example", "full_name": "X", "password_hash": hash, "roles": ["viewer"]});
            let refused = owner.post("/users", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], "/password_hash");
        }
        let both = json!({
            "email": "x@acme.example", "full_name": "X", "password": OTHER, "password_hash": made, "roles": ["viewer"],
        });
        owner.post("/users", &both).await.expect(422);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b1_the_default_is_bcrypt_of_cost_12() {
    let app = TestApp::start_with(Store::Sqlite, |options| options.identity = IdentityOptions::default()).await;
    let owner = app.register("acme").await;
    assert!(hash_of(&app, &owner.email).await.starts_with("$2b$12$"));
}

/// Under the other hasher everybody gets another hash when he next signs in, and whoever's password is longer than bcrypt
/// reads keeps the one he has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b1_another_hasher_takes_over_as_people_sign_in() {
    let mut app = TestApp::start(Store::Sqlite).await;
    let owner = app.register("acme").await;
    let set = |hasher| move |options: &mut insula_engine::engine::Options| options.identity.password_hasher = hasher;
    app.restart_with(set(PasswordHasher::Argon2id)).await;
    try_login(&app, &owner.email, OTHER).await.expect(401);
    assert!(hash_of(&app, &owner.email).await.starts_with("$2b$04$"));
    // Of two at once both renew it, and neither refuses the other.
    let (one, two) = tokio::join!(try_login(&app, &owner.email, PASSWORD), try_login(&app, &owner.email, PASSWORD));
    one.expect(200);
    two.expect(200);
    let hash = hash_of(&app, &owner.email).await;
    assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{hash}");
    let signed_in = app.anonymous().login(&owner.email).await;
    assert_eq!(signed_in.get("/auth/password-policy").await.expect(200).body["max_bytes"], serde_json::Value::Null);
    let long = "long ".repeat(25);
    let change = json!({"current_password": PASSWORD, "new_password": long});
    signed_in.post("/auth/password/change", &change).await.expect(204);

    app.restart_with(set(PasswordHasher::Bcrypt)).await;
    try_login(&app, &owner.email, &long).await.expect(200);
    try_login(&app, &owner.email, &long[..72]).await.expect(401);
    assert!(hash_of(&app, &owner.email).await.starts_with("$argon2id$"));
}

/// KiB that a process holds.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// 64 MiB each, 200 at once: as many as there are cores are made, the others wait or are turned away, and nobody else
/// notices.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b1_many_sign_ins_at_once_take_bounded_memory_and_stall_nobody() {
    let place = Place::make(Store::Sqlite).await;
    let mut command = serve(&place);
    command.env("PASSWORD_HASHER", "argon2id");
    let process = Process::start(command);
    let mut owners = Vec::new();
    for n in 0..4 {
        owners.push(process.anonymous().register(&format!("acme{n}")).await.email);
    }
    let before = resident(process.id());
    let logins: Vec<_> = (0..200)
        .map(|n| {
            let (anyone, body) = (process.anonymous(), json!({"email": owners[n % 4], "password": PASSWORD}));
            tokio::spawn(async move { anyone.post("/auth/login", &body).await.status.as_u16() })
        })
        .collect();
    let (mut most, mut slowest, mut asked) = (0, Duration::ZERO, 0);
    while !logins.iter().all(tokio::task::JoinHandle::is_finished) {
        let begun = Instant::now();
        process.anonymous().get("/livez").await.expect(200);
        slowest = slowest.max(begun.elapsed());
        most = most.max(resident(process.id()));
        asked += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for login in logins {
        let status = login.await.unwrap();
        assert!([200, 503].contains(&status), "{status}");
    }
    let cores = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    let bound = before + cores * 65 * 1024 + 64 * 1024;
    assert!(most < bound, "{most} KiB of at most {bound}, {before} before");
    assert!(asked > 10 && slowest < Duration::from_secs(1), "{slowest:?} of {asked}");
}
