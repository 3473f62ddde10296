//! What was deleted is removed for good when its time has come.

use super::*;
use crate::grant::{Create, Delete};
use crate::record::Precondition;
use insula_model::id::RecordId;

async fn make(scope: &Scope, body: &str) {
    attempt(scope, None).create_entity(&json(body)).await.unwrap();
}

async fn add(scope: &Scope, entity: &str, body: &str) -> RecordId {
    let body = json(body);
    let work = async |tx: &mut Tx<'_, crate::tx::Writing>| {
        let entity = tx.entity(entity)?;
        let grant = tx.authorize::<Create>(&entity)?;
        let record = grant.draft(&body)?;
        tx.insert(&grant, record).await
    };
    scope.write(work).await.unwrap().id()
}

pub(super) async fn delete(scope: &Scope, entity: &str, id: RecordId) -> Result<()> {
    let work = async |tx: &mut Tx<'_, crate::tx::Writing>| {
        let entity = tx.entity(entity)?;
        let grant = tx.authorize::<Delete>(&entity)?;
        tx.delete(&grant, id, &Precondition::None).await
    };
    scope.write(work).await
}

async fn restore(scope: &Scope, entity: &str, id: RecordId) -> Result<()> {
    let work = async |tx: &mut Tx<'_, crate::tx::Writing>| {
        let entity = tx.entity(entity)?;
        let grant = tx.authorize::<Delete>(&entity)?;
        tx.restore(&grant, id).await.map(drop)
    };
    scope.write(work).await
}

async fn purged(world: &World, scope: &Scope) -> i64 {
    world.count(scope, "SELECT count(*) FROM insula_tenant.audit_event WHERE action = 'record.purge'").await
}

#[test]
fn what_was_deleted_thirty_days_ago_goes_for_good() {
    on_both(&async |world| {
        let (acme, quiet) = (world.tenant("acme").await, world.tenant("quiet").await);
        make(&quiet, r#"{"name": "plain"}"#).await;
        make(
            &acme,
            r#"{"name": "node", "soft_delete": true, "fields": [
            {"name": "number", "type": "auto_number"},
            {"name": "next", "type": "relation", "target": "node", "on_delete": "cascade"},
            {"name": "links", "type": "relations", "target": "node"}]}"#,
        )
        .await;
        make(
            &acme,
            r#"{"name": "part", "soft_delete": true, "fields": [
            {"name": "of", "type": "relation", "target": "node", "on_delete": "cascade", "required": true},
            {"name": "twin", "type": "relation", "target": "part", "on_delete": "restrict"}]}"#,
        )
        .await;
        let (first, stays) = (add(&acme, "node", "{}").await, add(&acme, "node", "{}").await);
        let second = add(&acme, "node", &format!(r#"{{"next": "{first}", "links": ["{first}", "{stays}"]}}"#)).await;
        let part = add(&acme, "part", &format!(r#"{{"of": "{second}"}}"#)).await;
        let twin = add(&acme, "part", &format!(r#"{{"of": "{second}", "twin": "{part}"}}"#)).await;
        delete(&acme, "node", first).await.unwrap();
        world.clock.advance(10 * DAY);
        world.work().await;
        let late = add(&acme, "node", "{}").await;
        delete(&acme, "node", late).await.unwrap();
        // A day before its time it can be restored.
        world.clock.advance(19 * DAY);
        world.work().await;
        assert_eq!(purged(world, &acme).await, 0);
        restore(&acme, "node", first).await.unwrap();
        delete(&acme, "node", first).await.unwrap();
        world.clock.advance(2 * DAY);
        world.work().await;
        // What went with it once stays as it was deleted then, and goes.
        assert_eq!(purged(world, &acme).await, 3);
        for (entity, id) in [("node", second), ("part", part), ("part", twin)] {
            assert_eq!(restore(&acme, entity, id).await.unwrap_err().code().as_str(), "not_found");
        }
        world.clock.advance(30 * DAY);
        world.work().await;
        assert_eq!(purged(world, &acme).await, 5);
        let (node, of) = (add(&acme, "node", "{}").await, world.jobs(&acme).await);
        delete(&acme, "node", stays).await.unwrap();
        restore(&acme, "node", stays).await.unwrap();
        delete(&acme, "node", node).await.unwrap();
        // There is always a next run, and none for who keeps nothing.
        assert_eq!(of.iter().filter(|job| job.state == State::Waiting).count(), 1, "{of:?}");
        assert_eq!(world.jobs(&quiet).await.len(), 0);
    });
}

#[test]
fn more_than_one_transaction_holds_goes_in_steps() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        make(
            &acme,
            r#"{"name": "node", "soft_delete": true, "fields": [
            {"name": "next", "type": "relation", "target": "node", "on_delete": "cascade"}]}"#,
        )
        .await;
        let first = add(&acme, "node", "{}").await;
        for _ in 0..450 {
            add(&acme, "node", &format!(r#"{{"next": "{first}"}}"#)).await;
        }
        delete(&acme, "node", first).await.unwrap();
        world.clock.advance(31 * DAY);
        world.work().await;
        assert_eq!(purged(world, &acme).await, 451);
    });
}
