use insula_model::value::{ColumnType, Date, Decimal, Timestamp};

use super::*;
use crate::store::{Shape, Step, StoreError, UniqueBreach};

#[tokio::test]
async fn refusals_have_one_meaning() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_alter(tenant).await.unwrap();
    tx.ddl(
        "CREATE TABLE pair (a INTEGER, b INTEGER, up INTEGER REFERENCES t (id) ON DELETE RESTRICT) STRICT;
         CREATE UNIQUE INDEX pair_ab ON pair (a, b);
         CREATE UNIQUE INDEX pair_sum ON pair (a + b);
         INSERT INTO t (id, name) VALUES (1, 'one'), (2, 'two');
         INSERT INTO t (id, up) VALUES (3, 2);
         INSERT INTO pair VALUES (1, 2, 1)",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    // What a refusal's debug form begins with; empty where there is none.
    let columns = |names: &[&str]| format!("Unique(Columns({names:?}))");
    for (sql, expect) in [
        ("INSERT INTO t (id) VALUES (1)", columns(&["id"])),
        ("INSERT INTO t (id, name) VALUES (9, 'one')", columns(&["name"])),
        (
            "INSERT INTO pair VALUES (1, 2, NULL)",
            format!("{:?}", StoreError::Unique(UniqueBreach::Index("pair_sum".into()))),
        ),
        ("UPDATE pair SET a = 1", String::new()),
        ("INSERT INTO t (id, up) VALUES (9, 99)", "ForeignKey".into()),
        ("DELETE FROM t WHERE id = 2", "ForeignKey".into()),
        ("DELETE FROM t WHERE id = 1", "ForeignKey".into()),
        ("INSERT INTO gone VALUES (1)", "SchemaMoved".into()),
        ("UPDATE t SET gone = 1", "SchemaMoved".into()),
        ("INSERT INTO t (gone) VALUES (1)", "SchemaMoved".into()),
        ("INSERT INTO t (id, name) VALUES (9, ?1)", "Other".into()),
        ("no SQL", "Other".into()),
    ] {
        let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
        let got = tx.execute(sql, &[]).await.err().map(|error| format!("{error:?}")).unwrap_or_default();
        assert!(got.starts_with(&expect) && got.is_empty() == expect.is_empty(), "{sql}: {got}");
    }
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_alter(tenant).await.unwrap();
    tx.ddl("CREATE TABLE v (n INTEGER PRIMARY KEY, i ANY) STRICT").await.unwrap();
    let cases = [
        (Value::Bool(true), ColumnType::Bool, "true"),
        (Value::Int(-(1 << 53)), ColumnType::Int, "-9007199254740992"),
        (Value::Decimal(Decimal::new(-150, 2)), ColumnType::Decimal { scale: 2 }, "\"-1.50\""),
        (Value::Text("a\"ä\n".into()), ColumnType::Text, "\"a\\\"ä\\n\""),
        (Value::Text(String::new()), ColumnType::Text, "\"\""),
        (Value::Date(Date::parse("2024-02-29").unwrap()), ColumnType::Date, "\"2024-02-29\""),
        (
            Value::Timestamp(Timestamp::parse("1969-12-31T23:59:59.5Z").unwrap()),
            ColumnType::Timestamp,
            "\"1969-12-31T23:59:59.500000Z\"",
        ),
        (Value::Uuid(Uuid::from_u128(5)), ColumnType::Uuid, "\"00000000-0000-0000-0000-000000000005\""),
        (Value::Null, ColumnType::Uuid, "null"),
    ];
    for (n, (value, ty, json)) in (0_i64..).zip(&cases) {
        let n = Value::Int(n);
        tx.execute("INSERT INTO v (n, i) VALUES (?1, ?2)", &[&n, value]).await.unwrap();
        let select = "SELECT i FROM v WHERE n = ?1";
        let rows = tx.query(select, &[&n]).await.unwrap();
        assert_eq!(&rows[0].value(0, *ty).unwrap(), value);
        let shape = Shape { steps: vec![Step::Column { index: 0, ty: *ty }], captures: vec![(0, *ty)] };
        let mut out = b"> ".to_vec();
        let tail = tx.json(select, &[&n], &shape, 1, &mut out).await.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("> {json}"));
        assert_eq!((tail.rows, tail.more, &tail.last[..]), (1, false, std::slice::from_ref(value)));
    }
}

#[tokio::test]
async fn json_stops_at_its_limit_and_knows_of_more() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
    let sets = (1..=40).map(|id| vec![Value::Int(id)]).collect();
    tx.send("INSERT INTO t (id) VALUES (?1)", sets).await.unwrap();
    let shape =
        Shape { steps: vec![Step::Column { index: 0, ty: ColumnType::Int }], captures: vec![(0, ColumnType::Int)] };
    for (limit, expect, rows, more) in [(0, "", 0, true), (2, "1,2", 2, true), (3, "1,2,3", 3, false)] {
        let mut out = Vec::new();
        let tail = tx.json("SELECT id FROM t WHERE id <= 3", &[], &shape, limit, &mut out).await.unwrap();
        assert_eq!((String::from_utf8(out).unwrap().as_str(), tail.rows, tail.more), (expect, rows, more));
        let last = i64::try_from(rows).unwrap();
        assert_eq!(tail.last, if rows == 0 { vec![] } else { vec![Value::Int(last)] });
    }
}

#[tokio::test]
async fn the_set_that_failed_is_named() {
    let (fixture, tenant) = Fixture::with_table().await;
    for many in [10, 100] {
        let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
        let sets = (0..many).map(|n| vec![Value::Int(if n == 7 { 3 } else { n })]).collect();
        let failed = tx.send("INSERT INTO t (id) VALUES (?1)", sets).await;
        let Err(StoreError::Sent { send: 0, set: 7, cause }) = failed else { panic!("{failed:?}") };
        assert!(matches!(*cause, StoreError::Unique(_)), "{cause:?}");
    }
    assert!(ids(&fixture.stores, tenant).await.is_empty());
}

/// A limit and a comparison with a number are what a plan might depend on.
#[tokio::test]
async fn a_statement_is_planned_once_whatever_is_bound() {
    let (fixture, tenant) = Fixture::with_table().await;
    let session = fixture.stores.tenants.get(tenant).await.unwrap().read().await.unwrap();
    for bound in [[0, 1], [1, 25], [7, 100]] {
        let sql = "SELECT id FROM t WHERE up = ?1 ORDER BY name LIMIT ?2";
        let mut statement = session.conn().unwrap().prepare_cached(sql).unwrap();
        statement.query(bound).unwrap().next().unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "{bound:?}");
    }
}
