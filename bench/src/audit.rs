//! How many records the product's audit log says were made or changed, counted in the store itself: a run that lost one is void.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::Result;
use crate::postgres::Cluster;

const IS_COUNTED: &str = "action IN ('record.create', 'record.update')";

/// Over every SQLite file under the data folder.
pub fn in_files(folder: &Path) -> Result<u64> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { in_files(&entry.path())? } else { in_file(&entry.path())? };
    }
    Ok(count)
}

fn in_file(file: &Path) -> Result<u64> {
    if !is_database(file)? {
        return Ok(0);
    }
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit_event')";
    if !connection.query_row(exists, (), |row| row.get(0))? {
        return Ok(0);
    }
    let count = format!("SELECT count(*) FROM audit_event WHERE {IS_COUNTED}");
    let count: i64 = connection.query_row(&count, (), |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}

/// By its first 16 bytes (SQLite file format, 1.2).
fn is_database(file: &Path) -> Result<bool> {
    use std::io::Read;
    let mut start = Vec::with_capacity(16);
    std::fs::File::open(file)?.take(16).read_to_end(&mut start)?;
    Ok(start == b"SQLite format 3\0")
}

/// Over every database of the server: tenants may live in cells.
pub async fn in_cluster(cluster: &Cluster) -> Result<u64> {
    let mut count = 0;
    for name in cluster.databases().await? {
        let client = cluster.inside(&name).await?;
        let exists = "SELECT to_regclass('insula_tenant.audit_event') IS NOT NULL";
        if client.query_one(exists, &[]).await?.get(0) {
            let events = format!("SELECT count(*) FROM insula_tenant.audit_event WHERE {IS_COUNTED}");
            count += u64::try_from(client.query_one(&events, &[]).await?.get::<_, i64>(0))?;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_of_records_in_only_databases_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let tenants = folder.path().join("tenants");
        std::fs::create_dir(&tenants).unwrap();
        std::fs::write(folder.path().join("key"), "not a database").unwrap();
        Connection::open(folder.path().join("platform.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let tenant = Connection::open(tenants.join("a.db")).unwrap();
        tenant.pragma_update(None, "journal_mode", "WAL").unwrap();
        let rows = "CREATE TABLE audit_event (action TEXT);
            INSERT INTO audit_event VALUES ('record.create'), ('record.update'), ('entity.create')";
        tenant.execute_batch(rows).unwrap();
        assert_eq!(in_files(folder.path()).unwrap(), 2);
    }
}
