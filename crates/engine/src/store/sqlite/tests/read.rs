use insula_model::value::ColumnType;

use super::*;
use crate::store::{Shape, Step, StoreError};

/// Some million steps of SQLite's machine: over the inline budget.
pub(super) const LONG: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT sum(i) FROM n";

#[tokio::test]
async fn readers_see_one_snapshot_of_what_is_committed() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut writer = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut writer, 1).await;
    let mut before = fixture.stores.tenant_read(tenant).await.unwrap();
    assert!(ids_in(&mut before).await.is_empty());
    in_time(writer.commit()).await.unwrap();
    assert!(ids_in(&mut before).await.is_empty());
    drop(before);
    assert_eq!(ids(&fixture.stores, tenant).await, [1]);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_read(tenant).await.unwrap();
    tx.execute("INSERT INTO t (id) VALUES (1)", &[]).await.unwrap_err();
}

#[tokio::test]
async fn what_is_over_the_inline_budget_goes_on_in_a_thread() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_read(tenant).await.unwrap();
    assert_eq!(tx.query(LONG, &[]).await.unwrap()[0].int(0).unwrap(), 300_000 * 300_001 / 2);

    // Rows come before the budget is spent: none of them may be left when it starts again.
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
    let shape =
        Shape { steps: vec![Step::Column { index: 0, ty: ColumnType::Int }], captures: vec![(0, ColumnType::Int)] };
    let mut out = b"[".to_vec();
    let tail = tx.json(sql, &[], &shape, 20_000, &mut out).await.unwrap();
    out.push(b']');
    let numbers: Vec<i64> = serde_json::from_slice(&out).unwrap();
    assert_eq!(numbers, (1..=20_000).collect::<Vec<_>>());
    assert_eq!((tail.rows, tail.more, tail.last), (20_000, false, vec![Value::Int(20_000)]));
}

#[tokio::test]
async fn a_snapshot_outlives_the_way_to_a_thread_and_back() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut reader = fixture.stores.tenant_read(tenant).await.unwrap();
    assert!(ids_in(&mut reader).await.is_empty());
    let mut writer = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut writer, 1).await;
    writer.commit().await.unwrap();
    reader.query(LONG, &[]).await.unwrap();
    assert!(ids_in(&mut reader).await.is_empty());
}

#[tokio::test]
async fn endless_selects_are_stopped() {
    let (fixture, tenant) = Fixture::with_table().await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 1).await;
    let stopped = in_time(tx.query(endless, &[])).await;
    assert!(matches!(stopped, Err(StoreError::TooSlow)), "{stopped:?}");
    // Only the SELECT was interrupted, not the change before it.
    tx.commit().await.unwrap();
    assert_eq!(ids(&fixture.stores, tenant).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_readers_than_connections_wait_and_cancelled_ones_give_theirs_back() {
    let (fixture, tenant) = Fixture::with_table().await;
    let reader = |n: usize| {
        let stores = Arc::clone(&fixture.stores);
        tokio::spawn(async move {
            let mut tx = stores.tenant_read(tenant).await.unwrap();
            // Cancelled while its session is away on a thread.
            if n.is_multiple_of(2) {
                let once = tokio::time::timeout(Duration::ZERO, tx.query(LONG, &[])).await;
                assert!(once.is_err());
            } else {
                tx.query(LONG, &[]).await.unwrap();
            }
        })
    };
    let readers: Vec<_> = (0..32).map(reader).collect();
    for reader in readers {
        in_time(reader).await.unwrap();
    }
    in_time(ids(&fixture.stores, tenant)).await;
}

/// Reads that come thick share a snapshot; a commit of this process ends it at once, one of another soon.
#[tokio::test]
async fn reads_that_share_a_snapshot_see_what_was_committed_before_them() {
    let (fixture, tenant) = Fixture::with_table().await;
    for id in 1..=20 {
        assert_eq!(ids(&fixture.stores, tenant).await.len(), id - 1);
        ids(&fixture.stores, tenant).await;
        let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
        insert(&mut tx, i64::try_from(id).unwrap()).await;
        assert_eq!(ids(&fixture.stores, tenant).await.len(), id - 1, "not committed yet");
        tx.commit().await.unwrap();
        assert_eq!(ids(&fixture.stores, tenant).await.len(), id);
    }
    let other = fixture.reopen().await;
    let mut tx = other.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 21).await;
    tx.commit().await.unwrap();
    let seen = async { while ids(&fixture.stores, tenant).await.len() < 21 {} };
    in_time(seen).await;
}

/// An idle snapshot would keep another process from emptying the log.
#[tokio::test]
async fn a_snapshot_is_not_kept_for_nobody() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 1).await;
    tx.commit().await.unwrap();
    for _ in 0..10 {
        ids(&fixture.stores, tenant).await;
    }
    let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 2).await;
    tx.commit().await.unwrap();
    let shell = rusqlite::Connection::open(fixture.path(tenant)).unwrap();
    shell.busy_timeout(Duration::ZERO).unwrap();
    let emptied = async {
        // While a snapshot of the log's first commit is open this answers that it was busy.
        while shell.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0)).unwrap() != 0 {
            tokio::task::yield_now().await;
        }
    };
    in_time(emptied).await;
}
