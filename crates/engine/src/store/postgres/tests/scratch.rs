//! A database and a plain owner for one test, and what several tests need of them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use insula_model::clock::{Clock, Ids};
use insula_model::id::TenantId;
use insula_model::value::Value;
use secrecy::SecretString;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::store::postgres::owner::Sessions;
use crate::store::postgres::{Stores, names};
use crate::store::{Placement, Row, StoreError};

pub(crate) struct Scratch {
    superuser: Config,
    name: String,
    pub(super) ids: Ids,
}

/// Runs a test on a database and an owner of its own, and removes both, however the test ends.
pub(crate) fn on_scratch(test: impl AsyncFnOnce(&Scratch)) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("INSULA_TEST_POSTGRES").expect("no INSULA_TEST_POSTGRES: run `cargo xtask test`");
    let name = format!("insula_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let scratch = Scratch { superuser: url.parse().unwrap(), name, ids: Ids::new(Clock::default()) };
    // On one thread an answer cannot come between sending and asking for it: every await is one to be given up at.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(scratch.make());
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&scratch))));
    runtime.block_on(scratch.remove());
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

impl Scratch {
    async fn make(&self) {
        let admin = self.admin("postgres").await;
        let name = &self.name;
        admin
            .batch_execute(&format!(
                "CREATE ROLE {name} LOGIN PASSWORD 'plain' CREATEROLE CREATEDB NOSUPERUSER NOBYPASSRLS"
            ))
            .await
            .unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await.unwrap();
    }

    async fn remove(&self) {
        let admin = self.admin("postgres").await;
        let roles = match self.mark().await {
            Some(mark) => {
                strings(
                    &admin,
                    &format!(
                        "SELECT r.rolname::text FROM pg_roles r WHERE r.rolname LIKE '{mark}%' OR r.oid IN (
                     SELECT m.roleid FROM pg_auth_members m JOIN pg_roles l ON l.oid = m.member
                     WHERE l.rolname LIKE '{mark}%')"
                    ),
                )
                .await
            }
            None => Vec::new(),
        };
        let own = format!(
            "SELECT datname::text FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE rolname = '{}'",
            self.name
        );
        for database in strings(&admin, &own).await {
            admin.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).await.unwrap();
        }
        for role in roles {
            admin.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
        }
        admin.batch_execute(&format!("DROP ROLE {}", self.name)).await.unwrap();
    }

    /// How the names of this installation's roles begin.
    pub(super) async fn mark(&self) -> Option<String> {
        let admin = self.admin(&self.name).await;
        let there = strings(&admin, "SELECT to_regclass('insula_store.installation')::text").await;
        if there.iter().all(String::is_empty) {
            return None;
        }
        let ids = strings(&admin, "SELECT left(id::text, 8) FROM insula_store.installation").await;
        Some(format!("insula_{}_", ids[0]))
    }

    /// The superuser in a database.
    pub(super) async fn admin(&self, database: &str) -> Client {
        connect(self.superuser.clone().dbname(database)).await.unwrap()
    }

    /// The superuser in the platform's database.
    pub(super) async fn inside(&self) -> Client {
        self.admin(&self.name).await
    }

    /// The plain role that owns the database.
    pub(super) fn owner(&self) -> String {
        self.name.clone()
    }

    /// Some role in the platform's database.
    pub(super) async fn as_role(&self, role: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
        connect(self.superuser.clone().dbname(&self.name).user(role).password(password)).await
    }

    pub(crate) fn url(&self) -> SecretString {
        let host = match &self.superuser.get_hosts()[0] {
            tokio_postgres::config::Host::Tcp(host) => host.clone(),
            tokio_postgres::config::Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
        };
        let (name, port) = (&self.name, self.superuser.get_ports().first().copied().unwrap_or(5432));
        SecretString::from(format!("postgresql+psycopg2://{name}:plain@{host}:{port}/{name}"))
    }

    pub(super) async fn open(&self) -> Stores {
        self.open_with(1000, "the secret").await.unwrap()
    }

    /// With one session in each pool, so that the next borrower is sure to get the one given back.
    pub(crate) async fn open_narrow(&self) -> Stores {
        let one = Sessions { owner: 1, platform: 1, cell: 1 };
        Stores::open_sized(&self.url(), 1000, &SecretString::from("the secret"), one).await.unwrap()
    }

    /// Every connection of `stores` is itself again: in no transaction, and of no other role and tenant than it is known to
    /// wear the guise of. With one connection in each pool, what was on its way on it comes first.
    pub(crate) async fn check_all_at_rest(&self, stores: &Stores) {
        let cell = stores.cell(1).await.unwrap();
        for pool in [&stores.platform, &cell.serving, &cell.owner] {
            let session = pool.get().await.unwrap();
            let (role, tenant) = match session.guise {
                Some(tenant) => (format!("'{}'", names::role(tenant)), tenant.to_string()),
                None => ("session_user".to_owned(), String::new()),
            };
            let state = format!(
                "SELECT current_user = {role} AND coalesce(current_setting('insula.tenant', true), '') = '{tenant}' \
                 AND now() = statement_timestamp()"
            );
            // A simple query: of an extended one the parts begin at times of their own.
            let answer = session.client.simple_query(&state).await.unwrap();
            let sound = answer.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(sound, Some("t"));
        }
        // One that was closed in the middle of something leaves in its own time.
        let open = "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
        let admin = self.inside().await;
        let mut looks = 0;
        while !strings(&admin, open).await.is_empty() {
            looks += 1;
            assert!(looks < 10_000, "a connection stays in a transaction");
        }
    }

    pub(super) async fn open_with(&self, limit: u32, secret: &str) -> Result<Stores, StoreError> {
        Stores::open(&self.url(), limit, &SecretString::from(secret)).await
    }

    /// A tenant with one table of [`table`]'s name.
    pub(super) async fn tenant(&self, stores: &Stores) -> Placement {
        let tenant: TenantId = self.ids.next();
        let (placement, mut tx) = stores.create_tenant(tenant).await.unwrap();
        let table = table(placement);
        tx.ddl(&format!("CREATE TABLE {table} (id bigint CONSTRAINT the_key PRIMARY KEY, title text)")).await.unwrap();
        tx.commit().await.unwrap();
        placement
    }
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(super) async fn strings(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_default()).collect()
}

pub(super) fn table(placement: Placement) -> String {
    format!("{}.t", names::schema(placement.tenant))
}

/// Inserts one row into a tenant's table.
pub(super) async fn insert(stores: &Stores, placement: Placement, id: i64, title: &str) {
    let mut tx = stores.tenant_write(placement).await.unwrap();
    let sql = format!("INSERT INTO {} (id, title) VALUES ($1, $2)", table(placement));
    tx.execute(&sql, &[&Value::Int(id), &Value::Text(title.to_owned())]).await.unwrap();
    tx.commit().await.unwrap();
}

/// What a tenant's read gives.
pub(super) async fn read(stores: &Stores, placement: Placement, sql: &str) -> Result<Vec<Row>, StoreError> {
    let mut tx = stores.tenant_read(placement).await?;
    let rows = tx.query(sql, &[]).await?;
    tx.commit().await?;
    Ok(rows)
}

/// The same by a read of that one statement.
pub(super) async fn read_one(stores: &Stores, placement: Placement, sql: &str) -> Result<Vec<Row>, StoreError> {
    let mut tx = stores.tenant_read(placement).await?;
    tx.expect_one();
    let rows = tx.query(sql, &[]).await?;
    tx.commit().await?;
    Ok(rows)
}

pub(super) async fn count(stores: &Stores, placement: Placement) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", table(placement));
    read(stores, placement, &sql).await.unwrap()[0].int(0).unwrap()
}
