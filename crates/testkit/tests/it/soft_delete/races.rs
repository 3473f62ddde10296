//! Deletions, restorations and what is made meanwhile, at once.

use futures_util::future::join_all;
use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{add, delete, desk, ids, restore};

const ROUNDS: usize = 40;

both_stores! {
    async fn no_living_record_refers_to_a_deleted_one(app: TestApp) {
        let owner = desk(&app, "acme").await;
        for round in 0..ROUNDS {
            let parent = add(&owner, "ticket", json!({"title": "parent"})).await;
            let customer = add(&owner, "customer", json!({})).await;
            let held = json!({"parent": parent, "customer": customer, "backup": customer, "friends": [customer]});
            let other = add(&owner, "ticket", json!({"title": "other"})).await;
            let path = format!("/records/ticket/{other}");
            let (parent_path, customer_path) = (format!("/records/ticket/{parent}"), format!("/records/customer/{customer}"));
            let create = || owner.post("/records/ticket", &held);
            let (made, changed, again, one, two) =
                tokio::join!(create(), owner.patch(&path, &held), create(), owner.delete(&parent_path), owner.delete(&customer_path));
            for reply in [&made, &changed, &again] {
                assert!([200, 201, 404, 422].contains(&reply.status.as_u16()), "{round}: {reply:?}");
            }
            for reply in [&one, &two] {
                assert!([204, 409].contains(&reply.status.as_u16()), "{round}: {reply:?}");
            }
            let living = [ids(&owner, "ticket", "limit=1000").await, ids(&owner, "customer", "limit=1000").await].concat();
            let tickets = owner.get("/records/ticket?limit=1000").await.expect(200);
            for ticket in tickets.items() {
                let links = ticket["friends"].as_array().unwrap().iter();
                for id in links.chain([&ticket["parent"], &ticket["customer"], &ticket["backup"]]).filter_map(Value::as_str) {
                    assert!(living.iter().any(|living| living == id), "{round}: {ticket} refers to what is deleted");
                }
            }
        }
    }

    async fn one_of_those_who_want_a_unique_value_has_it(app: TestApp) {
        let owner = desk(&app, "acme").await;
        for round in 0..ROUNDS {
            let code = format!("c{round}");
            let gone = add(&owner, "customer", json!({"code": code})).await;
            delete(&owner, "customer", &gone).await;
            let body = json!({"code": code});
            let (back, made, upsert) = tokio::join!(
                restore(&owner, "customer", &gone), owner.post("/records/customer", &body), owner.post("/records/customer?upsert=code", &body)
            );
            assert!([200, 409].contains(&back.status.as_u16()) && [201, 409].contains(&made.status.as_u16()), "{back:?} {made:?}");
            assert!([200, 201].contains(&upsert.status.as_u16()), "{upsert:?}");
            let found = ids(&owner, "customer", &format!("filter=code%3D%3D%22{code}%22")).await;
            assert_eq!(found.len(), 1, "{round}: {back:?} {made:?} {upsert:?}");
            assert_eq!(upsert.id(), found[0]);
        }
    }

    async fn who_restores_and_deletes_at_once_does_each_thing_once(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let customer = add(&owner, "customer", json!({"code": "a"})).await;
        let path = format!("/records/customer/{customer}");
        for round in 0..ROUNDS {
            let gone = join_all((0..4).map(|_| owner.delete(&path))).await;
            assert_eq!(gone.iter().filter(|reply| reply.status == 204).count(), 1, "{round}: {gone:?}");
            assert!(gone.iter().all(|reply| [204, 404].contains(&reply.status.as_u16())), "{round}: {gone:?}");
            let back = join_all((0..4).map(|_| restore(&owner, "customer", &customer))).await;
            assert_eq!(back.iter().filter(|reply| reply.status == 200).count(), 1, "{round}: {back:?}");
            assert!(back.iter().all(|reply| [200, 409].contains(&reply.status.as_u16())), "{round}: {back:?}");
        }
        assert_eq!(owner.get(&path).await.expect(200).body["version"], json!(1 + 2 * ROUNDS));
    }

    async fn no_record_comes_back_to_what_is_deleted_meanwhile(app: TestApp) {
        let owner = desk(&app, "acme").await;
        for round in 0..ROUNDS {
            let (parent, backup) = (add(&owner, "ticket", json!({})).await, add(&owner, "customer", json!({})).await);
            let child = add(&owner, "ticket", json!({"parent": parent, "backup": backup, "friends": [backup]})).await;
            delete(&owner, "ticket", &child).await;
            let (parent_path, backup_path) = (format!("/records/ticket/{parent}"), format!("/records/customer/{backup}"));
            let (back, one, two) =
                tokio::join!(restore(&owner, "ticket", &child), owner.delete(&parent_path), owner.delete(&backup_path));
            assert_eq!((one.status.as_u16(), two.status.as_u16()), (204, 204), "{round}: {one:?} {two:?}");
            assert!([200, 409].contains(&back.status.as_u16()), "{round}: {back:?}");
            // It went with its parent, or never came.
            owner.get(&format!("/records/ticket/{child}")).await.expect_problem(404, "not_found");
            restore(&owner, "ticket", &parent).await.expect(200);
            let back = restore(&owner, "ticket", &child).await.expect(200);
            assert_eq!((&back.body["backup"], &back.body["friends"]), (&Value::Null, &json!([])), "{round}");
        }
    }
}
