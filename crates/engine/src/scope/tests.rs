//! A request may be given up at any await, its client gone. Whoever borrows the connection next, another tenant, sees
//! nothing of it, and no half of it stays.

use std::sync::atomic::{AtomicUsize, Ordering};

use insula_model::clock::Clock;
use insula_model::id::RequestId;
use insula_model::json::Json;
use insula_model::value::{Timestamp, Value};
use uuid::Uuid;

use super::*;
use crate::cancel::polled;
use crate::engine::{CONVERTED_AT_ONCE, IdentityOptions, Options};
use crate::grant::{Create, Read};
use crate::mail::MailOptions;
use crate::sql::Dialect;
use crate::store::scratch::{Scratch, on_scratch};
use crate::store::{StoreOptions, Stores};

struct House {
    engine: Engine,
    clock: Clock,
    one: Scope,
    other: Scope,
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn origin() -> Origin {
    Origin { request: RequestId::from(Uuid::nil()), address: "192.0.2.1".into(), user_agent: "test".into() }
}

fn options(store: StoreOptions, clock: &Clock) -> Options {
    let identity = IdentityOptions { bcrypt_cost: 4, ..IdentityOptions::default() };
    Options {
        store,
        secret_key: "0123456789abcdef0123456789abcdef".into(),
        identity,
        mail: MailOptions::into_folder("/nowhere".into()),
        converted_at_once: CONVERTED_AT_ONCE,
        clock: clock.clone(),
    }
}

async fn owner(engine: &Engine, code: &str) -> Scope {
    let body = format!(
        r#"{{"tenant":{{"code":"{code}","name":"N"}},"email":"o@{code}.example","password":"correct horse battery","full_name":"O"}}"#
    );
    let tokens = engine.public(origin()).register(&json(&body)).await.unwrap();
    engine.authenticate(&tokens.access_token, origin()).await.unwrap()
}

impl House {
    async fn over(engine: Engine, clock: Clock) -> Self {
        let (one, other) = (owner(&engine, "one").await, owner(&engine, "other").await);
        for scope in [&one, &other] {
            define(scope, "note").await.unwrap();
        }
        Self { engine, clock, one, other }
    }

    async fn texts(&self, scope: &Scope, sql: &str) -> Vec<String> {
        let mut tx = self.engine.0.stores.tenant_read(scope.caller().placement()).await.unwrap();
        let rows = tx.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    }

    /// Every table has its entity and every entity its table, every record its event and every event its record.
    async fn is_whole(&self, scope: &Scope) {
        // In line behind a commit that was on its way when it was given up.
        let tx = self.engine.0.stores.tenant_alter(scope.caller().placement()).await.unwrap();
        tx.commit().await.unwrap();
        let tx = self.engine.0.stores.tenant_read(scope.caller().placement()).await.unwrap();
        let (tables, system) = match tx.dialect() {
            Dialect::Sqlite => {
                ("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 't\\_%' ESCAPE '\\'", "")
            }
            Dialect::Postgres => (
                "SELECT c.relname::text FROM pg_class c JOIN pg_roles r ON r.rolname = current_user \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind = 'r' AND n.nspname = 'tenant_' || substr(r.rolname, 10)",
                "insula_tenant.",
            ),
        };
        drop(tx);
        let actions =
            format!("SELECT action FROM {system}audit_event WHERE action IN ('record.create', 'entity.create')");
        let actions = self.texts(scope, &actions).await;
        let count = |action: &str| actions.iter().filter(|found| *found == action).count();
        let entities = self.texts(scope, &format!("SELECT name FROM {system}entity")).await;
        assert_eq!(self.texts(scope, tables).await.len(), entities.len());
        assert_eq!(count("entity.create"), entities.len());
        let mut records = 0;
        for entity in entities {
            let found = list(scope, &entity).await.unwrap();
            assert_eq!(found % 2, 0, "half of a transaction");
            records += found;
        }
        assert_eq!(count("record.create"), records);
    }
}

// Each yields in between: on SQLite a statement that is quick has no await of its own to be given up at.

async fn define(scope: &Scope, name: &str) -> Result<()> {
    let body = json(&format!(r#"{{"name":"{name}","fields":[{{"name":"title","type":"text"}}]}}"#));
    scope
        .design(async |tx| {
            tokio::task::yield_now().await;
            tx.create_entity(&body).await?;
            tokio::task::yield_now().await;
            Ok(())
        })
        .await
}

async fn add_two(scope: &Scope, entity: &str) -> Result<()> {
    let body = json(r#"{"title":"x"}"#);
    scope
        .write(async |tx| {
            let grant = tx.authorize::<Create>(&tx.entity(entity)?)?;
            for _ in 0..2 {
                tx.insert(&grant, grant.draft(&body)?).await?;
                tokio::task::yield_now().await;
            }
            Ok(())
        })
        .await
}

/// How many records there are, counted twice.
async fn list(scope: &Scope, entity: &str) -> Result<usize> {
    scope
        .read(async |tx| {
            let query = tx.authorize::<Read>(&tx.entity(entity)?)?.query("limit=1000")?;
            let first = tx.list(&query).await?.into_json();
            tokio::task::yield_now().await;
            let again = tx.list(&query).await?.into_json();
            assert_eq!(first, again);
            let page: serde_json::Value = serde_json::from_slice(&first).unwrap();
            Ok(page["items"].as_array().unwrap().len())
        })
        .await
}

/// What the neighbour finds who comes next, on every kind of connection.
async fn check_neighbour(house: &House) {
    let other = &house.other;
    let mut tx = house.engine.0.stores.tenant_read(other.caller().placement()).await.unwrap();
    if tx.dialect() == Dialect::Postgres {
        let who =
            "SELECT current_user::text, current_setting('insula.tenant'), pg_current_xact_id_if_assigned() IS NULL";
        let rows = tx.query(who, &[]).await.unwrap();
        let tenant = other.caller().tenant();
        assert_eq!(rows[0].text(0).unwrap(), format!("insula_t_{}", tenant.uuid().as_simple()));
        assert_eq!(rows[0].text(1).unwrap(), tenant.to_string());
        assert!(rows[0].bool(2).unwrap());
    }
    tx.commit().await.unwrap();
    assert_eq!(list(other, "note").await.unwrap(), 0);
    assert_eq!(other.read(async |tx| Ok(tx.entities()?.len())).await.unwrap(), 1);
    let refused: Result<()> = other.write(async |_| Err(Problem::not_found())).await;
    assert!(refused.is_err());
    let refused: Result<()> = other.alter(async |_| Err(Problem::not_found())).await;
    assert!(refused.is_err());
}

/// Gives each kind of transaction up after 0, 1, 2 … polls, until it ends by itself.
async fn give_up_everywhere(house: &House, check: impl AsyncFn()) {
    for kind in ["read", "write", "write what is new to the connection", "alter"] {
        let mut polls = 0;
        loop {
            let (one, fresh) = (&house.one, format!("{}{polls}", kind.split(' ').next_back().unwrap()));
            let ended = match kind {
                "read" => polled(Box::pin(list(one, "note")), polls).await.map(|read| read.map(drop)),
                "write" => polled(Box::pin(add_two(one, "note")), polls).await,
                "alter" => polled(Box::pin(define(one, &fresh)), polls).await,
                _ => {
                    define(one, &fresh).await.unwrap();
                    polled(Box::pin(add_two(one, &fresh)), polls).await
                }
            };
            check_neighbour(house).await;
            check().await;
            // What this node believes of the tenant is asked again.
            house.clock.advance(2);
            house.is_whole(one).await;
            polls += 1;
            if let Some(result) = ended {
                result.unwrap();
                break;
            }
        }
        assert!(polls >= 2, "{kind} was given up at {polls} points only");
    }
    house.is_whole(&house.other).await;
    // And the tenant it happened to works on.
    add_two(&house.one, "note").await.unwrap();
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_given_up_anywhere_leaves_nothing_on_sqlite() {
    let dir = tempfile::TempDir::new().unwrap();
    let clock = Clock::fixed(NOW);
    let engine = Engine::open(options(StoreOptions::Sqlite { data_dir: dir.path().to_owned() }, &clock)).await.unwrap();
    give_up_everywhere(&House::over(engine, clock).await, async || {}).await;
}

#[test]
fn a_request_given_up_anywhere_leaves_nothing_on_postgres() {
    on_scratch(async |scratch: &Scratch| {
        let clock = Clock::fixed(NOW);
        let unused = StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        // One connection of each kind: the neighbour gets the very one.
        let stores = Stores::Postgres(scratch.open_narrow().await);
        let house = House::over(Engine::over(stores, options(unused, &clock)), clock).await;
        give_up_everywhere(&house, async || {
            let Stores::Postgres(stores) = &house.engine.0.stores else { unreachable!() };
            scratch.check_all_at_rest(stores).await;
        })
        .await;
    });
}

/// Two writers that wait for each other's lock: one of them is given up by the store, begins again, and neither client
/// hears of it.
#[test]
fn a_write_given_up_for_anothers_sake_is_begun_again_on_postgres() {
    on_scratch(async |scratch: &Scratch| {
        let clock = Clock::fixed(NOW);
        let store = StoreOptions::Postgres { url: scratch.url(), cell_tenant_limit: 1000 };
        let engine = Engine::open(options(store, &clock)).await.unwrap();
        let house = House::over(engine, clock).await;
        let (met, runs) = (tokio::sync::Barrier::new(2), AtomicUsize::new(0));
        let take = async |mine: i64, theirs: i64| {
            let (met, runs) = (&met, &runs);
            let work = async move |tx: &mut Tx<'_, Writing>| {
                lock(tx, mine).await?;
                // Only whoever runs for the first time has somebody to wait for.
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    met.wait().await;
                }
                lock(tx, theirs).await?;
                let grant = tx.authorize::<Create>(&tx.entity("note")?)?;
                tx.insert(&grant, grant.draft(&json(r#"{"title":"x"}"#))?).await.map(drop)
            };
            house.one.write(work).await
        };
        let (first, second) = tokio::join!(take(1, 2), take(2, 1));
        first.unwrap();
        second.unwrap();
        assert_eq!(runs.into_inner(), 3);
        house.is_whole(&house.one).await;
    });
}

async fn lock(tx: &mut Tx<'_, Writing>, key: i64) -> Result<()> {
    let taken = tx.store.query("SELECT pg_advisory_xact_lock($1) IS NULL", &[&Value::Int(key)]).await;
    taken.map(drop).map_err(|error| tx.failed(error))
}
