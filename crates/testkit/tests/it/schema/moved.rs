//! Whole schemas: from one organisation to another, back and forth, all or nothing.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::{Value, json};

use super::version;

/// Two entities that lead to each other and to themselves.
async fn shop(owner: &Caller) {
    let customer = json!({"name": "customer", "label": "Customer", "title_field": "name", "fields": [
        {"name": "name", "type": "text", "required": true, "unique": true, "max_length": 80},
        {"name": "of", "type": "relation", "target": "customer", "on_delete": "cascade"},
    ]});
    owner.post("/entities", &customer).await.expect(201);
    let order = json!({"name": "order", "unique": [["number", "customer"]], "fields": [
        {"name": "number", "type": "auto_number"},
        {"name": "customer", "type": "relation", "target": "customer", "required": true},
        {"name": "price", "type": "decimal", "precision": 9, "scale": 2, "min": "0", "default": "1.50"},
        {"name": "tags", "type": "multi_choice", "options": ["a", "b"]},
        {"name": "takes", "type": "duration", "max": "PT1H"},
    ]});
    owner.post("/entities", &order).await.expect(201);
    let field = json!({"name": "orders", "type": "relations", "target": "order"});
    owner.post("/entities/customer/fields", &field).await.expect(201);
    let field = json!({"name": "last", "type": "relation", "target": "order", "on_delete": "set_null"});
    owner.post("/entities/customer/fields", &field).await.expect(201);
}

/// A document without its ids and its version.
fn bare(mut document: Value) -> Value {
    document.as_object_mut().unwrap().remove("version");
    for entity in document["entities"].as_array_mut().unwrap() {
        entity.as_object_mut().unwrap().remove("id");
        for field in entity["fields"].as_array_mut().unwrap() {
            field.as_object_mut().unwrap().remove("id");
        }
    }
    document
}

both_stores! {
    async fn a_schema_moves_from_one_organisation_to_another(app: TestApp) {
        let (from, to) = (app.register("from").await, app.register("to").await);
        shop(&from).await;
        let document = from.get("/schema").await.expect(200).body;
        let start = version(&to).await;
        let plan = to.post("/schema/plan", &document).await.expect(200);
        assert_eq!(plan.body["steps"].as_array().unwrap().len(), 2);
        let applied = to.post("/schema/apply", &document).await.expect(200);
        // What is only planned has no id yet that would last.
        let steps = |reply: &Reply| -> Vec<(Value, Value)> {
            reply.body["steps"].as_array().unwrap().iter().map(|step| (step["step"].clone(), step["entity"].clone())).collect()
        };
        assert_eq!((&applied.body["version"], steps(&applied)), (&json!(start + 1), steps(&plan)));
        let there = to.get("/schema").await.expect(200).body;
        assert_eq!(bare(there.clone()), bare(document.clone()));
        assert_ne!(there["entities"][0]["id"], document["entities"][0]["id"], "ids are never taken over");

        for (owner, document) in [(&to, &document), (&to, &there), (&from, &document), (&from, &there)] {
            let plan = owner.post("/schema/plan", document).await.expect(200);
            assert_eq!(plan.body["steps"], json!([]));
        }
        // The same again does nothing.
        let again = to.post("/schema/apply", &document).await.expect(200);
        assert_eq!(again.body, json!({"version": start + 1, "steps": []}));
        assert_eq!(to.get("/schema/history").await.expect(200).items().len(), 1);

        let customer = to.post("/records/customer", &json!({"name": "Acme"})).await.expect(201).id().to_owned();
        let order = to.post("/records/order", &json!({"customer": customer})).await.expect(201);
        assert_eq!((&order.body["number"], &order.body["price"]), (&json!(1), &json!("1.50")));
        to.patch(&format!("/records/customer/{customer}"), &json!({"last": order.id(), "orders": [order.id()]})).await.expect(200);
        to.post("/records/customer", &json!({"name": "Acme"})).await.expect_problem(409, "conflict");
        to.delete(&format!("/records/customer/{customer}")).await.expect_problem(409, "conflict");
    }

    async fn names_are_changed_by_ids_and_what_is_left_out_is_dropped(app: TestApp) {
        let owner = app.register("acme").await;
        shop(&owner).await;
        let customer = owner.post("/records/customer", &json!({"name": "Acme"})).await.expect(201).id().to_owned();
        let order = owner.post("/records/order", &json!({"customer": customer, "price": "2.00"})).await.expect(201).id().to_owned();
        let mut document = owner.get("/schema").await.expect(200).body;
        // The two change their names with each other.
        document["entities"][0]["name"] = json!("order");
        document["entities"][1]["name"] = json!("customer");
        for entity in document["entities"].as_array_mut().unwrap() {
            for field in entity["fields"].as_array_mut().unwrap() {
                match field["target"].as_str() {
                    Some("customer") => field["target"] = json!("order"),
                    Some("order") => field["target"] = json!("customer"),
                    _ => {}
                }
            }
        }
        owner.post("/schema/apply", &document).await.expect(200);
        assert_eq!(owner.get(&format!("/records/order/{customer}")).await.expect(200).body["name"], "Acme");
        assert_eq!(owner.get(&format!("/records/customer/{order}")).await.expect(200).body["price"], "2.00");

        // By name, without ids; the last field of the first is gone, and the second altogether.
        let mut document = bare(owner.get("/schema").await.expect(200).body);
        document["entities"].as_array_mut().unwrap().remove(1);
        let dangling = owner.post("/schema/apply", &document).await.expect_problem(422, "out_of_range");
        assert_eq!(dangling.body["errors"][0]["pointer"], "/entities/0/fields/2/target");
        document["entities"][0]["fields"].as_array_mut().unwrap().truncate(2);
        let plan = owner.post("/schema/plan", &document).await.expect(200);
        assert_eq!(plan.body["warnings"].as_array().unwrap().iter().filter(|w| w["kind"] == "data_loss").count(), 3);
        owner.post("/schema/apply", &document).await.expect(200);
        assert_eq!(owner.get(&format!("/records/order/{customer}")).await.expect(200).body["name"], "Acme");
        owner.get("/records/customer").await.expect_problem(404, "not_found");
        owner.post("/schema/apply", &json!({"entities": []})).await.expect(200);
        assert_eq!(owner.get("/entities").await.expect(200).items().len(), 0);
    }

    async fn entities_that_lead_to_each_other_go_together(app: TestApp) {
        let owner = app.register("acme").await;
        shop(&owner).await;
        let customer = owner.post("/records/customer", &json!({"name": "Acme"})).await.expect(201).id().to_owned();
        owner.post("/records/order", &json!({"customer": customer})).await.expect(201);
        owner.delete("/entities/order").await.expect_problem(409, "conflict");
        owner.post("/schema/apply", &json!({"entities": []})).await.expect(200);
        shop(&owner).await;
        assert_eq!(owner.get("/records/customer").await.expect(200).items().len(), 0);
    }

    async fn a_document_is_applied_as_a_whole_or_not_at_all(app: TestApp) {
        let owner = app.register("acme").await;
        shop(&owner).await;
        let customer = owner.post("/records/customer", &json!({"name": "Acme"})).await.expect(201).id().to_owned();
        let before = owner.get("/schema").await.expect(200).body;
        let mut document = before.clone();
        document["entities"][1]["label"] = json!("Changed");
        document["entities"].as_array_mut().unwrap().push(json!({"name": "more", "fields": []}));
        document["entities"][0]["fields"][0]["max_length"] = json!(2);
        let refused = owner.post("/schema/apply", &document).await.expect_problem(409, "conflict");
        assert!(refused.text.contains(&customer), "{refused:?}");
        assert_eq!(owner.get("/schema").await.expect(200).body, before);
        owner.get("/records/more").await.expect_problem(404, "not_found");
    }

    async fn documents_that_mean_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        shop(&owner).await;
        let id = owner.get("/schema").await.expect(200).body["entities"][0]["id"].clone();
        for (document, pointer, code) in [
            (json!({}), "/entities", "required"),
            (json!({"entities": {}}), "/entities", "invalid_type"),
            (json!({"entities": [1]}), "/entities/0", "invalid_type"),
            (json!({"entities": [{"name": "a"}, {"name": "a"}]}), "/entities/1/name", "not_unique"),
            (json!({"entities": [{"id": id, "name": "a"}, {"id": id, "name": "b"}]}), "/entities/1/id", "not_unique"),
            (json!({"entities": [{"id": 5, "name": "a"}]}), "/entities/0/id", "invalid_format"),
            (json!({"entities": [{"name": "a", "fields": [{"name": "b", "type": "c"}]}]}), "/entities/0/fields/0/type", "out_of_range"),
            (json!({"entities": [], "more": 1}), "/more", "unknown_field"),
        ] {
            for path in ["/schema/plan", "/schema/apply"] {
                let reply = owner.post(path, &document).await.expect_problem(422, code);
                assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{document}");
            }
        }
    }

    async fn a_document_is_applied_once_for_one_key(app: TestApp) {
        let owner = app.register("acme").await;
        let apply = async || {
            let request = owner.request(reqwest::Method::POST, "/schema/apply").header("idempotency-key", "k");
            owner.send(request.json(&json!({"entities": [{"name": "a"}]}))).await.expect(200)
        };
        let first = apply().await;
        owner.delete("/entities/a").await.expect(204);
        let again = apply().await;
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
        assert_eq!(owner.get("/entities").await.expect(200).items().len(), 0);
    }
}
