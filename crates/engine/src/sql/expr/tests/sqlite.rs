//! SQLite asked.

use insula_model::value::{ColumnType, Value};
use rusqlite::types::{ToSqlOutput, Value as Stored};
use rusqlite::{Connection, ToSql};
use uuid::Uuid;

use super::agree::{check, link_tables, links, tables};
use crate::sql::Dialect;

struct Bind<'v>(&'v Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match self.0 {
            Value::Null => Stored::Null,
            Value::Bool(b) => Stored::Integer((*b).into()),
            Value::Int(n) => Stored::Integer(*n),
            Value::Decimal(d) => Stored::Integer(d.units()),
            Value::Text(text) => Stored::Text(text.clone()),
            Value::Date(d) => Stored::Integer(d.days().into()),
            Value::Uuids(_) => unreachable!("links are no column"),
            Value::Json(document) => Stored::Text(document.as_str().to_owned()),
            Value::Texts(texts) => Stored::Text(serde_json::to_string(texts).unwrap()),
            Value::Time(t) => Stored::Integer(t.micros()),
            Value::Timestamp(t) => Stored::Integer(t.as_micros()),
            Value::Duration(d) => Stored::Integer(d.micros()),
            Value::Uuid(id) => Stored::Blob(id.as_bytes().to_vec()),
            Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
        }))
    }
}

#[test]
fn agrees_with_the_evaluator() {
    let db = Connection::open_in_memory().unwrap();
    let tables = tables();
    for table in &tables {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|(name, column_type, nullable)| {
                let stored = match column_type {
                    ColumnType::Text | ColumnType::Json | ColumnType::Texts => "TEXT",
                    ColumnType::Uuid => "BLOB",
                    _ => "INTEGER",
                };
                format!("{name} {stored}{}", if *nullable { "" } else { " NOT NULL" })
            })
            .collect();
        db.execute_batch(&format!("CREATE TABLE {} ({}) STRICT", table.name, columns.join(", "))).unwrap();
    }
    let link_tables = link_tables(Dialect::Sqlite);
    for table in &link_tables {
        db.execute_batch(&format!("CREATE TABLE {table} (source BLOB, target BLOB) STRICT")).unwrap();
    }
    check(Dialect::Sqlite, 400, |rows, sql, binds| {
        for (table, rows) in link_tables.iter().zip(rows) {
            db.execute(&format!("DELETE FROM {table}"), []).unwrap();
            let mut insert = db.prepare_cached(&format!("INSERT INTO {table} VALUES (?, ?)")).unwrap();
            for pair in links(rows) {
                insert.execute(pair.map(|id| *id.as_bytes())).unwrap();
            }
        }
        for (table, rows) in tables.iter().zip(rows) {
            db.execute(&format!("DELETE FROM {}", table.name), []).unwrap();
            let marks = vec!["?"; table.columns.len()].join(", ");
            let mut insert = db.prepare_cached(&format!("INSERT INTO {} VALUES ({marks})", table.name)).unwrap();
            for row in rows {
                insert.execute(rusqlite::params_from_iter(row.iter().take(table.columns.len()).map(Bind))).unwrap();
            }
        }
        let mut statement = db.prepare(sql).unwrap();
        let ids = statement
            .query_map(rusqlite::params_from_iter(binds.iter().map(Bind)), |row| row.get::<_, [u8; 16]>(0))
            .unwrap();
        ids.map(|id| Uuid::from_bytes(id.unwrap())).collect()
    });
}
