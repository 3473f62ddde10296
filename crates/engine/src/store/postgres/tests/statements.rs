//! What statements give and how they fail.

use insula_model::value::{ColumnType, Date, Decimal, Timestamp, Value};
use uuid::Uuid;

use super::scratch::{count, insert, on_scratch, read, table};
use crate::store::{Shape, Step, StoreError, UniqueBreach, Versions};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn values_come_back_as_they_went() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let mut tx = stores.tenant_alter(a).await.unwrap();
        let all = format!("{}_all", table(a));
        tx.ddl(&format!(
            "CREATE TABLE {all} (n bigint, d bigint, b boolean, t text, u uuid, ts timestamptz, day date, bytes bytea)"
        ))
        .await
        .unwrap();
        tx.commit().await.unwrap();

        let types = [
            ColumnType::Int,
            ColumnType::Decimal { scale: 2 },
            ColumnType::Bool,
            ColumnType::Text,
            ColumnType::Uuid,
            ColumnType::Timestamp,
            ColumnType::Date,
        ];
        let moment = |text| Value::Timestamp(Timestamp::parse(text).unwrap());
        let day = |text| Value::Date(Date::parse(text).unwrap());
        let rows = [
            vec![
                Value::Int(-(1 << 53)),
                Value::Decimal(Decimal::new(-150, 2)),
                Value::Bool(true),
                text("q\"ü\n😀"),
                Value::Uuid(Uuid::from_u128(7)),
                moment("0001-01-01T00:00:00Z"),
                day("9999-12-31"),
            ],
            vec![
                Value::Int(0),
                Value::Decimal(Decimal::new(999_999_999_999_999_999, 2)),
                Value::Bool(false),
                text(""),
                Value::Uuid(Uuid::max()),
                moment("2024-02-29T12:34:56.789012Z"),
                day("1969-12-31"),
            ],
            vec![Value::Null; 7],
        ];
        let mut steps = vec![];
        for (index, ty) in types.into_iter().enumerate() {
            steps.push(Step::Raw(if index == 0 { b"[".as_slice() } else { b"," }.into()));
            steps.push(Step::Column { index, ty });
        }
        steps.push(Step::Raw(b"]".as_slice().into()));
        let captures = types.into_iter().enumerate().collect();
        let shape = Shape { steps, captures };
        for row in rows {
            let mut tx = stores.tenant_write(a).await.unwrap();
            let binds: Vec<&Value> = row.iter().collect();
            tx.execute(&format!("DELETE FROM {all}"), &[]).await.unwrap();
            let sql = format!("INSERT INTO {all} (n, d, b, t, u, ts, day, bytes) VALUES ($1,$2,$3,$4,$5,$6,$7,'ab')");
            assert_eq!(tx.execute(&sql, &binds).await.unwrap(), 1);
            tx.commit().await.unwrap();

            let mut tx = stores.tenant_read(a).await.unwrap();
            let sql = format!("SELECT n, d, b, t, u, ts, day, bytes FROM {all}");
            let found = tx.query(&sql, &[]).await.unwrap();
            let mut out = Vec::new();
            let tail = tx.json(&sql, &[], &shape, 10, &mut out).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(found[0].bytes(7).unwrap(), b"ab");
            for (index, (value, ty)) in row.iter().zip(types).enumerate() {
                assert_eq!(&found[0].value(index, ty).unwrap(), value);
            }
            assert_eq!((tail.rows, tail.more, &tail.last), (1, false, &row));
            let mut expect = Vec::new();
            for value in &row {
                expect.push(if expect.is_empty() { b'[' } else { b',' });
                value.write_json(&mut expect);
            }
            expect.push(b']');
            assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(expect).unwrap());
        }
    });
}

#[test]
fn a_page_ends_at_its_limit() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        for id in 1..=3 {
            insert(&stores, a, id, "x").await;
        }
        let shape =
            Shape { steps: vec![Step::Column { index: 0, ty: ColumnType::Int }], captures: vec![(0, ColumnType::Int)] };
        for (limit, expect, more) in [(0, "", true), (2, "1,2", true), (3, "1,2,3", false), (9, "1,2,3", false)] {
            let mut tx = stores.tenant_read(a).await.unwrap();
            let mut out = Vec::new();
            let sql = format!("SELECT id FROM {} ORDER BY id LIMIT $1", table(a));
            let ask = Value::Int(i64::try_from(limit).unwrap() + 1);
            let tail = tx.json(&sql, &[&ask], &shape, limit, &mut out).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!((String::from_utf8(out).unwrap().as_str(), tail.more), (expect, more));
            assert_eq!(tail.last.is_empty(), limit == 0);
        }
    });
}

#[test]
fn of_many_sets_the_failing_one_is_named_and_none_counts() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let sql = format!("INSERT INTO {} (id, title) VALUES ($1, $2)", table(a));
        let set = |id| vec![Value::Int(id), text("x")];
        for failing in [0usize, 5, 127, 128, 299] {
            let mut sets: Vec<_> = (0..300).map(set).collect();
            let mut tx = stores.tenant_write(a).await.unwrap();
            sets[failing] = if failing == 0 { vec![Value::Bool(true), text("x")] } else { set(0) };
            let failed = match tx.send(&sql, sets).await {
                Ok(()) => tx.commit().await,
                Err(error) => {
                    assert!(tx.commit().await.is_err());
                    Err(error)
                }
            };
            let Err(StoreError::Sent { send: 0, set, cause }) = failed else { panic!("{failed:?}") };
            assert_eq!(set, failing);
            if failing > 0 {
                let key = UniqueBreach::Index("the_key".to_owned());
                assert!(matches!(*cause, StoreError::Unique(breach) if breach == key));
            }
            assert_eq!(count(&stores, a).await, 0);
        }
        let mut tx = stores.tenant_write(a).await.unwrap();
        tx.send(&sql, (0..300).map(set).collect()).await.unwrap();
        tx.send(&sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&stores, a).await, 300);
    });
}

#[test]
fn what_was_sent_is_seen_by_the_next_statement_and_fails_with_it() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let insert = format!("INSERT INTO {} (id, title) VALUES ($1, $2)", table(a));
        let count_all = format!("SELECT count(*) FROM {}", table(a));
        let mut tx = stores.tenant_write(a).await.unwrap();
        tx.send(&insert, vec![vec![Value::Int(1), text("x")]]).await.unwrap();
        tx.send(&insert, vec![vec![Value::Int(2), text("x")], vec![Value::Int(3), text("x")]]).await.unwrap();
        assert_eq!(tx.query(&count_all, &[]).await.unwrap()[0].int(0).unwrap(), 3);
        tx.send(&insert, vec![vec![Value::Int(4), text("x")], vec![Value::Int(1), text("x")]]).await.unwrap();
        let failed = tx.query(&count_all, &[]).await;
        assert!(matches!(failed, Err(StoreError::Sent { send: 2, set: 1, .. })), "{failed:?}");
        assert!(tx.commit().await.is_err());
        assert_eq!(count(&stores, a).await, 0);
    });
}

#[test]
fn what_cannot_even_be_sent_is_followed_by_no_commit() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let insert = format!("INSERT INTO {} (id, title) VALUES ($1, $2)", table(a));
        let mut tx = stores.tenant_write(a).await.unwrap();
        tx.send(&insert, vec![vec![Value::Int(1), text("x")], vec![Value::Bool(true), text("x")]]).await.unwrap();
        let failed = tx.commit().await;
        assert!(matches!(failed, Err(StoreError::Sent { send: 0, set: 1, .. })), "{failed:?}");
        assert_eq!(count(&stores, a).await, 0);
    });
}

#[test]
fn a_write_that_believes_other_versions_does_nothing() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let insert = format!("INSERT INTO {} (id, title) VALUES ($1, $2)", table(a));
        let right = stores.tenant_write(a).await.unwrap().versions().unwrap();
        let wrong = Versions { schema: right.schema + 1, ..right };
        for round in 0..2 {
            let mut tx = stores.tenant_write_at(a, wrong).await.unwrap();
            // The first time the statement is prepared, and that is refused; the second time all goes in one.
            let sent = tx.send(&insert, vec![vec![Value::Int(round), text("x")]]).await;
            let failed = sent.and(tx.commit().await);
            assert!(matches!(failed, Err(StoreError::SchemaMoved(_))), "{failed:?}");
            assert_eq!(count(&stores, a).await, round);
            let mut tx = stores.tenant_write_at(a, right).await.unwrap();
            assert!(!tx.is_confirmed());
            tx.send(&insert, vec![vec![Value::Int(round), text("x")]]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count(&stores, a).await, round + 1);
        }
    });
}

#[test]
fn statements_outlive_a_schema_change_or_say_so() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let a = scratch.tenant(&stores).await;
        insert(&stores, a, 1, "x").await;
        let (named, star) = (format!("SELECT title FROM {}", table(a)), format!("SELECT * FROM {}", table(a)));
        for column in 0..3 {
            assert_eq!(read(&stores, a, &named).await.unwrap().len(), 1);
            assert_eq!(read(&stores, a, &star).await.unwrap().len(), 1);
            let mut tx = stores.tenant_alter(a).await.unwrap();
            tx.ddl(&format!("ALTER TABLE {} ADD COLUMN c{column} text", table(a))).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(read(&stores, a, &named).await.unwrap().len(), 1);
            let mut tx = stores.tenant_read(a).await.unwrap();
            if column == 1 {
                // Something was seen already: beginning again would mix two snapshots.
                tx.query(&named, &[]).await.unwrap();
                assert!(matches!(tx.query(&star, &[]).await, Err(StoreError::SchemaMoved(_))));
            } else {
                assert!(tx.query(&star, &[]).await.is_ok());
                assert!(tx.query(&named, &[]).await.is_ok());
                tx.commit().await.unwrap();
            }
        }
        let mut tx = stores.tenant_alter(a).await.unwrap();
        tx.ddl(&format!("DROP TABLE {}", table(a))).await.unwrap();
        tx.commit().await.unwrap();
        for sql in [&named, &star, "SELECT nothing FROM insula_tenant.tenant"] {
            assert!(matches!(read(&stores, a, sql).await, Err(StoreError::SchemaMoved(_))), "{sql}");
        }
    });
}

#[test]
fn failures_have_one_meaning() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        let mut tx = stores.tenant_alter(a).await.unwrap();
        tx.ddl(&format!("CREATE TABLE {}_child (parent bigint REFERENCES {})", table(a), table(a))).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = stores.tenant_write(a).await.unwrap();
        let orphan = format!("INSERT INTO {}_child VALUES (7)", table(a));
        assert!(matches!(tx.execute(&orphan, &[]).await, Err(StoreError::ForeignKey)));
        assert!(tx.commit().await.is_err(), "PostgreSQL itself would call this a success");

        let mut tx = stores.tenant_write(a).await.unwrap();
        tx.ddl("SET LOCAL statement_timeout = 1").await.unwrap();
        assert!(matches!(tx.query("SELECT pg_sleep(5)::text", &[]).await, Err(StoreError::TooSlow)));
        drop(tx);

        let mut tx = stores.tenant_write(a).await.unwrap();
        let session = "SELECT pg_backend_pid()";
        let pid = tx.query(session, &[]).await.unwrap()[0].int(0).unwrap();
        let admin = scratch.inside().await;
        admin.execute(&format!("SELECT pg_terminate_backend({pid}, 5000)"), &[]).await.unwrap();
        assert!(matches!(tx.query(session, &[]).await, Err(StoreError::Unavailable(_))));
        drop(tx);
        assert_eq!(count(&stores, a).await, 0);
    });
}

#[test]
fn a_pool_that_is_empty_says_unavailable() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let a = scratch.tenant(&stores).await;
        let held = stores.tenant_read(a).await.unwrap();
        assert!(matches!(stores.tenant_read(a).await, Err(StoreError::Unavailable(_))));
        drop(held);
        stores.close().await;
        assert!(matches!(stores.tenant_read(a).await, Err(StoreError::Unavailable(_))));
    });
}
