//! Brings a database's tables up to this program, and says again who may do what with them. Run by the owner, inside
//! a transaction that holds the migration lock.

use insula_model::value::Value;

use super::tx::Tx;
use crate::store::StoreError;

/// A set of tables with versions of its own. The n-th script leads to version n.
pub(super) struct Tables {
    name: &'static str,
    scripts: &'static [&'static str],
}

/// The store's own notes, in the platform's database.
pub(super) const STORE: Tables = Tables { name: "store", scripts: &[include_str!("migrations/store_0001.sql")] };
/// Schema `insula`.
pub(super) const PLATFORM: Tables = Tables {
    name: "platform",
    scripts: &[
        include_str!("migrations/platform_0001.sql"),
        include_str!("migrations/platform_0002.sql"),
        include_str!("migrations/platform_0003.sql"),
        include_str!("migrations/platform_0004.sql"),
        include_str!("migrations/platform_0005.sql"),
        include_str!("migrations/platform_0006.sql"),
        include_str!("migrations/platform_0007.sql"),
        include_str!("migrations/platform_0008.sql"),
        include_str!("migrations/platform_0009.sql"),
        include_str!("migrations/platform_0010.sql"),
        include_str!("migrations/platform_0011.sql"),
    ],
};
/// Schema `insula_tenant`, in every cell.
pub(super) const TENANT: Tables = Tables {
    name: "tenant",
    scripts: &[
        include_str!("migrations/tenant_0001.sql"),
        include_str!("migrations/tenant_0002.sql"),
        include_str!("migrations/tenant_0003.sql"),
        include_str!("migrations/tenant_0004.sql"),
        include_str!("migrations/tenant_0005.sql"),
        include_str!("migrations/tenant_0006.sql"),
        include_str!("migrations/tenant_0007.sql"),
    ],
};

const GROUND: &str = "
    CREATE SCHEMA IF NOT EXISTS insula_store;
    CREATE TABLE IF NOT EXISTS insula_store.migration (
        tables text NOT NULL,
        version bigint NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tables, version)
    )";

/// What every database of ours needs before anything else.
pub(super) async fn ground(tx: &mut Tx) -> Result<(), StoreError> {
    let found = tx.query("SELECT to_regclass('insula_store.migration') IS NOT NULL", &[]).await?;
    // Asked first, so that a start with nothing to do needs no right to create.
    if found.first().is_some_and(|row| row.bool(0).unwrap_or(false)) { Ok(()) } else { tx.ddl(GROUND).await }
}

/// Runs the scripts this database has not seen.
pub(super) async fn apply(tx: &mut Tx, tables: &Tables) -> Result<(), StoreError> {
    let name = Value::Text(tables.name.to_owned());
    let seen = tx
        .query("SELECT coalesce(max(version), 0) FROM insula_store.migration WHERE tables = $1", &[&name])
        .await?
        .first()
        .map_or(Ok(0), |row| row.int(0))?;
    let seen = usize::try_from(seen).unwrap_or(usize::MAX);
    if seen > tables.scripts.len() {
        let reason = format!("the {} tables have version {seen}: a newer program made them", tables.name);
        return Err(StoreError::Other(reason.into()));
    }
    for (version, script) in (1i64..).zip(tables.scripts).skip(seen) {
        tx.ddl(script).await?;
        let note = "INSERT INTO insula_store.migration (tables, version) VALUES ($1, $2)";
        tx.execute(note, &[&name, &Value::Int(version)]).await?;
    }
    Ok(())
}

/// Only `login` (and the owner) may connect.
pub(super) async fn wall_database(tx: &mut Tx, login: &str) -> Result<(), StoreError> {
    tx.ddl(&include_str!("walls/database.sql").replace("{login}", login)).await
}

pub(super) async fn wall_platform(tx: &mut Tx, login: &str) -> Result<(), StoreError> {
    tx.ddl(&include_str!("walls/platform.sql").replace("{login}", login)).await
}

pub(super) async fn wall_tenants(tx: &mut Tx, member: &str) -> Result<(), StoreError> {
    tx.ddl(&include_str!("walls/tenant.sql").replace("{member}", member)).await
}
