//! Real files in temporary folders.

mod create;
mod files;
mod group;
mod read;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use insula_model::id::TenantId;
use insula_model::value::Value;
use uuid::Uuid;

use super::open_files::Capacity;
use super::{Stores, Tx};

/// Longer than anything here takes, unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);

struct Fixture {
    stores: Arc<Stores>,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with_capacity(8).await
    }

    async fn with_capacity(open_files: usize) -> Self {
        Self::with_files(Capacity { warm: open_files, cool: 0 }).await
    }

    async fn with_files(capacity: Capacity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores::with_capacity(folder.path().to_owned(), capacity).await.unwrap();
        Self { stores: Arc::new(stores), folder }
    }

    /// A fixture with one tenant and a table in it.
    async fn with_table() -> (Self, TenantId) {
        let fixture = Self::new().await;
        let tenant = tenant(1);
        fixture.add(tenant).await;
        (fixture, tenant)
    }

    async fn add(&self, tenant: TenantId) {
        let mut tx = self.stores.create_tenant(tenant).await.unwrap();
        tx.ddl("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, up INTEGER REFERENCES t (id)) STRICT")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.stores.settle_tenant(tenant).await.unwrap();
    }

    fn path(&self, tenant: TenantId) -> std::path::PathBuf {
        self.folder.path().join("tenants").join(format!("{tenant}.db"))
    }

    /// The same folder, opened by another process' eyes.
    async fn reopen(&self) -> Stores {
        Stores::open(self.folder.path()).await.unwrap()
    }
}

fn tenant(n: u128) -> TenantId {
    Uuid::from_u128(n).into()
}

async fn insert(tx: &mut Tx, id: i64) {
    tx.execute("INSERT INTO t (id, name) VALUES (?1, ?2)", &[&Value::Int(id), &Value::Text(id.to_string())])
        .await
        .unwrap();
}

async fn ids(stores: &Stores, tenant: TenantId) -> Vec<i64> {
    let mut tx = stores.tenant_read(tenant).await.unwrap();
    ids_in(&mut tx).await
}

async fn ids_in(tx: &mut Tx) -> Vec<i64> {
    let rows = tx.query("SELECT id FROM t ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| row.int(0).unwrap()).collect()
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it hangs")
}
