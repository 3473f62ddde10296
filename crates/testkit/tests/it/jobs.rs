//! Jobs as the API shows them, and what becomes of one whose node is killed.

use std::time::{Duration, Instant};

use insula_testkit::process::{Process, serve};
use insula_testkit::{Caller, Place, Reply, Store, TestApp, both_stores};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

const NOBODY: &str = "01a20c5a-1b00-7001-8c65-6a83a146c52b";
/// Longer than a lease.
const PATIENCE: Duration = Duration::from_secs(60);
/// What there is to be purged: enough to be met in the middle.
const KEYS: i64 = 40_000;

async fn keyed(owner: &Caller, key: &str) {
    let body = json!({"name": format!("entity_{key}"), "fields": []});
    owner.send(owner.request(Method::POST, "/entities").header("idempotency-key", key).json(&body)).await.expect(201);
}

async fn waiting(owner: &Caller) -> Value {
    let jobs = owner.get("/jobs").await.expect(200);
    jobs.items().iter().find(|job| job["state"] == "waiting").expect("a job waits").clone()
}

async fn events(owner: &Caller, action: &str) -> Vec<Value> {
    owner.get(&format!("/audit?limit=1000&action={action}")).await.expect(200).items().to_vec()
}

both_stores! {
    async fn jobs_are_shown_and_cancelled_by_whoever_administers_the_organisation(app: TestApp) {
        let owner = app.register("acme").await;
        assert_eq!(owner.get("/jobs").await.expect(200).body, json!({"items": [], "next_cursor": null}));
        keyed(&owner, "a").await;
        keyed(&owner, "b").await;
        let jobs = owner.get("/jobs").await.expect(200);
        let job = &jobs.items()[0];
        assert_eq!(jobs.items().len(), 1, "{jobs:?}");
        assert_eq!((&job["kind"], &job["state"]), (&json!("purge_idempotency_keys"), &json!("waiting")));
        assert_eq!((&job["done"], &job["total"], &job["errors"]), (&json!(0), &Value::Null, &json!(0)));
        assert!(job["due_at"].as_str().unwrap().ends_with("T03:17:00Z"), "{job}");
        assert_eq!((&job["created_by"], &job["started_at"]), (&Value::Null, &Value::Null));
        let path = format!("/jobs/{}", job["id"].as_str().unwrap());
        assert_eq!(owner.get(&path).await.expect(200).body, *job);

        let (admin, editor) = (owner.user("admin").await, owner.user("editor").await);
        let cancel = format!("{path}/cancel");
        for path in ["/jobs", &path] {
            admin.get(path).await.expect(200);
            editor.get(path).await.expect_problem(403, "forbidden");
        }
        editor.post(&cancel, &json!({})).await.expect_problem(403, "forbidden");
        assert_eq!(owner.get(&path).await.expect(200).body["state"], "waiting");
        for (method, path) in [(Method::GET, format!("/jobs/{NOBODY}")), (Method::POST, format!("/jobs/{NOBODY}/cancel"))] {
            owner.send(owner.request(method, &path)).await.expect_problem(404, "not_found");
        }
        owner.get("/jobs/1").await.expect_problem(404, "not_found");
        owner.get("/jobs?state=waiting").await.expect_problem(422, "unknown_parameter");
        owner.get(&format!("{path}?x=1")).await.expect_problem(422, "unknown_parameter");

        let send = |key: &'static str| {
            let admin = &admin;
            let request = admin.request(Method::POST, &cancel).header("idempotency-key", key);
            async move { admin.send(request).await }
        };
        let first: Reply = send("c").await.expect(200);
        assert_eq!((&first.body["state"], &first.body["due_at"]), (&json!("cancelled"), &Value::Null));
        let again = send("c").await.expect(200);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
        assert_eq!(owner.post(&cancel, &json!({})).await.expect(200).body, first.body);
        let told = events(&owner, "job.cancel").await;
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((&told[0]["actor"]["email"], &told[0]["record_id"]), (&json!(admin.email), &job["id"]));
        // The next run of the schedule is another job.
        assert_ne!(waiting(&owner).await["due_at"], job["due_at"]);
    }
}

/// As if a day had passed: many keys nobody can use any more, and the job due.
async fn make_due(place: &Place, tenant: &str) {
    if let Some(database) = &place.database {
        let sql = format!(
            "INSERT INTO insula_tenant.idempotency_key (tenant_id, account_id, request, body, outcome, at) \
             SELECT '{tenant}', gen_random_uuid(), decode(md5(i::text), 'hex'), '', 'null', 'epoch' \
             FROM generate_series(1, {KEYS}) i; \
             UPDATE insula_tenant.job SET due_at = 'epoch'; UPDATE insula.job_queue SET due_at = 'epoch'"
        );
        return database.superuser().await.batch_execute(&sql).await.unwrap();
    }
    let open = |name: &str| Connection::open(place.data_dir.path().join(name)).unwrap();
    let sql = format!(
        "INSERT INTO idempotency_key (tenant_id, account_id, request, body, outcome, at) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {KEYS}) \
         SELECT (SELECT tenant_id FROM tenant), randomblob(16), randomblob(32), x'', 'null', 0 FROM n; \
         UPDATE job SET due_at = 0"
    );
    open(&format!("tenants/{tenant}.db")).execute_batch(&sql).unwrap();
    open("platform.db").execute_batch("UPDATE job_queue SET due_at = 0").unwrap();
}

/// Looks at the job until `enough`; what it shows never goes back.
pub(crate) async fn watch(owner: &Caller, path: &str, mut last: i64, enough: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let job = owner.get(path).await.expect(200).body;
        let done = job["done"].as_i64().unwrap();
        assert!(done >= last, "{last} were done: {job}");
        last = done;
        if enough(&job) {
            return job;
        }
        assert!(begun.elapsed() < PATIENCE, "{job}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// One that was seen in the middle of its work.
async fn meet(owner: &Caller, path: &str) -> Value {
    let job = watch(owner, path, 0, |job| job["done"].as_i64() > Some(0)).await;
    assert_eq!((&job["state"], &job["total"]), (&json!("running"), &json!(KEYS)), "{job}");
    assert!(job["started_at"].is_string() && job["ended_at"].is_null(), "{job}");
    assert!(job["done"].as_i64() < Some(KEYS), "it was too quick: {job}");
    job
}

struct Begun {
    process: Process,
    owner: Caller,
    tenant: String,
    path: String,
}

/// A node that has begun a long job.
async fn begin(place: &Place) -> Begun {
    let process = Process::start(serve(place));
    let owner = process.anonymous().register("acme").await;
    keyed(&owner, "a").await;
    let job = waiting(&owner).await;
    let me = owner.get("/auth/me").await.expect(200);
    let tenant = me.body["tenant"]["id"].as_str().unwrap().to_owned();
    // What the process does at its end, it does before the store is written past it.
    process.terminate();
    make_due(place, &tenant).await;
    let process = Process::start(serve(place));
    let owner = owner.at(process.url());
    Begun { process, owner, tenant, path: format!("/jobs/{}", job["id"].as_str().unwrap()) }
}

async fn keys(place: &Place, tenant: &str) -> usize {
    place.tenant_sql(tenant.parse().unwrap(), "SELECT request FROM insula_tenant.idempotency_key").await.len()
}

/// A node is killed in the middle of a job; another, or the next, does the rest of it and nothing twice.
async fn kill_9_in_the_middle(store: Store) {
    let place = Place::make(store).await;
    let Begun { process, owner, tenant, path } = begin(&place).await;
    // On SQLite there is one node at a time.
    let mut other = (store == Store::Postgres).then(|| Process::start(serve(&place)));
    let met = meet(&owner, &path).await;
    process.kill();
    let left = keys(&place, &tenant).await;
    let other = other.take().unwrap_or_else(|| Process::start(serve(&place)));
    let owner = owner.at(other.url());
    let ended = |job: &Value| job["ended_at"].is_string();
    let job = watch(&owner, &path, met["done"].as_i64().unwrap(), ended).await;
    assert!(left > 1, "it was killed too late");
    assert_eq!(
        (&job["state"], &job["done"], &job["total"]),
        (&json!("succeeded"), &json!(KEYS), &json!(KEYS)),
        "{job}"
    );
    assert_eq!(job["started_at"], met["started_at"]);
    assert_eq!(keys(&place, &tenant).await, 1, "the one of today stays");
    let told = events(&owner, "job.finish").await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let (told, id) = (&told[0], path.strip_prefix("/jobs/").unwrap());
    assert_eq!(
        (&told["outcome"], &told["record_id"], &told["after"]["done"]),
        (&json!("ok"), &json!(id), &json!(KEYS))
    );
    assert_eq!(told["actor"], json!({"account_id": null, "email": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_in_the_middle_of_a_job_loses_and_repeats_nothing_on_sqlite() {
    kill_9_in_the_middle(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_kill_9_in_the_middle_of_a_job_loses_and_repeats_nothing_on_postgres() {
    kill_9_in_the_middle(Store::Postgres).await;
}

/// Cancelled while it runs, a job stops there and then; and whoever stops a server does not wait for one.
async fn cancelled_in_the_middle(store: Store) {
    let place = Place::make(store).await;
    let Begun { process, owner, tenant, path } = begin(&place).await;
    meet(&owner, &path).await;
    let cancelled = owner.post(&format!("{path}/cancel"), &json!({})).await.expect(200).body;
    let left = keys(&place, &tenant).await;
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(left as i64, KEYS + 1 - cancelled["done"].as_i64().unwrap(), "{cancelled}");
    let (status, log) = process.terminate();
    assert!(status.success(), "{status}: {log:#?}");
    assert_eq!(keys(&place, &tenant).await, left);
    let process = Process::start(serve(&place));
    let owner = owner.at(process.url());
    assert_eq!(owner.get(&path).await.expect(200).body, cancelled);
    assert_eq!((events(&owner, "job.cancel").await.len(), events(&owner, "job.finish").await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_cancelled_on_sqlite() {
    cancelled_in_the_middle(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_cancelled_on_postgres() {
    cancelled_in_the_middle(Store::Postgres).await;
}

/// A server that is stopped in the middle of a job ends at once, and the next one goes on at once: no lease is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_lets_go_of_its_job() {
    let place = Place::make(Store::Sqlite).await;
    let Begun { process, owner, tenant, path } = begin(&place).await;
    let met = meet(&owner, &path).await;
    let (status, log) = process.terminate();
    assert!(status.success(), "{status}: {log:#?}");
    let left = keys(&place, &tenant).await;
    assert!(left > 1, "it waited for the job's end");
    let process = Process::start(serve(&place));
    let (owner, begun) = (owner.at(process.url()), Instant::now());
    let job = watch(&owner, &path, met["done"].as_i64().unwrap(), |job| job["ended_at"].is_string()).await;
    assert_eq!((&job["state"], &job["done"]), (&json!("succeeded"), &json!(KEYS)));
    assert!(begun.elapsed() < Duration::from_secs(14), "it waited for a lease: {:?}", begun.elapsed());
}
