//! What only the owner may do outside of a tenant: migrate, keep the login roles, open cells. Serves no request.

use insula_model::value::Value;
use secrecy::SecretString;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::address::Address;
use super::migrate;
use super::names::{Lock, Names};
use super::pool::{Pool, pool};
use super::seal::Seal;
use super::tx::{Kind, Tx};
use crate::store::StoreError;

/// How many sessions each pool has at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sessions {
    /// Of the owner in one database: a few schema changes at once.
    pub(super) owner: usize,
    pub(super) platform: usize,
    pub(super) cell: usize,
}

impl Sessions {
    pub(super) const USUAL: Self = Self { owner: 3, platform: 8, cell: 16 };
}

pub(super) struct Owner {
    address: Address,
    seal: Seal,
    names: Names,
    size: Sessions,
    /// The owner in the platform's database.
    sessions: Pool,
    /// Opening a cell takes two of the few sessions: one at a time.
    adding: Mutex<()>,
}

/// A database that holds tenants.
pub(super) struct Cell {
    pub(super) id: i64,
    /// The cell's login role, in the words of `GRANT`.
    pub(super) login: String,
    pub(super) serving: Pool,
    pub(super) owner: Pool,
}

impl Owner {
    /// Connects, migrates the platform's database, and gives the platform's own pool.
    pub(super) async fn open(
        url: &SecretString,
        secret: &SecretString,
        size: Sessions,
    ) -> Result<(Self, Pool), StoreError> {
        let address = Address::parse(url)?;
        let sessions = pool(address.owner(None), size.owner)?;
        let seal = Seal::new(secret);

        let mut tx = alone(&sessions, Lock::Migrate).await?;
        warn_of_power(&mut tx).await?;
        migrate::ground(&mut tx).await?;
        migrate::apply(&mut tx, &migrate::STORE).await?;
        let found = tx.query("SELECT id FROM insula_store.installation", &[]).await?;
        let installation = found.first().ok_or_else(|| missing("the installation has no id"))?.id::<Uuid>(0)?;
        let names = Names::new(installation);
        let platform = names.platform();
        let password = login_role(&mut tx, &seal, &platform).await?;
        login_role(&mut tx, &seal, &names.cell(1)).await?;
        member_role(&mut tx, &names.member()).await?;
        tx.ddl("CREATE SCHEMA IF NOT EXISTS insula").await?;
        migrate::apply(&mut tx, &migrate::PLATFORM).await?;
        migrate::wall_platform(&mut tx, &platform).await?;
        migrate::wall_database(&mut tx, &platform).await?;
        migrate_cell(&mut tx, &names, 1).await?;
        tx.commit().await?;

        let serving = pool(address.platform(&platform, &password), size.platform)?;
        Ok((Self { address, seal, names, size, sessions, adding: Mutex::new(()) }, serving))
    }

    pub(super) const fn names(&self) -> &Names {
        &self.names
    }

    pub(super) async fn cell_ids(&self) -> Result<Vec<i64>, StoreError> {
        let mut tx = plain(&self.sessions).await?;
        let rows = tx.query("SELECT id FROM insula_store.cell ORDER BY id", &[]).await?;
        tx.commit().await?;
        rows.iter().map(|row| row.int(0)).collect()
    }

    /// The cell with this number, migrated.
    pub(super) async fn cell(&self, id: i64) -> Result<Cell, StoreError> {
        let login = self.names.cell(id);
        let mut tx = plain(&self.sessions).await?;
        let found = tx.query("SELECT database FROM insula_store.cell WHERE id = $1", &[&Value::Int(id)]).await?;
        let row = found.first().ok_or_else(|| missing("there is no such cell"))?;
        let database = row.optional(0, |row, index| row.text(index).map(str::to_owned))?;
        let password = stored_password(&mut tx, &self.seal, &login).await?;
        let password = password.ok_or_else(|| missing("the cell's login role has no stored password"))?;
        tx.commit().await?;

        let owner = match &database {
            None => self.sessions.clone(),
            Some(name) => {
                let owner = pool(self.address.owner(Some(name)), self.size.owner)?;
                let mut tx = alone(&owner, Lock::Migrate).await?;
                migrate::ground(&mut tx).await?;
                migrate_cell(&mut tx, &self.names, id).await?;
                tx.commit().await?;
                owner
            }
        };
        let serving = pool(self.address.cell(database.as_deref(), &login, &password), self.size.cell)?;
        Ok(Cell { id, login, serving, owner })
    }

    /// Makes the cell after `last`, unless another node has made it meanwhile, and gives its number.
    pub(super) async fn add_cell(&self, last: i64) -> Result<i64, StoreError> {
        let _alone = self.adding.lock().await;
        // Holds the lock and, at the end, makes the cell known. The steps in between are each safe to repeat: CREATE
        // DATABASE runs in no transaction, and another session must see the role.
        let mut tx = alone(&self.sessions, Lock::AddCell).await?;
        let next = "SELECT min(id) FROM insula_store.cell WHERE id > $1";
        if let Some(row) = tx.query(next, &[&Value::Int(last)]).await?.first().filter(|row| !row.is_null(0)) {
            return row.int(0);
        }
        let id = last + 1;
        let (login, database) = (self.names.cell(id), self.names.database(id));

        let mut role = plain(&self.sessions).await?;
        login_role(&mut role, &self.seal, &login).await?;
        role.commit().await?;
        let name = Value::Text(database.clone());
        let exists = "SELECT true FROM pg_catalog.pg_database WHERE datname = $1";
        if tx.query(exists, &[&name]).await?.is_empty() {
            let create = format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'");
            self.sessions.get().await?.client.batch_execute(&create).await?;
        }
        tx.execute("INSERT INTO insula_store.cell (id, database) VALUES ($1, $2)", &[&Value::Int(id), &name]).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(super) fn close(&self) {
        self.sessions.close();
    }
}

/// A transaction of the owner.
pub(super) async fn plain(sessions: &Pool) -> Result<Tx, StoreError> {
    Tx::lazy(sessions, Kind::Write, "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned()).await
}

/// A transaction of the owner that holds `lock` alone, however long another node takes with it.
async fn alone(sessions: &Pool, lock: Lock) -> Result<Tx, StoreError> {
    let opening = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0; {}; SET LOCAL lock_timeout = '5s'",
        lock.take()
    );
    Tx::lazy(sessions, Kind::Write, opening).await
}

async fn migrate_cell(tx: &mut Tx, names: &Names, cell: i64) -> Result<(), StoreError> {
    tx.ddl("CREATE SCHEMA IF NOT EXISTS insula_tenant").await?;
    migrate::apply(tx, &migrate::TENANT).await?;
    migrate::wall_tenants(tx, &names.member()).await?;
    migrate::wall_database(tx, &names.cell(cell)).await
}

/// Row-level security does not bind a superuser: the second wall is missing where one serves as owner.
async fn warn_of_power(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user";
    if tx.query(sql, &[]).await?.first().is_some_and(|row| row.bool(0).unwrap_or(false)) {
        tracing::warn!("the database's owner is a superuser or bypasses row-level security; a plain role is safer");
    }
    Ok(())
}

async fn exists(tx: &mut Tx, role: &str) -> Result<bool, StoreError> {
    let sql = "SELECT true FROM pg_catalog.pg_roles WHERE rolname = $1";
    Ok(!tx.query(sql, &[&Value::Text(role.to_owned())]).await?.is_empty())
}

async fn member_role(tx: &mut Tx, role: &str) -> Result<(), StoreError> {
    if exists(tx, role).await? {
        return Ok(());
    }
    tx.ddl(&format!("CREATE ROLE {role} NOLOGIN NOBYPASSRLS")).await
}

/// Makes the login role and its password where they are missing: on the first start, and after the database came to
/// a cluster that does not know its roles. The server is sent the password's verifier, never the password, so that
/// its log cannot hold one.
async fn login_role(tx: &mut Tx, seal: &Seal, role: &str) -> Result<SecretString, StoreError> {
    use secrecy::ExposeSecret as _;
    let known = exists(tx, role).await?;
    let stored = stored_password(tx, seal, role).await?;
    let fresh = stored.is_none();
    let password = if let Some(password) = stored {
        password
    } else {
        let (password, sealed) = seal.password(role)?;
        let sql = "INSERT INTO insula_store.login_role (name, sealed_password) VALUES ($1, $2)";
        tx.execute(sql, &[&Value::Text(role.to_owned()), &Value::Bytes(sealed)]).await?;
        password
    };
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    if !known {
        tx.ddl(&format!("CREATE ROLE {role} LOGIN NOINHERIT NOBYPASSRLS PASSWORD '{verifier}'")).await?;
    } else if fresh {
        tx.ddl(&format!("ALTER ROLE {role} PASSWORD '{verifier}'")).await?;
    }
    Ok(password)
}

async fn stored_password(tx: &mut Tx, seal: &Seal, role: &str) -> Result<Option<SecretString>, StoreError> {
    let sql = "SELECT sealed_password FROM insula_store.login_role WHERE name = $1";
    let found = tx.query(sql, &[&Value::Text(role.to_owned())]).await?;
    found.first().map(|row| seal.open(role, row.bytes(0)?)).transpose()
}

fn missing(reason: &'static str) -> StoreError {
    StoreError::Other(reason.into())
}
