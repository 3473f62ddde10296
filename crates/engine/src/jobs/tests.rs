//! Jobs against both stores, without HTTP, at times of the test's own.

mod convert;
mod cut_off;
mod deleted;
mod fence;
mod retry;

use insula_model::clock::Clock;
use insula_model::id::{JobId, RequestId};
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::value::{Timestamp, Value};
use tempfile::TempDir;
use uuid::Uuid;

use super::turn::{MAX_ATTEMPTS, put_off, run, take};
use super::work::{After, Held, Hold};
use super::*;
use crate::attempt::{Attempt, Done, IdempotencyKey, Outcome};
use crate::cancel::polled;
use crate::engine::{Engine, IdentityOptions, Options, Origin};
use crate::mail::MailOptions;
use crate::scope::Scope;
use crate::sql::{Dialect, Fixed};
use crate::store::scratch::on_scratch;
use crate::store::{Placement, StoreOptions};
use crate::tx::{Mode, Tx};

/// Half a day and some before the first purge.
const NOW: &str = "2026-02-28T12:00:00Z";
const SLOT: &str = "2026-03-01T03:17:00Z";
const DAY: i64 = 24 * 3600;
/// Past every lease and pause.
const LATER: i64 = 61;

pub(crate) struct World {
    engine: Engine,
    clock: Clock,
}

struct Nothing;

impl Outcome for Nothing {
    fn note(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    async fn again<M: Mode>(_: &mut Tx<'_, M>, _: serde_json::Value) -> Result<Self> {
        Ok(Self)
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Runs a test on SQLite, then on PostgreSQL.
pub(crate) fn on_both(test: &impl AsyncFn(&World)) {
    let dir = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sqlite = StoreOptions::Sqlite { data_dir: dir.path().to_owned() };
    runtime.block_on(async { test(&World::new(sqlite).await).await });
    on_scratch(async |scratch| {
        let world = World::new(StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 }).await;
        test(&world).await;
        world.engine.close().await;
    });
}

impl World {
    async fn new(store: StoreOptions) -> Self {
        let clock = Clock::fixed(at(NOW));
        let identity =
            IdentityOptions { bcrypt_cost: 4, access_token_seconds: 10_000 * DAY, ..IdentityOptions::default() };
        let options = Options {
            store,
            secret_key: "0123456789abcdef0123456789abcdef".into(),
            identity,
            mail: MailOptions::into_folder("/nowhere".into()),
            converted_at_once: 300,
            clock: clock.clone(),
        };
        Self { engine: Engine::open(options).await.unwrap(), clock }
    }

    pub(crate) async fn tenant(&self, code: &str) -> Scope {
        let origin =
            || Origin { request: RequestId::from(Uuid::nil()), address: "192.0.2.1".into(), user_agent: "test".into() };
        let body = format!(
            r#"{{"tenant":{{"code":"{code}","name":"A"}},"email":"o@{code}.example","password":"correct horse battery","full_name":"O"}}"#
        );
        let tokens = self.engine.public(origin()).register(&json(&body)).await.unwrap();
        self.engine.authenticate(&tokens.access_token, origin()).await.unwrap()
    }

    /// Sends one request with the key `key`.
    async fn keyed(&self, scope: &Scope, key: &str) -> Result<()> {
        let key = IdempotencyKey::parse(key.as_bytes(), "POST", "/x", "").unwrap();
        attempt(scope, Some(key)).write(&Json::Null, async |_| Ok(Nothing)).await.map(drop)
    }

    /// Notes of `count` requests that nobody can repeat any more.
    async fn expired(&self, scope: &Scope, count: usize) {
        static KEY: Fixed = Fixed::new(
            "INSERT INTO insula_tenant.idempotency_key (tenant_id, account_id, request, body, outcome, at) \
             VALUES ($1, $2, $3, $3, 'null', $4)",
        );
        let mut tx = self.engine.0.stores.tenant_write(scope.caller().placement()).await.unwrap();
        let sets = (0..count).map(|_| {
            let request = Value::Bytes(self.engine.ids().random::<32>().to_vec());
            let (tenant, account) = (scope.caller().tenant().uuid(), scope.caller().account().uuid());
            vec![Value::Uuid(tenant), Value::Uuid(account), request, Value::Timestamp(at("2026-01-01T00:00:00Z"))]
        });
        tx.send(KEY.text(tx.dialect()), sets.collect()).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn go_to(&self, time: &str) {
        self.clock.advance(at(time).as_seconds() - self.clock.now().as_seconds());
    }

    /// Works as a node would, until no job is due any more.
    async fn work(&self) {
        for _ in 0..1000 {
            let due = self.platform("SELECT due_at FROM insula.job_queue ORDER BY due_at").await;
            if due.first().is_none_or(|due| *due > self.clock.now()) {
                return;
            }
            run_due(&self.engine, 1).await.unwrap();
        }
        panic!("it never ends");
    }

    async fn platform(&self, sql: &'static str) -> Vec<Timestamp> {
        let mut tx = self.engine.0.stores.platform_read().await.unwrap();
        let rows = tx.fixed(&Fixed::new(sql), &[]).await.unwrap();
        rows.iter().map(|row| row.timestamp(0).unwrap()).collect()
    }

    /// How many notes of keyed requests there are.
    async fn keys(&self, scope: &Scope) -> i64 {
        self.count(scope, "SELECT count(*) FROM insula_tenant.idempotency_key").await
    }

    async fn finished(&self, scope: &Scope) -> i64 {
        self.count(scope, "SELECT count(*) FROM insula_tenant.audit_event WHERE action = 'job.finish'").await
    }

    async fn count(&self, scope: &Scope, sql: &'static str) -> i64 {
        let mut tx = self.engine.0.stores.tenant_read(scope.caller().placement()).await.unwrap();
        tx.fixed(&Fixed::new(sql), &[]).await.unwrap()[0].int(0).unwrap()
    }

    /// The tenant's jobs, oldest first.
    async fn jobs(&self, scope: &Scope) -> Vec<JobView> {
        let mut jobs = list(scope, "").await.unwrap().items;
        jobs.reverse();
        jobs
    }

    async fn take(&self, scope: &Scope) -> Option<Held> {
        take(&self.engine, scope.caller().placement()).await.unwrap()
    }

    /// Runs a statement of the owner's on a tenant's store.
    pub(crate) async fn alter(&self, placement: Placement, sqlite: &str, postgres: &str) {
        let mut tx = self.engine.0.stores.tenant_alter(placement).await.unwrap();
        let sql = if tx.dialect() == Dialect::Sqlite { sqlite } else { postgres };
        tx.ddl(sql).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn attempt(scope: &Scope, key: Option<IdempotencyKey>) -> Attempt {
    Attempt::new(Scope::new(scope.engine_handle(), scope.caller().clone(), scope.origin().clone()), key)
}

async fn cancelled(scope: &Scope, job: JobId) -> Result<JobView> {
    match cancel(&attempt(scope, None), job).await? {
        Done::Now(job) | Done::Before(job) => Ok(job),
    }
}

#[test]
fn expired_keys_go_at_the_next_time_of_the_schedule_and_then_nothing_is_left_to_look_at() {
    on_both(&async |world| {
        let (acme, quiet) = (world.tenant("acme").await, world.tenant("quiet").await);
        world.expired(&quiet, 1).await;
        world.keyed(&acme, "a").await.unwrap();
        world.keyed(&acme, "b").await.unwrap();
        let planned = world.jobs(&acme).await;
        assert_eq!(planned.len(), 1, "{planned:?}");
        assert_eq!((planned[0].state, planned[0].due_at), (State::Waiting, Some(at(SLOT))));
        world.expired(&acme, 3).await;
        // What was noted has settled: the next look is when the job is due.
        world.clock.advance(LATER);
        world.work().await;
        assert_eq!(world.platform("SELECT due_at FROM insula.job_queue").await, [at(SLOT)]);
        world.go_to("2026-03-01T03:16:59Z");
        world.work().await;
        assert_eq!(world.keys(&acme).await, 5);

        world.go_to(SLOT);
        world.work().await;
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs[0].state, jobs[0].done, jobs[0].total), (State::Succeeded, 3, Some(3)), "{jobs:?}");
        assert_eq!((jobs[0].started_at, jobs[0].ended_at), (Some(at(SLOT)), Some(at(SLOT))));
        // Two keys are good for a while, so there is another run.
        assert_eq!((jobs.len(), jobs[1].due_at), (2, Some(at("2026-03-02T03:17:00Z"))));
        assert_eq!((world.keys(&acme).await, world.finished(&acme).await), (2, 1));

        world.clock.advance(DAY);
        world.work().await;
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs.len(), jobs[1].done, world.keys(&acme).await), (2, 2, 0), "{jobs:?}");
        assert_eq!(world.platform("SELECT due_at FROM insula.job_queue").await, []);
        // Nobody looked at the one who used no key.
        assert_eq!((world.keys(&quiet).await, world.jobs(&quiet).await.len()), (1, 0));

        world.keyed(&acme, "c").await.unwrap();
        assert_eq!(world.jobs(&acme).await.last().unwrap().due_at, Some(at("2026-03-03T03:17:00Z")));
    });
}

#[test]
fn jobs_are_told_of_for_thirty_days() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        for n in 0..40 {
            world.keyed(&acme, &n.to_string()).await.unwrap();
            world.clock.advance(DAY);
            world.work().await;
        }
        let left = world.jobs(&acme).await;
        assert!((30..=33).contains(&left.len()), "{}", left.len());
        assert_eq!(world.finished(&acme).await, 40);
    });
}

#[test]
fn a_page_ends_where_the_next_begins() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        for n in 0..3 {
            world.keyed(&acme, &n.to_string()).await.unwrap();
            world.clock.advance(DAY);
            world.work().await;
        }
        let all: Vec<_> = list(&acme, "").await.unwrap().items.into_iter().map(|job| job.id).collect();
        assert!(all.len() >= 3 && all.windows(2).all(|pair| pair[0] > pair[1]), "{all:?}");
        let (mut found, mut query) = (Vec::new(), "limit=2".to_owned());
        loop {
            let page = list(&acme, &query).await.unwrap();
            found.extend(page.items.into_iter().map(|job| job.id));
            let Some(cursor) = page.next_cursor else { break };
            query = format!("limit=2&cursor={cursor}");
        }
        assert_eq!(found, all);
    });
}

#[test]
fn those_who_work_at_once_do_each_thing_once() {
    on_both(&async |world| {
        let mut scopes = Vec::new();
        for n in 0..6 {
            let scope = world.tenant(&format!("acme{n}")).await;
            world.keyed(&scope, "k").await.unwrap();
            world.expired(&scope, 700).await;
            scopes.push(scope);
        }
        world.go_to(SLOT);
        let work = || world.work();
        Box::pin(async { tokio::join!(work(), work(), work(), work()) }).await;
        // Where all of them met on one job, whoever came too late left it for a moment.
        world.clock.advance(LATER);
        world.work().await;
        for scope in &scopes {
            let jobs = world.jobs(scope).await;
            assert_eq!((jobs[0].state, jobs[0].done, jobs[0].total), (State::Succeeded, 700, Some(700)), "{jobs:?}");
            assert_eq!((world.keys(scope).await, world.finished(scope).await), (1, 1));
        }
    });
}

#[test]
fn what_only_a_newer_program_can_do_waits_for_it() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        world.keyed(&acme, "k").await.unwrap();
        world.go_to(SLOT);
        let kind = "UPDATE job SET kind = 'of_the_future'";
        let placement = acme.caller().placement();
        world.alter(placement, kind, &kind.replace("job", "insula_tenant.job")).await;
        assert!(world.take(&acme).await.is_none());
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs[0].state, jobs[0].kind.as_str()), (State::Waiting, "of_the_future"));
        assert_eq!(jobs[0].due_at, Some(world.clock.now().plus_seconds(60)));
    });
}
