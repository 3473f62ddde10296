//! The stores: a platform store and many tenant stores, on SQLite files or in PostgreSQL.
//!
//! Knows drivers, files, pools, roles and transactions. Must not know entities, rights or HTTP. Nothing outside
//! of this folder names a driver, and nothing outside of it asks which engine it is on.

mod cell;
mod error;
mod postgres;
mod row;
mod sqlite;

use std::path::PathBuf;

use insula_model::id::TenantId;
use insula_model::value::Value;
use secrecy::SecretString;
use tokio::sync::Semaphore;

pub(crate) use cell::{Noted, Shape, Step, Tail};
pub(crate) use error::{StoreError, UniqueBreach};
#[cfg(test)]
pub(crate) use postgres::tests::scratch;
pub(crate) use row::Row;

use crate::sql::{Dialect, Fixed};

/// Where data lives.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// A folder: `platform.db`, and `tenants/<id>.db` for each tenant.
    Sqlite { data_dir: PathBuf },
    /// An owner with CREATEROLE and CREATEDB: migrates, makes tenants and login roles, changes schemas, and
    /// serves no request itself.
    Postgres { url: SecretString, cell_tenant_limit: u32 },
}

/// Which store holds a tenant. Cells count from 1; on SQLite every file is its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Placement {
    pub(crate) tenant: TenantId,
    pub(crate) cell: i64,
}

/// The counters every write reads first: a cached model of another version must be read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Versions {
    pub(crate) schema: i64,
    pub(crate) grants: i64,
}

/// How many transactions one tenant may have open at once, so that it cannot take all sessions of a store it shares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) serving: usize,
    pub(crate) altering: usize,
}

/// All stores of this installation.
pub(crate) enum Stores {
    Sqlite(sqlite::Stores),
    Postgres(postgres::Stores),
}

/// One open transaction on one store. Dropping it rolls it back.
pub(crate) enum Tx {
    Sqlite(sqlite::Tx),
    Postgres(postgres::Tx),
}

impl Stores {
    /// Opens the platform store and migrates it. `secret` seals what the stores keep secret.
    pub(crate) async fn open(options: &StoreOptions, secret: &SecretString) -> Result<Self, StoreError> {
        Ok(match options {
            StoreOptions::Sqlite { data_dir } => Self::Sqlite(sqlite::Stores::open(data_dir).await?),
            StoreOptions::Postgres { url, cell_tenant_limit } => {
                Self::Postgres(postgres::Stores::open(url, *cell_tenant_limit, secret).await?)
            }
        })
    }

    /// What one tenant may take.
    pub(crate) const fn share(&self) -> Share {
        match self {
            // A file is its tenant's alone, and bounds its readers itself.
            Self::Sqlite(_) => Share { serving: Semaphore::MAX_PERMITS, altering: Semaphore::MAX_PERMITS },
            Self::Postgres(stores) => stores.share(),
        }
    }

    /// A consistent view of the platform's tables.
    pub(crate) async fn platform_read(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.platform_read().await?),
            Self::Postgres(stores) => Tx::Postgres(stores.platform_read().await?),
        })
    }

    /// A change of the platform's tables.
    pub(crate) async fn platform_write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.platform_write().await?),
            Self::Postgres(stores) => Tx::Postgres(stores.platform_write().await?),
        })
    }

    /// A consistent view of one tenant. On PostgreSQL nothing is sent before the first statement.
    pub(crate) async fn tenant_read(&self, placement: Placement) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.tenant_read(placement.tenant).await?),
            Self::Postgres(stores) => Tx::Postgres(stores.tenant_read(placement).await?),
        })
    }

    /// A change of one tenant's rows; may share its commit with others on SQLite. [`Tx::versions`] is known from
    /// the start, and no schema change can run beside it.
    pub(crate) async fn tenant_write(&self, placement: Placement) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.tenant_write(placement.tenant).await?),
            Self::Postgres(stores) => Tx::Postgres(stores.tenant_write(placement).await?),
        })
    }

    /// The same, for one who believes to know the versions. On PostgreSQL nothing is sent before the first statement,
    /// and that fails with [`StoreError::SchemaMoved`] if they are others: a round trip less.
    pub(crate) async fn tenant_write_at(&self, placement: Placement, believed: Versions) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.tenant_write(placement.tenant).await?),
            Self::Postgres(stores) => Tx::Postgres(stores.tenant_write_at(placement, believed).await?),
        })
    }

    /// A change of one tenant's grants: alone on the tenant.
    pub(crate) async fn tenant_alter(&self, placement: Placement) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.tenant_alter(placement.tenant).await?),
            Self::Postgres(stores) => Tx::Postgres(stores.tenant_alter(placement).await?),
        })
    }

    /// A change of one tenant's schema: alone on the tenant, with the right to DDL. On SQLite without foreign keys, since
    /// a table that others refer to is made anew as another and takes its place.
    pub(crate) async fn tenant_redesign(&self, placement: Placement) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(stores) => Tx::Sqlite(stores.tenant_redesign(placement.tenant).await?),
            Self::Postgres(stores) => Tx::Postgres(stores.tenant_alter(placement).await?),
        })
    }

    /// Makes the (empty, migrated) store of a new tenant and gives an open [`Stores::tenant_alter`] transaction on it:
    /// nothing of it is left if that is dropped. The store's own row in `insula_tenant.tenant` is written already. The
    /// store is marked as being registered until [`Stores::settle_tenant`].
    pub(crate) async fn create_tenant(&self, tenant: TenantId) -> Result<(Placement, Tx), StoreError> {
        match self {
            Self::Sqlite(stores) => {
                let tx = stores.create_tenant(tenant).await?;
                Ok((Placement { tenant, cell: 1 }, Tx::Sqlite(tx)))
            }
            Self::Postgres(stores) => {
                let (placement, tx) = stores.create_tenant(tenant).await?;
                Ok((placement, Tx::Postgres(tx)))
            }
        }
    }

    /// Removes a tenant's store for good. Used for what an interrupted registration left behind.
    pub(crate) async fn drop_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(stores) => stores.drop_tenant(placement.tenant).await,
            Self::Postgres(stores) => stores.drop_tenant(placement).await,
        }
    }

    /// Takes away the mark that [`Stores::create_tenant`] put on a new store: it is registered now, and nobody removes it
    /// by himself any more.
    pub(crate) async fn settle_tenant(&self, placement: Placement) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(stores) => stores.settle_tenant(placement.tenant).await,
            Self::Postgres(stores) => stores.settle_tenant(placement).await,
        }
    }

    /// Tenant stores that still bear the mark of being registered.
    pub(crate) async fn unsettled_tenants(&self) -> Result<Vec<Placement>, StoreError> {
        match self {
            Self::Sqlite(stores) => stores.unsettled_tenants().await,
            Self::Postgres(stores) => stores.unsettled_tenants().await,
        }
    }

    /// Tenant stores that exist, whether the platform knows them or not.
    pub(crate) async fn tenant_stores(&self) -> Result<Vec<Placement>, StoreError> {
        match self {
            Self::Sqlite(stores) => stores.tenant_stores().await,
            Self::Postgres(stores) => stores.tenant_stores().await,
        }
    }

    /// Finishes what was accepted and closes files and pools.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(stores) => stores.close().await,
            Self::Postgres(stores) => stores.close().await,
        }
    }
}

impl Tx {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The tenant's counters as this transaction found them; present on tenant writes and alters.
    pub(crate) const fn versions(&self) -> Option<Versions> {
        match self {
            Self::Sqlite(tx) => tx.versions(),
            Self::Postgres(tx) => tx.versions(),
        }
    }

    /// Says that the next statement is all this transaction is. A read on PostgreSQL can do without the messages around
    /// it then, and another statement fails.
    pub(crate) fn expect_one(&mut self) {
        if let Self::Postgres(tx) = self {
            tx.expect_one();
        }
    }

    /// Rows of a statement on Insula's own tables. `binds` are `$1`, `$2`, ….
    pub(crate) async fn fixed(&mut self, sql: &Fixed, binds: &[&Value]) -> Result<Vec<Row>, StoreError> {
        let text = sql.text(self.dialect());
        self.query(text, binds).await
    }

    /// Runs a change of Insula's own tables; how many rows it touched.
    pub(crate) async fn fixed_execute(&mut self, sql: &Fixed, binds: &[&Value]) -> Result<u64, StoreError> {
        let text = sql.text(self.dialect());
        self.execute(text, binds).await
    }

    pub(crate) async fn query(&mut self, sql: &str, binds: &[&Value]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.query(sql, binds).await,
            Self::Postgres(tx) => tx.query(sql, binds).await,
        }
    }

    pub(crate) async fn execute(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.execute(sql, binds).await,
            Self::Postgres(tx) => tx.execute(sql, binds).await,
        }
    }

    /// As [`Tx::execute`], of something that may touch every row of a table.
    pub(crate) async fn rewrite(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rewrite(sql, binds).await,
            Self::Postgres(tx) => tx.execute(sql, binds).await,
        }
    }

    /// Runs one statement once per set of binds, where only success matters. On PostgreSQL it leaves with the next
    /// statement, at the latest with the commit; a failure comes out there, as [`StoreError::Sent`]. The transaction is
    /// to be dropped then.
    pub(crate) async fn send(&mut self, sql: &str, sets: Vec<Vec<Value>>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.send(sql, sets).await,
            Self::Postgres(tx) => tx.send(sql, sets).await,
        }
    }

    /// Whether the store has found what this transaction believes to be true.
    pub(crate) fn is_confirmed(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(tx) => tx.is_confirmed(),
        }
    }

    /// Statements without binds and results: DDL.
    pub(crate) async fn ddl(&mut self, sql: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.ddl(sql).await,
            Self::Postgres(tx) => tx.ddl(sql).await,
        }
    }

    /// Takes the lock `key` until the transaction ends; false where another has it right now. SQLite's writer is alone
    /// anyway.
    pub(crate) async fn try_lock(&mut self, key: i64) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(tx) => {
                let rows = tx.query("SELECT pg_try_advisory_xact_lock($1)", &[&Value::Int(key)]).await?;
                rows.first().map_or(Ok(false), |row| row.bool(0))
            }
        }
    }

    /// Opens a span of this transaction that can be undone by itself. One is open at a time.
    pub(crate) async fn open_span(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.execute("SAVEPOINT span", &[]).await.map(drop),
            Self::Postgres(tx) => tx.ddl("SAVEPOINT span").await,
        }
    }

    /// Keeps what the open span did, for as long as the transaction does. The failure of a [`Tx::send`] within comes out
    /// here at the latest.
    pub(crate) async fn close_span(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.execute("RELEASE span", &[]).await.map(drop),
            Self::Postgres(tx) => tx.ddl("RELEASE SAVEPOINT span").await,
        }
    }

    /// Undoes what the open span did, the failure of a statement too.
    pub(crate) async fn undo_span(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => {
                tx.execute("ROLLBACK TO span", &[]).await?;
                tx.execute("RELEASE span", &[]).await.map(drop)
            }
            Self::Postgres(tx) => tx.undo_span().await,
        }
    }

    /// How much it takes to answer a query: steps of SQLite's machine, pages that PostgreSQL looks at.
    #[cfg(test)]
    pub(crate) async fn effort(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.steps(sql, binds),
            Self::Postgres(tx) => tx.pages(sql, binds).await,
        }
    }

    /// Appends up to `limit` rows to `out` as JSON objects of `shape`, separated by commas: the hot path, from the
    /// store's columns straight to the reply's bytes. The statement asks for `limit + 1` rows.
    pub(crate) async fn json(
        &mut self,
        sql: &str,
        binds: &[&Value],
        shape: &Shape,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Tail, StoreError> {
        match self {
            Self::Sqlite(tx) => tx.json(sql, binds, shape, limit, out).await,
            Self::Postgres(tx) => tx.json(sql, binds, shape, limit, out).await,
        }
    }

    /// Makes the changes durable. Returns when they are.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Gives the changes up. On SQLite it returns only when the group it ran in is durable: what the refused request
    /// saw of its neighbours is true by then.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}
