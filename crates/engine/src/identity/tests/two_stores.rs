//! What must reach both stores does, once, wherever it is cut off.

use std::time::Duration;

use insula_model::id::AccountId;
use insula_model::value::Value;

use super::*;
use crate::cancel::polled;
use crate::store::StoreError;

/// Past every lease and pause.
const LATER: i64 = 61;

static PUT: crate::sql::Fixed = crate::sql::Fixed::new(
    "SELECT o.event_id FROM insula.outbox o JOIN insula.tenant t ON t.id = o.tenant_id WHERE t.code = 'acme0' \
     ORDER BY o.position",
);
static ARRIVED: crate::sql::Fixed =
    crate::sql::Fixed::new("SELECT id FROM insula_tenant.audit_event WHERE action = 'session.refused'");

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it hangs")
}

impl World {
    /// The first column of `sql` on the platform's store.
    async fn platform(&self, sql: &str) -> Vec<String> {
        let mut tx = self.engine.0.stores.platform_read().await.unwrap();
        let sql = if tx.dialect() == crate::sql::Dialect::Sqlite { sql.replace("insula.", "") } else { sql.to_owned() };
        let rows = tx.query(&sql, &[]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    }

    /// The texts of `sql` on a tenant's store.
    async fn tenant(&self, scope: &Scope, sql: &str) -> Vec<String> {
        let mut tx = self.engine.0.stores.tenant_read(scope.caller().placement()).await.unwrap();
        let sqlite = tx.dialect() == crate::sql::Dialect::Sqlite;
        let sql = if sqlite { sql.replace("insula_tenant.", "") } else { sql.to_owned() };
        let rows = tx.query(&sql, &[]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    }

    /// The ids that `sql` gives for the first tenant; of its own store, where its scope is given.
    async fn ids(&self, sql: &crate::sql::Fixed, of: Option<&Scope>) -> Vec<Uuid> {
        let stores = &self.engine.0.stores;
        let mut tx = match of {
            Some(scope) => stores.tenant_read(scope.caller().placement()).await.unwrap(),
            None => stores.platform_read().await.unwrap(),
        };
        let rows = tx.fixed(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.id(0).unwrap()).collect()
    }

    async fn refused(&self, scope: &Scope) -> usize {
        self.tenant(scope, "SELECT action FROM insula_tenant.audit_event WHERE action = 'session.refused'").await.len()
    }

    /// Delivers until nothing waits any more.
    async fn deliver_all(&self) {
        for _ in 0..100 {
            while crate::outbox::drain(&self.engine.0, 1).await.unwrap() {}
            let waiting = self.platform("SELECT action FROM insula.outbox").await;
            let queued = self.platform("SELECT 'x' FROM insula.outbox_queue").await;
            if waiting.is_empty() && queued.is_empty() {
                return;
            }
            self.clock.advance(LATER);
        }
        panic!("it never arrives");
    }

    async fn account(&self, email: &str) -> Option<AccountId> {
        static WITH_EMAIL: crate::sql::Fixed =
            crate::sql::Fixed::new("SELECT id FROM insula.account WHERE email_folded = $1");
        let mut tx = self.engine.0.stores.platform_read().await.unwrap();
        let rows = tx.fixed(&WITH_EMAIL, &[&Value::Text(email.to_owned())]).await.unwrap();
        rows.first().map(|row| row.id(0).unwrap())
    }

    async fn fail_to_sign_in(&self, email: &str) {
        assert_eq!(code(self.login(email, "wrong").await), Some(Code::Unauthenticated));
    }
}

#[test]
fn an_event_arrives_once_wherever_its_delivery_is_cut_off() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        world.deliver_all().await;
        let mut polls = 0;
        loop {
            world.fail_to_sign_in("owner@acme.example").await;
            let ended = polled(crate::outbox::drain(&world.engine.0, 1), polls).await.is_some();
            world.clock.advance(LATER);
            world.deliver_all().await;
            polls += 1;
            assert_eq!(world.refused(&owner).await, polls, "given up after {} polls", polls - 1);
            if ended {
                break;
            }
        }
        assert!(polls > 3, "{polls}");
        assert_eq!(world.tenant(&owner, "SELECT action FROM insula_tenant.audit_event").await.len(), polls + 3);
        assert_eq!(
            world.tenant(&owner, "SELECT 'x' FROM insula_tenant.audit_payload").await.len(),
            polls + 3,
            "each with its payload"
        );
    });
}

#[test]
fn a_store_that_refuses_keeps_its_events_waiting_and_nobody_elses() {
    on_both(async |world| {
        let (acme, other) = (world.owner("acme").await, world.owner("other").await);
        world.deliver_all().await;
        change_wall(&world, &acme, "CREATE").await;
        for email in ["owner@acme.example", "owner@other.example", "owner@acme.example"] {
            world.fail_to_sign_in(email).await;
        }
        for attempt in 1..4 {
            while crate::outbox::drain(&world.engine.0, 1).await.unwrap() {}
            assert_eq!((world.refused(&acme).await, world.refused(&other).await), (0, attempt));
            // The pause before the next attempt has not passed.
            let attempts = || world.platform("SELECT CAST(attempts AS text) FROM insula.outbox_queue");
            assert_eq!(attempts().await, [attempt.to_string()]);
            world.fail_to_sign_in("owner@other.example").await;
            assert!(crate::outbox::drain(&world.engine.0, 1).await.unwrap());
            assert_eq!(attempts().await, [attempt.to_string()]);
            world.clock.advance(LATER);
        }
        change_wall(&world, &acme, "DROP").await;
        world.deliver_all().await;
        assert_eq!((world.refused(&acme).await, world.refused(&other).await), (2, 4));
    });
}

/// A tenant's store that takes no event.
async fn change_wall(world: &World, scope: &Scope, verb: &str) {
    let placement = scope.caller().placement();
    let mut tx = world.engine.0.stores.tenant_alter(placement).await.unwrap();
    let ddl = match (tx.dialect(), verb) {
        (crate::sql::Dialect::Sqlite, "CREATE") => {
            "CREATE TRIGGER wall BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'no'); END".to_owned()
        }
        (crate::sql::Dialect::Sqlite, _) => "DROP TRIGGER wall".to_owned(),
        (crate::sql::Dialect::Postgres, "CREATE") => format!(
            "ALTER TABLE insula_tenant.audit_event ADD CONSTRAINT wall CHECK (tenant_id <> '{}') NOT VALID",
            placement.tenant
        ),
        (crate::sql::Dialect::Postgres, _) => "ALTER TABLE insula_tenant.audit_event DROP CONSTRAINT wall".to_owned(),
    };
    tx.ddl(&ddl).await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn those_who_deliver_at_once_deliver_once_and_in_order() {
    on_both(async |world| {
        let mut owners = Vec::new();
        for n in 0..4 {
            owners.push(world.owner(&format!("acme{n}")).await);
        }
        world.deliver_all().await;
        // More than one batch of a tenant.
        for n in 0..120 {
            world.fail_to_sign_in("owner@acme0.example").await;
            if n % 8 == 0 {
                world.fail_to_sign_in(&format!("owner@acme{}.example", n / 8 % 3 + 1)).await;
            }
        }
        assert_eq!(world.platform("SELECT 'x' FROM insula.outbox").await.len(), 135);
        // What has arrived of a tenant's is at any moment what was told first.
        let order = world.ids(&PUT, None).await;
        let watch = async {
            let mut seen = 0;
            while seen < order.len() {
                let arrived = world.ids(&ARRIVED, Some(&owners[0])).await;
                assert!(
                    arrived.iter().all(|id| order[..arrived.len()].contains(id)),
                    "{} of {}",
                    arrived.len(),
                    order.len()
                );
                seen = arrived.len();
                // A quick read has no await of its own.
                tokio::task::yield_now().await;
            }
        };
        let deliver = || async { while crate::outbox::drain(&world.engine.0, 1).await.unwrap() {} };
        in_time(Box::pin(async { tokio::join!(deliver(), deliver(), deliver(), deliver(), watch) })).await;
        world.deliver_all().await;
        let mut found = Vec::new();
        for owner in &owners {
            found.push(world.refused(owner).await);
        }
        assert_eq!(found, [120, 5, 5, 5]);
    });
}

#[test]
fn an_event_put_in_while_another_arrives_is_not_forgotten() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        world.deliver_all().await;
        let (engine, placement) = (&world.engine.0, owner.caller().placement());
        let event = || {
            let (tenant, account) = (placement.tenant, owner.caller().account());
            let author =
                crate::tx::Author { tenant, account, email: "x".into(), api_key: None, origin: origin(), now: NOW };
            let event = crate::audit::Event {
                action: "session.refused",
                entity: None,
                subject: None,
                before: None,
                after: None,
            };
            crate::audit::prepare_as(crate::audit::Outcome::Denied, &author, &engine.ids, &event)
        };
        // A transaction is open for a while, later from round to round, beside a delivery.
        for round in 0..40 {
            world.fail_to_sign_in("owner@acme.example").await;
            let beside = async {
                tokio::time::sleep(Duration::from_micros(100 * round)).await;
                let mut tx = engine.stores.platform_write().await.unwrap();
                crate::outbox::put(&mut tx, event(), world.clock.now()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
                tx.commit().await.unwrap();
            };
            let (drained, ()) = tokio::join!(crate::outbox::drain(engine, 1), beside);
            drained.unwrap();
            world.deliver_all().await;
        }
        assert_eq!(world.refused(&owner).await, 80);
    });
}

/// What each store says of the account: absent, inactive or active.
async fn standings(world: &World, owner: &Scope, account: AccountId) -> (Option<bool>, Option<bool>) {
    let (tenant, id) = (Value::Uuid(owner.caller().tenant().uuid()), Value::Uuid(account.uuid()));
    let platform = async {
        static MEMBERSHIP: crate::sql::Fixed =
            crate::sql::Fixed::new("SELECT active FROM insula.membership WHERE tenant_id = $1 AND account_id = $2");
        let mut tx = world.engine.0.stores.platform_read().await?;
        let rows = tx.fixed(&MEMBERSHIP, &[&tenant, &id]).await?;
        rows.first().map(|row| row.bool(0)).transpose()
    };
    let member = async {
        let mut tx = world.engine.0.stores.tenant_read(owner.caller().placement()).await?;
        Ok::<_, StoreError>(users::member::find(&mut tx, owner.caller().tenant(), account).await?.map(|m| m.active))
    };
    (platform.await.unwrap(), member.await.unwrap())
}

/// Finishes what was cut off, and then nothing is left to finish.
async fn finish(world: &World, owner: &Scope) {
    // In line behind a commit that was on its way when it was given up.
    let mut tx = world.engine.0.stores.platform_write().await.unwrap();
    tx.query("SELECT 1", &[]).await.unwrap();
    tx.commit().await.unwrap();
    world.engine.0.stores.tenant_alter(owner.caller().placement()).await.unwrap().commit().await.unwrap();
    for _ in 0..100 {
        world.clock.advance(LATER);
        while finish_user_changes(&world.engine.0, 1).await.unwrap() {}
        if world.platform("SELECT 'x' FROM insula.user_change").await.is_empty() {
            return;
        }
    }
    panic!("it is never finished");
}

#[test]
fn a_change_of_a_user_cut_off_anywhere_ends_the_same_in_both_stores() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        for step in ["create", "deactivate", "activate", "delete"] {
            let mut polls = 0;
            let mut outcomes = std::collections::BTreeSet::new();
            loop {
                let email = format!("{step}{polls}@acme.example");
                let body = user(&email, "viewer");
                let ended = if step == "create" {
                    polled(Box::pin(create(&owner, &body)), polls).await.map(|made| made.map(drop))
                } else {
                    let made = create(&owner, &body).await.unwrap().id;
                    if step == "activate" {
                        update(&owner, made, &json(r#"{"active":false}"#)).await.unwrap();
                    }
                    match step {
                        "delete" => polled(Box::pin(delete(&owner, made)), polls).await,
                        "activate" => polled(Box::pin(update(&owner, made, &json(r#"{"active":true}"#))), polls)
                            .await
                            .map(|_| Ok(())),
                        _ => polled(Box::pin(update(&owner, made, &json(r#"{"active":false}"#))), polls)
                            .await
                            .map(|_| Ok(())),
                    }
                };
                finish(&world, &owner).await;
                let found = world.account(&email).await;
                let standings = match found {
                    Some(account) => standings(&world, &owner, account).await,
                    None => (None, None),
                };
                assert_eq!(standings.0, standings.1, "{step} given up after {polls} polls");
                assert_eq!(found.is_some(), standings.1.is_some(), "{step} {polls}");
                let enters = world.login(&email, PASSWORD).await.is_ok();
                assert_eq!(enters, standings.1 == Some(true), "{step} {polls}");
                outcomes.insert(standings.1);
                polls += 1;
                if let Some(result) = ended {
                    result.unwrap();
                    break;
                }
            }
            // Before and after: the cuts lay on both sides of what decides.
            assert!(outcomes.len() == 2 && polls > 3, "{step}: {outcomes:?} in {polls}");
        }
    });
}

#[test]
fn a_refused_addition_takes_nothing_from_another_of_the_same_address() {
    on_both(async |world| {
        let owner = world.owner("acme").await;
        for round in 0..30 {
            let email = format!("bob{round}@acme.example");
            let (good, bad) = (user(&email, "viewer"), user(&email, "no_such_role"));
            // Later from round to round.
            let refused = async {
                tokio::time::sleep(Duration::from_micros(150 * round)).await;
                create(&owner, &bad).await.map(drop)
            };
            let (made, refused) = in_time(Box::pin(async { tokio::join!(create(&owner, &good), refused) })).await;
            assert!(refused.is_err());
            let account = made.unwrap().id;
            assert_eq!(standings(&world, &owner, account).await, (Some(true), Some(true)), "{round}");
            assert!(world.login(&email, PASSWORD).await.is_ok(), "{round}");
        }
        assert!(world.platform("SELECT 'x' FROM insula.user_change").await.is_empty());
    });
}
