//! A database and a plain owner for one test, on the PostgreSQL that `cargo xtask test` provides.

#[cfg(target_os = "linux")]
pub mod cluster;

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// Removed with everything made in it when dropped.
pub struct Database {
    superuser: Config,
    name: String,
    url: String,
}

impl Database {
    pub async fn create() -> Self {
        Self::create_on(given()).await
    }

    /// The same on the server that `superuser` is let into.
    pub async fn create_on(superuser: Config) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("insula_app_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = connect(&superuser, "postgres").await;
        let owner = format!("CREATE ROLE {name} LOGIN PASSWORD 'plain' CREATEROLE CREATEDB NOSUPERUSER NOBYPASSRLS");
        admin.batch_execute(&owner).await.expect("the owner can be made");
        let database = format!("CREATE DATABASE {name} OWNER {name}");
        admin.batch_execute(&database).await.expect("the database can be made");
        let url = owner_url(&superuser, &name);
        Self { superuser, name, url }
    }

    /// The owner's, as `DATABASE_URL` wants it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The plain role that owns the database, and the database itself.
    pub fn owner(&self) -> &str {
        &self.name
    }

    /// Runs statements as the owner.
    pub async fn run_as_owner(&self, sql: &str) {
        let mut owner = self.superuser.clone();
        let client = connect(owner.user(&self.name).password("plain"), &self.name).await;
        client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// A superuser in the database: sees and may do everything.
    pub async fn superuser(&self) -> Client {
        connect(&self.superuser, &self.name).await
    }

    /// The rows of `sql`, each value as PostgreSQL prints it.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        rows(&self.superuser().await, sql).await
    }

    /// Every row of every table, as text; bytes in hex.
    pub async fn everything(&self) -> String {
        let tables = "SELECT format('SELECT t::text FROM %I.%I t', schemaname, tablename) FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        let mut all = String::new();
        for table in self.rows(tables).await.into_iter().flatten().flatten() {
            for row in self.rows(&table).await.into_iter().flatten().flatten() {
                all.push_str(&row);
                all.push('\n');
            }
        }
        all
    }

    /// Ends every session in the database and lets nobody in again until [`Database::open`].
    pub async fn shut(&self) {
        self.shut_cell(&self.name).await;
    }

    /// The same with the database of a cell.
    pub async fn shut_cell(&self, name: &str) {
        let admin = connect(&self.superuser, "postgres").await;
        let end = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        admin.simple_query(&end).await.expect("the database can be shut");
    }

    pub async fn open(&self) {
        self.open_cell(&self.name).await;
    }

    pub async fn open_cell(&self, name: &str) {
        let admin = connect(&self.superuser, "postgres").await;
        let open = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
        admin.batch_execute(&open).await.expect("the database can be opened");
    }
}

/// The superuser's way into the server that `cargo xtask test` provides.
fn given() -> Config {
    let url = std::env::var("INSULA_TEST_POSTGRES").expect("no INSULA_TEST_POSTGRES: run `cargo xtask test`");
    url.parse().expect("INSULA_TEST_POSTGRES is a connection string")
}

async fn connect(superuser: &Config, database: &str) -> Client {
    let (client, connection) = superuser.clone().dbname(database).connect(NoTls).await.expect("the superuser gets in");
    tokio::spawn(connection);
    client
}

async fn rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}

fn owner_url(superuser: &Config, name: &str) -> String {
    use tokio_postgres::config::Host;
    let port = superuser.get_ports().first().copied().unwrap_or(5432);
    match superuser.get_hosts().first() {
        Some(Host::Tcp(host)) => format!("postgresql://{name}:plain@{host}:{port}/{name}"),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => {
            let folder = folder.to_str().expect("a socket's folder in UTF-8");
            format!("postgresql://{name}:plain@/{name}?host={folder}&port={port}")
        }
        None => panic!("INSULA_TEST_POSTGRES names no host"),
    }
}

/// Databases of the owner, then every role that had a part in one of them, then the owner.
async fn remove(superuser: Config, name: String) {
    let admin = connect(&superuser, "postgres").await;
    let owned = format!("d.datdba = (SELECT oid FROM pg_roles WHERE rolname = '{name}')");
    let first = |rows: Vec<Vec<Option<String>>>| rows.into_iter().filter_map(|mut row| row.swap_remove(0));
    let parts = format!(
        "SELECT DISTINCT r.rolname FROM pg_database d \
         JOIN pg_shdepend s ON s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid) \
         JOIN pg_roles r ON s.refclassid = 'pg_authid'::regclass AND r.oid = s.refobjid \
         WHERE {owned} AND r.rolname <> '{name}' AND NOT r.rolsuper"
    );
    let roles: Vec<_> = first(rows(&admin, &parts).await).collect();
    for database in first(rows(&admin, &format!("SELECT d.datname FROM pg_database d WHERE {owned}")).await) {
        rows(&admin, &format!("DROP DATABASE \"{database}\" WITH (FORCE)")).await;
    }
    for role in roles.iter().chain([&name]) {
        rows(&admin, &format!("DROP ROLE \"{role}\"")).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (superuser, name) = (self.superuser.clone(), self.name.clone());
        // A destructor cannot await, so it waits for a thread that can.
        let removed = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(remove(superuser, name));
        });
        // A test that failed already says why; what is left goes with the whole cluster.
        if removed.join().is_err() && !std::thread::panicking() {
            panic!("the test's database could not be removed");
        }
    }
}
