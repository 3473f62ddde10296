use std::collections::BTreeSet;

use super::*;

fn files(fixture: &Fixture) -> BTreeSet<String> {
    let entries = std::fs::read_dir(fixture.folder.path().join("tenants")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_created_tenant_is_there_for_good() {
    let (fixture, tenant) = Fixture::with_table().await;
    let stores: Vec<_> = fixture.stores.tenant_stores().await.unwrap().iter().map(|p| p.tenant).collect();
    assert_eq!(stores, [tenant]);
    fixture.stores.close().await;
    assert!(fixture.stores.tenant_read(tenant).await.is_err());
    assert_eq!(files(&fixture), BTreeSet::from([format!("{tenant}.db")]));
    let versions = fixture.reopen().await.tenant_write(tenant).await.unwrap().versions().unwrap();
    assert_eq!((versions.schema, versions.grants), (1, 1));
}

#[tokio::test]
async fn nothing_is_left_of_a_tenant_that_was_not_committed() {
    let fixture = Fixture::new().await;
    let stores = &fixture.stores;
    drop(stores.create_tenant(tenant(1)).await.unwrap());
    assert!(files(&fixture).is_empty());

    let tx = stores.create_tenant(tenant(1)).await.unwrap();
    assert!(!files(&fixture).is_empty());
    assert!(stores.tenant_stores().await.unwrap().is_empty(), "a sweep would take it");
    tx.rollback().await.unwrap();
    assert!(files(&fixture).is_empty());

    let mut tx = stores.create_tenant(tenant(1)).await.unwrap();
    tx.ddl("no SQL").await.unwrap_err();
    drop(tx);
    assert!(files(&fixture).is_empty());
    // And the id is free again.
    fixture.add(tenant(1)).await;
}

#[tokio::test]
async fn an_existing_tenant_is_not_made_again() {
    let (fixture, tenant) = Fixture::with_table().await;
    assert!(fixture.stores.create_tenant(tenant).await.is_err());
    assert!(ids(&fixture.stores, tenant).await.is_empty());
}

#[tokio::test]
async fn a_dropped_tenant_is_gone() {
    let (fixture, tenant) = Fixture::with_table().await;
    let mut reader = fixture.stores.tenant_read(tenant).await.unwrap();
    ids_in(&mut reader).await;
    fixture.stores.drop_tenant(tenant).await.unwrap();
    drop(reader);
    assert!(files(&fixture).is_empty());
    assert!(fixture.stores.tenant_read(tenant).await.is_err());
    fixture.stores.drop_tenant(tenant).await.unwrap();
}
