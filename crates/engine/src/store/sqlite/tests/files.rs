use super::*;
use crate::store::StoreError;

#[tokio::test]
async fn a_file_that_is_another_tenants_is_refused() {
    let (fixture, owner) = Fixture::with_table().await;
    fixture.stores.close().await;
    let other = tenant(2);
    let folder = fixture.folder.path().join("tenants");
    std::fs::copy(folder.join(format!("{owner}.db")), folder.join(format!("{other}.db"))).unwrap();
    let stores = fixture.reopen().await;
    for _ in 0..2 {
        let refused = stores.tenant_read(other).await.err();
        assert!(matches!(refused, Some(StoreError::Other(_))), "{refused:?}");
    }
    assert!(ids(&stores, owner).await.is_empty());
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let (fixture, tenant) = Fixture::with_table().await;
    fixture.stores.close().await;
    let path = fixture.folder.path().join(format!("tenants/{tenant}.db"));
    rusqlite::Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 1000").unwrap();
    let refused = fixture.reopen().await.tenant_read(tenant).await.err();
    assert!(matches!(refused, Some(StoreError::Other(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_are_closed_and_opened_again_while_many_come_at_once() {
    const TENANTS: u128 = 6;
    let fixture = Fixture::with_capacity(2).await;
    for n in 0..TENANTS {
        fixture.add(tenant(n)).await;
    }
    let worker = |n: i64| {
        let stores = Arc::clone(&fixture.stores);
        tokio::spawn(async move {
            for round in 0..TENANTS {
                let mut tx = stores.tenant_write(tenant(round)).await.unwrap();
                insert(&mut tx, n).await;
                tx.commit().await.unwrap();
                assert!(ids(&stores, tenant(round)).await.contains(&n));
            }
        })
    };
    let workers: Vec<_> = (0..16).map(worker).collect();
    for worker in workers {
        in_time(worker).await.unwrap();
    }
    assert!(fixture.stores.tenants.len() < usize::try_from(TENANTS).unwrap());
    for n in 0..TENANTS {
        assert_eq!(ids(&fixture.stores, tenant(n)).await, (0..16).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn two_who_open_at_once_get_one_file_and_no_file_in_use_is_closed() {
    let fixture = Fixture::with_capacity(1).await;
    for n in 0..3 {
        fixture.add(tenant(n)).await;
    }
    let tenants = &fixture.stores.tenants;
    let (a, b) = tokio::join!(tenants.get(tenant(0)), tenants.get(tenant(0)));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(Arc::ptr_eq(&a, &b));
    tenants.get(tenant(1)).await.unwrap();
    tenants.get(tenant(2)).await.unwrap();
    assert!(Arc::ptr_eq(&a, &tenants.get(tenant(0)).await.unwrap()));
}

#[tokio::test]
async fn who_only_reads_opens_no_writer() {
    let (fixture, tenant) = Fixture::with_table().await;
    fixture.stores.close().await;
    let stores = fixture.reopen().await;
    let is_open = async || stores.tenants.get(tenant).await.unwrap().writer.lock().await.is_open();
    assert!(ids(&stores, tenant).await.is_empty());
    assert!(!is_open().await);
    let mut tx = stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 1).await;
    tx.commit().await.unwrap();
    assert!(is_open().await);
}

#[tokio::test]
async fn a_file_that_cools_gives_its_writer_back_and_serves_on() {
    const TENANTS: u128 = 4;
    let fixture = Fixture::with_files(Capacity { warm: 2, cool: 2 }).await;
    for n in 0..TENANTS {
        fixture.add(tenant(n)).await;
    }
    let (stores, mut files) = (&fixture.stores, Vec::new());
    for n in 0..TENANTS {
        let mut tx = stores.tenant_write(tenant(n)).await.unwrap();
        insert(&mut tx, 1).await;
        tx.commit().await.unwrap();
        files.push(stores.tenants.get(tenant(n)).await.unwrap());
    }
    for (n, file) in (0..).zip(&files) {
        file.cool();
        assert!(!file.writer.lock().await.is_open());
        assert_eq!(ids(stores, tenant(n)).await, [1]);
        let mut tx = stores.tenant_write(tenant(n)).await.unwrap();
        insert(&mut tx, 2).await;
        // Somebody's work is on the writer.
        file.cool();
        tx.commit().await.unwrap();
        assert_eq!(ids(stores, tenant(n)).await, [1, 2]);
        assert!(Arc::ptr_eq(file, &stores.tenants.get(tenant(n)).await.unwrap()));
    }
}

#[tokio::test]
async fn the_files_used_last_are_warm_and_all_others_cool() {
    let fixture = Fixture::with_files(Capacity { warm: 2, cool: 2 }).await;
    let mut files = Vec::new();
    for n in 0..4 {
        fixture.add(tenant(n)).await;
        files.push(fixture.stores.tenants.get(tenant(n)).await.unwrap());
    }
    in_time(async {
        // Cooling runs on a thread.
        for file in &files[..2] {
            while file.writer.lock().await.is_open() {
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    assert!(files[2].writer.lock().await.is_open() && files[3].writer.lock().await.is_open());
}

#[tokio::test]
async fn closing_serves_the_open_group_and_refuses_what_comes_later() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
    insert(&mut tx, 1).await;
    let stores = &fixture.stores;
    let (written, ()) = in_time(async { tokio::join!(tx.commit(), stores.close()) }).await;
    written.unwrap();
    for refused in [stores.tenant_write(tenant).await.err(), stores.platform_write().await.err()] {
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(ids(&fixture.reopen().await, tenant).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_does_not_grow_without_end_under_reads_that_never_pause() {
    const MEGABYTES: i64 = 40;
    let (fixture, tenant) = Fixture::with_table().await;
    // Each read outlasts several commits, and the next begins before it ends.
    let reader = |_| {
        let stores = Arc::clone(&fixture.stores);
        tokio::spawn(async move {
            loop {
                let mut tx = stores.tenant_read(tenant).await.unwrap();
                tx.query("SELECT count(*) FROM t", &[]).await.unwrap();
                tx.query(super::read::LONG, &[]).await.unwrap();
            }
        })
    };
    let readers: Vec<_> = (0..4).map(reader).collect();
    for id in 0..MEGABYTES {
        let mut tx = fixture.stores.tenant_write(tenant).await.unwrap();
        let sql = "INSERT INTO t (id, name) VALUES (?1, CAST(?1 AS TEXT) || hex(zeroblob(500000)))";
        tx.execute(sql, &[&Value::Int(id)]).await.unwrap();
        in_time(tx.commit()).await.unwrap();
    }
    for reader in readers {
        reader.abort();
    }
    let log = fixture.folder.path().join(format!("tenants/{tenant}.db-wal"));
    let size = std::fs::metadata(log).unwrap().len();
    assert!(size < 40 << 20, "the log is of {size} bytes");
}
