//! The two stores a test runs on, each made for one test alone, and a look into them past the API.

use std::path::PathBuf;

use insula_engine::StoreOptions;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres::Database;

/// Which store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    Sqlite,
    Postgres,
}

/// A store of one test, removed when dropped.
pub struct Place {
    pub data_dir: TempDir,
    /// Absent on SQLite.
    pub database: Option<Database>,
}

impl Place {
    pub async fn make(store: Store) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary folder can be made");
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Database::create().await),
        };
        Self { data_dir, database }
    }

    pub fn options(&self) -> StoreOptions {
        match &self.database {
            None => StoreOptions::Sqlite { data_dir: self.data_dir.path().to_owned() },
            Some(database) => StoreOptions::Postgres { url: database.url().into(), cell_tenant_limit: 1000 },
        }
    }

    /// The rows of `sql` over the platform's tables, `insula.…`; values as text, bytes in hex.
    pub async fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        match &self.database {
            Some(database) => database.rows(sql).await,
            None => sqlite_rows(&[("insula", self.data_dir.path().join("platform.db"))], sql),
        }
    }

    /// The same over a tenant's tables too: `insula_tenant.…`, and on SQLite its entities by their bare names.
    pub async fn tenant_sql(&self, tenant: Uuid, sql: &str) -> Vec<Vec<Option<String>>> {
        match &self.database {
            Some(database) => database.rows(sql).await,
            None => {
                let file = self.data_dir.path().join("tenants").join(format!("{tenant}.db"));
                sqlite_rows(&[("insula", self.data_dir.path().join("platform.db")), ("insula_tenant", file)], sql)
            }
        }
    }
}

fn sqlite_rows(files: &[(&str, PathBuf)], sql: &str) -> Vec<Vec<Option<String>>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags("file::memory:", flags).expect("SQLite opens");
    for (name, file) in files {
        let uri = format!("file:{}?mode=ro", file.display());
        connection.execute(&format!("ATTACH ?1 AS {name}"), [&uri]).unwrap_or_else(|error| panic!("{uri}: {error}"));
    }
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(hex::encode(bytes)),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|i| row.get_ref(i).map(text)).collect()).expect("runs");
    rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{sql}: {error}"))
}
