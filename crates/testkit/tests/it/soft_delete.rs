//! Deleted records of an entity that keeps them: gone for everything but the list of what is deleted, and restorable.

mod fates;
mod races;
mod rights;

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

/// `customer` and `ticket` keep what is deleted.
async fn desk(app: &TestApp, code: &str) -> Caller {
    let owner = app.register(code).await;
    let fields = json!([{"name": "code", "type": "code", "unique": true}, {"name": "country", "type": "text"}]);
    let customer = json!({"name": "customer", "soft_delete": true, "fields": fields});
    assert_eq!(owner.post("/entities", &customer).await.expect(201).body["soft_delete"], true);
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "number", "type": "auto_number"},
        {"name": "customer", "type": "relation", "target": "customer", "on_delete": "restrict"},
        {"name": "backup", "type": "relation", "target": "customer", "on_delete": "set_null"},
        {"name": "friends", "type": "relations", "target": "customer"},
        {"name": "parent", "type": "relation", "target": "ticket", "on_delete": "cascade"},
    ]);
    owner.post("/entities", &json!({"name": "ticket", "soft_delete": true, "fields": fields})).await.expect(201);
    owner
}

async fn add(owner: &Caller, entity: &str, body: Value) -> String {
    owner.post(&format!("/records/{entity}"), &body).await.expect(201).id().to_owned()
}

async fn delete(owner: &Caller, entity: &str, id: &str) {
    owner.delete(&format!("/records/{entity}/{id}")).await.expect(204);
}

async fn restore(owner: &Caller, entity: &str, id: &str) -> insula_testkit::Reply {
    owner.post(&format!("/records/{entity}/{id}/restore"), &json!({})).await
}

fn query(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How many records of `entity` a filter finds.
async fn found(owner: &Caller, entity: &str, filter: &str) -> usize {
    owner.get(&format!("/records/{entity}?filter={}", query(filter))).await.expect(200).items().len()
}

async fn ids(owner: &Caller, entity: &str, parameters: &str) -> Vec<String> {
    let page = owner.get(&format!("/records/{entity}?{parameters}")).await.expect(200);
    page.items().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

/// Actions of the events of a record, the first one first.
async fn events(owner: &Caller, record: &str) -> Vec<String> {
    let page = owner.get(&format!("/audit?limit=1000&record={record}")).await.expect(200);
    page.items().iter().rev().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

both_stores! {
    async fn a_deleted_record_is_gone_for_every_reader_and_writer(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let (gone, stays) = (add(&owner, "customer", json!({"code": "a", "country": "DE"})).await, add(&owner, "customer", json!({"code": "b"})).await);
        let ticket = add(&owner, "ticket", json!({"title": "t", "backup": gone, "friends": [gone, stays]})).await;
        assert_eq!(found(&owner, "ticket", "backup.country == \"DE\"").await, 1);
        let path = format!("/records/customer/{gone}");
        let read = owner.get(&path).await.expect(200);
        owner.send(owner.request(reqwest::Method::DELETE, &path).header("if-match", "\"9-0\"")).await.expect_problem(412, "stale_version");
        owner.send(owner.request(reqwest::Method::DELETE, &path).header("if-match", read.header("etag"))).await.expect(204);

        owner.get(&path).await.expect_problem(404, "not_found");
        owner.patch(&path, &json!({"country": "FR"})).await.expect_problem(404, "not_found");
        owner.put(&path, &json!({"country": "FR"})).await.expect_problem(404, "not_found");
        owner.delete(&path).await.expect_problem(404, "not_found");
        owner.post("/records/customer/batch", &json!({"delete": [gone]})).await.expect_problem(404, "not_found");
        owner.post("/records/customer/batch", &json!({"update": [{"id": gone, "country": "FR"}]})).await.expect_problem(404, "not_found");
        let operation = json!({"operations": [{"op": "update", "entity": "customer", "id": gone, "data": {"country": "FR"}}]});
        owner.post("/batch", &operation).await.expect_problem(404, "not_found");
        assert_eq!(ids(&owner, "customer", "sort=-code&count=exact").await, [stays.as_str()]);
        assert_eq!(owner.get("/records/customer?count=exact&limit=1").await.expect(200).body["total"], 1);
        assert_eq!(owner.post("/records/customer/query", &json!({"filter": "code == \"a\""})).await.expect(200).items().len(), 0);
        // What referred to it lost the reference, as an event of its own tells.
        let left = owner.get(&format!("/records/ticket/{ticket}?expand=backup,friends")).await.expect(200);
        assert_eq!((&left.body["backup"], left.body["friends"].as_array().unwrap().len()), (&Value::Null, 1));
        assert_eq!(found(&owner, "ticket", "backup.country == \"DE\"").await, 0);
        assert_eq!(found(&owner, "ticket", &format!("\"{gone}\" in friends")).await, 0);
        assert_eq!(events(&owner, &ticket).await, ["record.create", "record.update", "record.update"]);
        assert_eq!(events(&owner, &gone).await, ["record.create", "record.delete"]);
        for (body, pointer) in [(json!({"customer": gone}), "/customer"), (json!({"friends": [stays, gone]}), "/friends/1")] {
            let refused = owner.post("/records/ticket", &body).await.expect_problem(422, "no_such_record");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer);
            owner.patch(&format!("/records/ticket/{ticket}"), &body).await.expect_problem(422, "no_such_record");
        }
        // Unique among the living.
        let again = owner.post("/records/customer?upsert=code", &json!({"code": "a"})).await.expect(201);
        owner.post("/records/customer", &json!({"code": "a"})).await.expect_problem(409, "conflict");
        assert_eq!(owner.post("/records/customer?upsert=code", &json!({"code": "a", "country": "X"})).await.expect(200).body["id"], again.body["id"]);
    }

    async fn what_is_deleted_is_listed_and_restored_as_it_was(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let made = owner.post("/records/customer", &json!({"code": "a", "country": "DE"})).await.expect(201);
        let other = add(&owner, "customer", json!({"code": "b", "country": "FR"})).await;
        add(&owner, "customer", json!({"code": "c"})).await;
        delete(&owner, "customer", made.id()).await;
        delete(&owner, "customer", &other).await;
        let page = owner.get("/records/customer?deleted=only&sort=code&count=exact").await.expect(200);
        assert_eq!((page.items().len(), &page.body["total"]), (2, &json!(2)));
        let first = &page.items()[0];
        assert_eq!((&first["code"], &first["version"]), (&json!("a"), &json!(2)));
        assert_eq!(first["deleted_at"], first["updated_at"]);
        assert_eq!(ids(&owner, "customer", &format!("deleted=only&filter={}", query("country == \"FR\""))).await, [other.as_str()]);
        let short = owner.get("/records/customer?deleted=only&fields=deleted_at&sort=-updated_at&limit=1").await.expect(200);
        assert_eq!(short.items()[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["deleted_at", "id"]);
        assert_eq!(short.items()[0]["id"], other);
        let next = format!("deleted=only&fields=deleted_at&sort=-updated_at&limit=1&cursor={}", short.body["next_cursor"].as_str().unwrap());
        assert_eq!(ids(&owner, "customer", &next).await, [made.id()]);
        let asked = owner.post("/records/customer/query", &json!({"deleted": "only", "sort": "code"})).await.expect(200);
        assert_eq!(asked.items(), page.items());
        owner.get("/records/customer?fields=deleted_at").await.expect_problem(422, "unknown_field");
        owner.get("/records/customer?deleted=yes").await.expect_problem(422, "out_of_range");
        owner.get("/records/customer?deleted=only&sort=deleted_at").await.expect_problem(422, "unknown_field");

        let back = restore(&owner, "customer", made.id()).await.expect(200);
        let (mut was, mut is) = (made.body.clone(), back.body.clone());
        assert_eq!(is["version"], 3);
        for changed in ["version", "updated_at"] {
            was[changed] = Value::Null;
            is[changed] = Value::Null;
        }
        assert_eq!(was, is);
        let read = owner.get(&format!("/records/customer/{}", made.id())).await.expect(200);
        assert_eq!((&read.body, read.header("etag")), (&back.body, back.header("etag")));
        assert_eq!(events(&owner, made.id()).await, ["record.create", "record.delete", "record.restore"]);
        assert_eq!(ids(&owner, "customer", "deleted=only").await, [other.as_str()]);
        restore(&owner, "customer", made.id()).await.expect_problem(409, "conflict");
        restore(&owner, "customer", "01a20c5a-1b00-7001-8c65-6a83a146c52b").await.expect_problem(404, "not_found");
        // Sent again, it is told again.
        let keyed = || owner.request(reqwest::Method::POST, &format!("/records/customer/{other}/restore")).header("idempotency-key", "k");
        let first = owner.send(keyed()).await.expect(200);
        let again = owner.send(keyed()).await.expect(200);
        assert_eq!((first.body, again.header("idempotency-replayed")), (again.body.clone(), "true"));
    }

    async fn a_restore_that_conflicts_says_where(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let customer = add(&owner, "customer", json!({"code": "a"})).await;
        let (parent, backup) = (add(&owner, "ticket", json!({"title": "parent"})).await, add(&owner, "customer", json!({"code": "z"})).await);
        let ticket = add(&owner, "ticket", json!({
            "title": "child", "customer": customer, "parent": parent, "backup": backup, "friends": [customer, backup],
        })).await;
        // A parent takes its children along; what holds a customer is gone with them.
        owner.delete(&format!("/records/customer/{customer}")).await.expect_problem(409, "conflict");
        delete(&owner, "ticket", &parent).await;
        assert_eq!(ids(&owner, "ticket", "").await, [""; 0]);
        assert_eq!(events(&owner, &ticket).await, ["record.create", "record.delete"]);
        for gone in [&customer, &backup] {
            delete(&owner, "customer", gone).await;
        }
        let refused = restore(&owner, "ticket", &ticket).await.expect_problem(409, "conflict");
        let errors = refused.body["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|error| (&error["pointer"], &error["code"])).collect::<Vec<_>>(), [
            (&json!("/customer"), &json!("no_such_record")), (&json!("/parent"), &json!("no_such_record")),
        ]);
        let taker = add(&owner, "customer", json!({"code": "a"})).await;
        let taken = restore(&owner, "customer", &customer).await.expect_problem(409, "conflict");
        assert_eq!((&taken.body["errors"][0]["pointer"], &taken.body["errors"][0]["code"]), (&json!("/code"), &json!("not_unique")));
        owner.patch(&format!("/records/customer/{taker}"), &json!({"code": null})).await.expect(200);
        restore(&owner, "customer", &customer).await.expect(200);
        restore(&owner, "ticket", &parent).await.expect(200);
        // What would have been set to null is, and links to what is still deleted are not remade.
        let back = restore(&owner, "ticket", &ticket).await.expect(200);
        assert_eq!((&back.body["customer"], &back.body["backup"], &back.body["friends"]), (&json!(customer), &Value::Null, &json!([customer])));
        assert_eq!(owner.get(&format!("/records/ticket/{ticket}")).await.expect(200).body, back.body);
        assert_eq!(back.body["number"], 2, "its number is its own for good");
        assert_eq!(owner.post("/records/ticket", &json!({})).await.expect(201).body["number"], 3);
    }

    async fn a_record_that_refers_to_itself_comes_and_goes(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let ticket = add(&owner, "ticket", json!({"title": "t"})).await;
        owner.patch(&format!("/records/ticket/{ticket}"), &json!({"parent": ticket})).await.expect(200);
        delete(&owner, "ticket", &ticket).await;
        assert_eq!(restore(&owner, "ticket", &ticket).await.expect(200).body["parent"], json!(ticket));
    }

    async fn an_entity_that_keeps_nothing_has_nothing_to_restore(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([{"name": "deleted_at", "type": "text"}]);
        owner.post("/entities", &json!({"name": "note", "fields": fields})).await.expect(201);
        let refused = owner.post("/entities", &json!({"name": "kept", "soft_delete": true, "fields": fields})).await.expect_problem(422, "invalid_format");
        assert_eq!(refused.body["errors"][0]["pointer"], "/fields/0/name");
        let note = add(&owner, "note", json!({"deleted_at": "never"})).await;
        owner.get("/records/note?deleted=only").await.expect_problem(422, "out_of_range");
        restore(&owner, "note", &note).await.expect_problem(409, "conflict");
        delete(&owner, "note", &note).await;
        restore(&owner, "note", &note).await.expect_problem(404, "not_found");
        assert_eq!(owner.get("/jobs").await.expect(200).items().len(), 0);
        owner.post("/entities", &json!({"name": "kept", "soft_delete": true})).await.expect(201);
        assert_eq!(owner.get("/jobs").await.expect(200).items()[0]["kind"], "purge_deleted_records");
    }
}
