//! Starts, restarts, tenants that come and go, cells that fill up.

use insula_model::value::Value;

use super::scratch::{count, insert, on_scratch, strings};
use crate::store::postgres::names;
use crate::store::{Placement, StoreError, Versions};

#[test]
fn two_nodes_start_at_once_on_an_empty_database() {
    on_scratch(async |scratch| {
        let (one, two) = tokio::join!(scratch.open(), scratch.open());
        let a = scratch.tenant(&one).await;
        insert(&two, a, 1, "x").await;
        assert_eq!(count(&one, a).await, 1);
        let migrations = "SELECT DISTINCT tables FROM insula_store.migration ORDER BY 1";
        assert_eq!(strings(&scratch.inside().await, migrations).await, ["platform", "store", "tenant"]);
    });
}

#[test]
fn a_restart_needs_the_same_secret() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let a = scratch.tenant(&stores).await;
        insert(&stores, a, 1, "x").await;
        stores.close().await;
        let again = scratch.open().await;
        assert_eq!(count(&again, a).await, 1);
        assert_eq!(again.tenant_stores().await.unwrap(), [a]);
        let wrong = scratch.open_with(1000, "another").await.err().unwrap();
        assert!(wrong.to_string().contains("secret key"), "{wrong}");
    });
}

#[test]
fn a_newer_database_is_left_alone() {
    on_scratch(async |scratch| {
        scratch.open().await.close().await;
        let newer = "INSERT INTO insula_store.migration (tables, version) VALUES ('tenant', 99)";
        scratch.inside().await.batch_execute(newer).await.unwrap();
        let refusal = scratch.open_with(1000, "the secret").await.err().unwrap();
        assert!(refusal.to_string().contains("newer"), "{refusal}");
    });
}

#[test]
fn a_tenant_comes_and_goes() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let (placement, tx) = stores.create_tenant(scratch.ids.next()).await.unwrap();
        assert_eq!(tx.versions(), Some(Versions { schema: 1, grants: 1 }));
        tx.rollback().await.unwrap();
        assert_eq!(stores.tenant_stores().await.unwrap(), []);
        assert!(stores.tenant_write(placement).await.is_err());

        let (a, b) = (scratch.tenant(&stores).await, scratch.tenant(&stores).await);
        let mut both = vec![a, b];
        both.sort_by_key(|placement| placement.tenant);
        assert_eq!(stores.tenant_stores().await.unwrap(), both);
        for placement in [a, b] {
            let tenant = Value::Uuid(placement.tenant.uuid());
            let mut tx = stores.tenant_write(placement).await.unwrap();
            for sql in [
                "INSERT INTO insula_tenant.role VALUES ($1, $1, 'r', 'r', false, '[]')",
                "INSERT INTO insula_tenant.member VALUES ($1, $1, 'e', 'e', 'n', true, now())",
                "INSERT INTO insula_tenant.member_role VALUES ($1, $1, $1)",
                "INSERT INTO insula_tenant.audit_event VALUES ($1, $1, now(), 'x', NULL, NULL, NULL, '')",
            ] {
                tx.execute(sql, &[&tenant]).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        stores.drop_tenant(a).await.unwrap();
        stores.drop_tenant(a).await.unwrap();
        assert_eq!(stores.tenant_stores().await.unwrap(), [b]);
        let admin = scratch.inside().await;
        for table in ["tenant", "role", "member", "member_role", "audit_event"] {
            let left = strings(&admin, &format!("SELECT tenant_id::text FROM insula_tenant.{table}")).await;
            assert_eq!(left, [b.tenant.to_string()], "{table}");
        }
        let role = format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{}'", names::role(a.tenant));
        assert!(strings(&admin, &role).await.is_empty());
    });
}

#[test]
fn a_full_cell_is_followed_by_another() {
    on_scratch(async |scratch| {
        let stores = scratch.open_with(2, "the secret").await.unwrap();
        let other_node = scratch.open_with(2, "the secret").await.unwrap();
        let mut placements = Vec::new();
        for round in 0..5 {
            let placement = scratch.tenant(if round % 2 == 0 { &stores } else { &other_node }).await;
            insert(&stores, placement, 1, "x").await;
            assert_eq!(count(&other_node, placement).await, 1);
            placements.push(placement);
        }
        let cells: Vec<i64> = placements.iter().map(|placement| placement.cell).collect();
        assert_eq!(cells, [1, 1, 2, 2, 3]);
        assert_eq!(scratch.open_with(2, "the secret").await.unwrap().tenant_stores().await.unwrap().len(), 5);

        // Room made is used again.
        stores.drop_tenant(placements[2]).await.unwrap();
        assert_eq!(scratch.tenant(&stores).await.cell, 2);
        // A login role serves its own cell.
        let elsewhere = Placement { cell: 1, ..placements[4] };
        assert!(stores.tenant_write(elsewhere).await.is_err());
    });
}

#[test]
fn nodes_that_need_a_cell_at_once_make_one() {
    on_scratch(async |scratch| {
        let one = scratch.open_with(1, "the secret").await.unwrap();
        let two = scratch.open_with(1, "the secret").await.unwrap();
        scratch.tenant(&one).await;
        let (a, b) = tokio::join!(scratch.tenant(&one), scratch.tenant(&two));
        let mut cells = [a.cell, b.cell];
        cells.sort_unstable();
        assert_eq!(cells, [2, 3]);
    });
}

#[test]
fn a_schema_change_is_alone_on_its_tenant() {
    on_scratch(async |scratch| {
        let stores = scratch.open().await;
        let (a, b) = (scratch.tenant(&stores).await, scratch.tenant(&stores).await);
        let mut tx = stores.tenant_alter(a).await.unwrap();
        tx.execute(
            "UPDATE insula_tenant.tenant SET schema_version = 2 WHERE tenant_id = $1",
            &[&Value::Uuid(a.tenant.uuid())],
        )
        .await
        .unwrap();
        insert(&stores, b, 1, "not in the way").await;
        let waiting = stores.tenant_write(a);
        tokio::pin!(waiting);
        // The writer is in the queue for the lock before the change ends.
        let admin = scratch.inside().await;
        let queued = async {
            while strings(&admin, "SELECT 'x' FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                .await
                .is_empty()
            {}
        };
        tokio::select! {
            _ = &mut waiting => panic!("a write began beside a schema change"),
            () = queued => {}
        }
        tx.commit().await.unwrap();
        let write = waiting.await.unwrap();
        assert_eq!(write.versions(), Some(Versions { schema: 2, grants: 1 }));
        drop(write);
        assert!(matches!(stores.tenant_alter(Placement { cell: 9, ..a }).await, Err(StoreError::Other(_))));
    });
}
