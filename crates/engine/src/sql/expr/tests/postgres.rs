//! PostgreSQL asked.

use std::error::Error;

use bytes::BytesMut;
use insula_model::value::{ColumnType, Value};
use tokio_postgres::NoTls;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::agree::{check, link_tables, links, tables};
use crate::sql::Dialect;

/// PostgreSQL counts days and microseconds from 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;

#[derive(Debug)]
struct Bind<'v>(&'v Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Bool(b) => b.to_sql_checked(ty, out),
            Value::Int(n) => n.to_sql_checked(ty, out),
            Value::Decimal(d) => d.units().to_sql_checked(ty, out),
            Value::Text(text) => text.to_sql_checked(ty, out),
            Value::Uuid(id) => id.to_sql_checked(ty, out),
            Value::Date(d) => {
                assert_eq!(*ty, Type::DATE);
                out.extend_from_slice(&(d.days() - EPOCH_DAYS).to_be_bytes());
                Ok(IsNull::No)
            }
            Value::Uuids(_) => unreachable!("links are no column"),
            Value::Json(document) => document.as_str().to_sql_checked(ty, out),
            Value::Texts(texts) => texts.to_sql_checked(ty, out),
            Value::Duration(d) => d.micros().to_sql_checked(ty, out),
            Value::Time(t) => {
                assert_eq!(*ty, Type::TIME);
                out.extend_from_slice(&t.micros().to_be_bytes());
                Ok(IsNull::No)
            }
            Value::Timestamp(t) => {
                assert_eq!(*ty, Type::TIMESTAMPTZ);
                out.extend_from_slice(&(t.as_micros() - i64::from(EPOCH_DAYS) * 86_400_000_000).to_be_bytes());
                Ok(IsNull::No)
            }
            Value::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn params<'b>(binds: &'b [Bind<'_>]) -> Vec<&'b (dyn ToSql + Sync)> {
    binds.iter().map(|bind| bind as &(dyn ToSql + Sync)).collect()
}

#[test]
fn agrees_with_the_evaluator() {
    let Ok(url) = std::env::var("INSULA_TEST_POSTGRES") else {
        panic!("INSULA_TEST_POSTGRES names no server; run `cargo xtask test`, which starts one");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, connection) = runtime.block_on(tokio_postgres::connect(&url, NoTls)).unwrap();
    runtime.spawn(connection);
    let tables = tables();
    let inserts = tables.each_ref().map(|table| {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|(name, column_type, nullable)| {
                let stored = match column_type {
                    ColumnType::Bool => "boolean",
                    ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Duration => "bigint",
                    ColumnType::Text => "text COLLATE \"C\"",
                    ColumnType::Date => "date",
                    ColumnType::Json => "json",
                    ColumnType::Texts => "text[]",
                    ColumnType::Time => "time",
                    ColumnType::Timestamp => "timestamptz",
                    ColumnType::Uuid => "uuid",
                    ColumnType::Uuids => unreachable!("links are no column"),
                };
                format!("{name} {stored}{}", if *nullable { "" } else { " NOT NULL" })
            })
            .collect();
        let create = format!("CREATE TEMPORARY TABLE {} ({})", table.name, columns.join(", "));
        runtime.block_on(client.batch_execute(&create)).unwrap();
        let marks: Vec<String> = (1..=table.columns.len()).map(|n| format!("${n}")).collect();
        let insert = format!("INSERT INTO {} VALUES ({})", table.name, marks.join(", "));
        runtime.block_on(client.prepare(&insert)).unwrap()
    });
    // Temporary tables have a schema of their own, which the statement has to name in place of the tenant's.
    let names = link_tables(Dialect::Postgres);
    let temporary = names.each_ref().map(|name| format!("pg_temp.{}", name.rsplit('.').next().unwrap()));
    for table in &temporary {
        runtime.block_on(client.batch_execute(&format!("CREATE TABLE {table} (source uuid, target uuid)"))).unwrap();
    }
    check(Dialect::Postgres, 200, |rows, sql, binds| {
        runtime.block_on(async {
            client.batch_execute("TRUNCATE thing, other").await.unwrap();
            let mut sql = sql.to_owned();
            for ((name, table), rows) in names.iter().zip(&temporary).zip(rows) {
                sql = sql.replace(name, table);
                client.batch_execute(&format!("TRUNCATE {table}")).await.unwrap();
                let insert = format!("INSERT INTO {table} VALUES ($1, $2)");
                for [source, target] in links(rows) {
                    client.execute(&insert, &[&source, &target]).await.unwrap();
                }
            }
            let sql = sql.as_str();
            for ((insert, rows), table) in inserts.iter().zip(rows).zip(&tables) {
                for row in rows {
                    let row: Vec<Bind<'_>> = row.iter().take(table.columns.len()).map(Bind).collect();
                    client.execute(insert, &params(&row)).await.unwrap();
                }
            }
            let binds: Vec<Bind<'_>> = binds.iter().map(Bind).collect();
            let found = client.query(sql, &params(&binds)).await.unwrap_or_else(|e| panic!("{e:?}\n{sql}"));
            found.iter().map(|row| row.get::<_, Uuid>(0)).collect()
        })
    });
}
