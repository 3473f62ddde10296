use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::future::join_all;

use super::*;
use crate::store::StoreError;

/// Counts real commits of the tenant's writer.
async fn count_commits(stores: &Stores, tenant: TenantId) -> Arc<AtomicUsize> {
    let commits = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&commits);
    let file = stores.tenants.get(tenant).await.unwrap();
    let mut writer = file.writer.lock().await;
    let hook = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    writer.conn_mut().raw_mut().commit_hook(Some(hook)).unwrap();
    commits
}

async fn write_one(stores: &Stores, tenant: TenantId, id: i64) -> Result<(), StoreError> {
    let mut tx = stores.tenant_write(tenant).await?;
    insert(&mut tx, id).await;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_share_commits_and_every_answer_is_durable() {
    let (fixture, tenant) = Fixture::with_table().await;
    let commits = count_commits(&fixture.stores, tenant).await;
    let writer = |n: i64| {
        let stores = Arc::clone(&fixture.stores);
        tokio::spawn(async move {
            for round in 0..4 {
                write_one(&stores, tenant, n * 4 + round).await.unwrap();
            }
        })
    };
    for done in in_time(join_all((0..64).map(writer))).await {
        done.unwrap();
    }
    let commits = commits.load(Ordering::Relaxed);
    assert!(commits <= 64, "256 writes took {commits} commits");
    // The first store still has the file open: what is read here is in the file and its log.
    assert_eq!(ids(&fixture.reopen().await, tenant).await, (0..256).collect::<Vec<_>>());
}

#[tokio::test]
async fn whoever_queues_before_the_committer_is_in_its_group() {
    let (fixture, tenant) = Fixture::with_table().await;
    let commits = count_commits(&fixture.stores, tenant).await;
    let writes = (0..64).map(|id| write_one(&fixture.stores, tenant, id));
    for done in in_time(join_all(writes)).await {
        done.unwrap();
    }
    assert_eq!(commits.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refused_member_does_not_disturb_its_group() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = &fixture.stores;
    let refused = async {
        let mut tx = stores.tenant_write(tenant).await.unwrap();
        insert(&mut tx, 100).await;
        let again = tx.execute("INSERT INTO t (id) VALUES (100)", &[]).await;
        assert!(matches!(again, Err(StoreError::Unique(_))), "{again:?}");
        tx.rollback().await.unwrap();
    };
    let dropped = async {
        let mut tx = stores.tenant_write(tenant).await.unwrap();
        insert(&mut tx, 200).await;
    };
    let write = |id| async move { write_one(stores, tenant, id).await.unwrap() };
    in_time(Box::pin(async { tokio::join!(write(1), refused, write(2), dropped, write(3)) })).await;
    assert_eq!(ids(stores, tenant).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_panic_undoes_its_own_work_only() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = Arc::clone(&fixture.stores);
    let panicking = tokio::spawn(async move {
        let mut tx = stores.tenant_write(tenant).await.unwrap();
        insert(&mut tx, 7).await;
        panic!("on purpose");
    });
    assert!(panicking.await.unwrap_err().is_panic());
    in_time(write_one(&fixture.stores, tenant, 8)).await.unwrap();
    assert_eq!(ids(&fixture.stores, tenant).await, [8]);
}

/// Polls `work` up to `polls` times and drops it; true if it ended by itself.
async fn cancel_after(polls: usize, work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(cx).map(|()| true)
    })
    .await
}

/// A writer that touches every way a transaction can run: inline, yielding, on a thread; it never commits.
async fn doomed(stores: &Stores, tenant: TenantId) {
    let mut tx = stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 1000).await;
    tokio::task::yield_now().await;
    insert(&mut tx, 1001).await;
    let sets = (2000..2100).map(|id| vec![Value::Int(id)]).collect();
    tx.send("INSERT INTO t (id) VALUES (?1)", sets).await.unwrap();
    tokio::task::yield_now().await;
    tx.query(super::read::LONG, &[]).await.unwrap();
    tokio::task::yield_now().await;
    tx.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_writers_stall_nobody_and_leave_nothing() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = &fixture.stores;
    let mut written = Vec::new();
    let mut polls = 0;
    loop {
        // Beside others, so that it is cancelled in the queue as well as at work.
        let base = i64::try_from(polls).unwrap() * 10;
        let beside = (base + 1..base + 4).map(|id| async move { write_one(stores, tenant, id).await.unwrap() });
        let (_, ended, ()) = in_time(async {
            tokio::join!(join_all(beside), cancel_after(polls, doomed(stores, tenant)), async {
                write_one(stores, tenant, base + 5).await.unwrap();
            })
        })
        .await;
        written.extend([base + 1, base + 2, base + 3, base + 5]);
        assert_eq!(ids(stores, tenant).await, written, "after {polls} polls");
        polls += 1;
        if ended {
            break;
        }
    }
    assert!(polls > 5, "the writer was cancelled at {polls} points only");
}

#[tokio::test]
async fn an_alter_is_alone_and_serves_the_group_before_it() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = &fixture.stores;
    let alter = async {
        let mut tx = stores.tenant_alter(tenant).await.unwrap();
        assert_eq!(ids_in(&mut tx).await, [1, 2]);
        tx.ddl("ALTER TABLE t ADD COLUMN more INTEGER; UPDATE tenant SET schema_version = schema_version + 1")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    let later = async {
        let tx = stores.tenant_write(tenant).await.unwrap();
        assert_eq!(tx.versions().unwrap().schema, 2);
        tx.commit().await.unwrap();
    };
    let write = |id| async move { write_one(stores, tenant, id).await.unwrap() };
    in_time(Box::pin(async { tokio::join!(write(1), write(2), alter, later) })).await;

    let mut dropped = stores.tenant_alter(tenant).await.unwrap();
    dropped.ddl("DROP TABLE t").await.unwrap();
    drop(dropped);
    assert_eq!(ids(stores, tenant).await, [1, 2]);
}

#[tokio::test]
async fn a_failed_commit_is_told_to_all_and_the_next_write_works() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = &fixture.stores;
    {
        let file = stores.tenants.get(tenant).await.unwrap();
        let mut writer = file.writer.lock().await;
        // A hook that refuses turns COMMIT into a rollback, as a full disk would.
        writer.conn_mut().raw_mut().commit_hook(Some(|| true)).unwrap();
    }
    let refused = async {
        let mut tx = stores.tenant_write(tenant).await.unwrap();
        insert(&mut tx, 3).await;
        tx.rollback().await
    };
    let (a, b, c) =
        in_time(async { tokio::join!(write_one(stores, tenant, 1), write_one(stores, tenant, 2), refused) }).await;
    for answer in [a, b, c] {
        assert!(matches!(answer, Err(StoreError::OutcomeUnknown(_))), "{answer:?}");
    }
    in_time(write_one(stores, tenant, 4)).await.unwrap();
    assert_eq!(ids(stores, tenant).await, [4]);
}

#[tokio::test]
async fn a_lost_transaction_is_told_to_all() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores = &fixture.stores;
    let loser = async {
        let mut tx = stores.tenant_write(tenant).await.unwrap();
        let lost = tx.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1)", &[]).await;
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        tx.commit().await
    };
    let (first, loser, third) =
        in_time(async { tokio::join!(write_one(stores, tenant, 1), loser, write_one(stores, tenant, 3)) }).await;
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
    assert!(matches!(loser, Err(StoreError::Unavailable(_))), "{loser:?}");
    third.unwrap();
    assert_eq!(ids(stores, tenant).await, [3]);
}
