//! A session that goes on wearing a tenant's guise is that tenant's for as long, and nobody's who comes after.

use insula_model::value::Value;

use super::scratch::{insert, on_scratch, read, read_one, table};
use crate::store::StoreError;
use crate::store::postgres::names;

const WHO: &str =
    "SELECT current_user::text, current_setting('insula.tenant'), current_setting('transaction_read_only')";

#[test]
fn whoever_reads_is_himself_whoever_was_before() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let (a, b) = (scratch.tenant(&stores).await, scratch.tenant(&stores).await);
        insert(&stores, a, 1, "a").await;
        insert(&stores, b, 2, "b").await;
        for (turn, (who, id)) in [(a, 1), (a, 1), (b, 2), (b, 2), (a, 1), (b, 2)].into_iter().enumerate() {
            for alone in [false, true, false, true] {
                let ask = async |sql: &str| {
                    if alone { read_one(&stores, who, sql).await } else { read(&stores, who, sql).await }
                };
                let rows = ask(WHO).await.unwrap();
                assert_eq!(rows[0].text(0).unwrap(), names::role(who.tenant), "{turn} {alone}");
                assert_eq!(rows[0].text(1).unwrap(), who.tenant.to_string(), "{turn} {alone}");
                assert_eq!(rows[0].text(2).unwrap(), "on", "{turn} {alone}");
                let ids = ask(&format!("SELECT id FROM {}", table(who))).await.unwrap();
                assert_eq!(ids.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>(), [id]);
                // Row-level security is the setting's business, and the tenants of the system tables are one.
                let tenants = ask("SELECT tenant_id FROM insula_tenant.tenant").await.unwrap();
                assert_eq!(tenants.len(), 1);
                scratch.check_all_at_rest(&stores).await;
            }
            // A write in between, of the other one, under a guise that lasts no longer than it.
            let other = if who == a { b } else { a };
            insert(&stores, other, 100 + i64::try_from(turn).unwrap(), "more").await;
            let mut tx = stores.tenant_write(other).await.unwrap();
            tx.execute(&format!("DELETE FROM {} WHERE id >= 100", table(other)), &[]).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
}

#[test]
fn one_statement_is_one_and_reads() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let a = scratch.tenant(&stores).await;
        for worn in [false, true] {
            let change = format!("INSERT INTO {} (id) VALUES ($1)", table(a));
            let mut tx = stores.tenant_read(a).await.unwrap();
            tx.expect_one();
            tx.query(&change, &[&Value::Int(1)]).await.unwrap_err();
            drop(tx);
            if worn {
                let mut tx = stores.tenant_read(a).await.unwrap();
                tx.expect_one();
                tx.query("SELECT 1", &[]).await.unwrap();
                assert!(matches!(tx.query("SELECT 2", &[]).await, Err(StoreError::Other(_))));
            }
            assert!(read(&stores, a, &format!("SELECT 1 FROM {}", table(a))).await.unwrap().is_empty());
        }
    });
}

#[test]
fn one_statement_outlives_the_columns_it_was_prepared_with() {
    on_scratch(async |scratch| {
        let stores = scratch.open_narrow().await;
        let a = scratch.tenant(&stores).await;
        insert(&stores, a, 1, "x").await;
        let all = format!("SELECT * FROM {}", table(a));
        read(&stores, a, &all).await.unwrap();
        read_one(&stores, a, &all).await.unwrap();
        let mut tx = stores.tenant_alter(a).await.unwrap();
        tx.ddl(&format!("ALTER TABLE {} ADD COLUMN extra text", table(a))).await.unwrap();
        tx.commit().await.unwrap();
        let rows = read_one(&stores, a, &all).await.unwrap();
        assert!(rows[0].is_null(2));
        scratch.check_all_at_rest(&stores).await;
    });
}
