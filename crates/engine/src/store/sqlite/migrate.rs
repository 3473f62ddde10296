//! Brings a file to the layout this program knows. The version is SQLite's `user_version`: how many migrations ran.

use crate::store::StoreError;

use super::connection::Conn;
use super::error::meaning;

pub(super) const PLATFORM: &[&str] = &[
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
];
pub(super) const TENANT: &[&str] = &[
    include_str!("migrations/tenant_0001.sql"),
    include_str!("migrations/tenant_0002.sql"),
    include_str!("migrations/tenant_0003.sql"),
    include_str!("migrations/tenant_0004.sql"),
    include_str!("migrations/tenant_0005.sql"),
    include_str!("migrations/tenant_0006.sql"),
    include_str!("migrations/tenant_0007.sql"),
];

/// Whether nothing is missing.
pub(super) fn is_current(conn: &Conn, migrations: &[&str]) -> Result<bool, StoreError> {
    Ok(version(conn)? == migrations.len())
}

/// Runs what is missing, in one transaction.
pub(super) fn migrate(conn: &Conn, migrations: &[&str]) -> Result<(), StoreError> {
    if is_current(conn, migrations)? {
        return Ok(());
    }
    conn.step("BEGIN IMMEDIATE").map_err(meaning)?;
    let done = missing(conn, migrations).and_then(|()| conn.step("COMMIT").map_err(meaning));
    if done.is_err() && !conn.is_autocommit() {
        conn.step("ROLLBACK").map_err(meaning)?;
    }
    done
}

fn missing(conn: &Conn, migrations: &[&str]) -> Result<(), StoreError> {
    // Read again: another may have migrated between the first look and the lock.
    let found = version(conn)?;
    let rest = migrations.get(found..).ok_or_else(|| {
        StoreError::Other(
            format!("the file is of version {found}, newer than this program's {}", migrations.len()).into(),
        )
    })?;
    for migration in rest {
        conn.execute_batch(migration).map_err(meaning)?;
    }
    let now = i64::try_from(migrations.len()).map_err(|error| StoreError::Other(error.into()))?;
    conn.pragma_update(None, "user_version", now).map_err(meaning)
}

fn version(conn: &Conn) -> Result<usize, StoreError> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(meaning)?;
    usize::try_from(version).map_err(|error| StoreError::Other(error.into()))
}
