//! Two tenants with an entity of the same name and different fields, used at once, also while one makes it anew.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

const WRITERS: usize = 8;
const RECORDS: usize = 25;

async fn design(owner: &Caller, field: &str, kind: &str) {
    let fields = json!([{"name": field, "type": kind, "indexed": true}]);
    owner.post("/entities", &json!({"name": "item", "fields": fields})).await.expect(201);
}

/// Writes and reads `item` and sees nothing but its own.
async fn use_it(owner: Caller, field: &'static str, value: Value) {
    for _ in 0..RECORDS {
        let made = owner.post("/records/item", &json!({field: value})).await.expect(201);
        assert_eq!(made.body[field], value);
        let one = owner.get(&format!("/records/item/{}", made.id())).await.expect(200);
        assert_eq!(one.body[field], value);
        for record in owner.get("/records/item?limit=20&sort=-created_at").await.expect(200).items() {
            assert_eq!(record[field], value, "{record}");
            assert_eq!(record.as_object().map(serde_json::Map::len), Some(7), "{record}");
        }
    }
}

both_stores! {
    async fn entities_of_one_name_do_not_mix(app: TestApp) {
        let (a, b) = (app.register("acme").await, app.register("best").await);
        design(&a, "title", "text").await;
        design(&b, "count", "integer").await;
        let mut users = Vec::new();
        for _ in 0..WRITERS {
            users.push(tokio::spawn(use_it(a.clone(), "title", json!("of a"))));
            users.push(tokio::spawn(use_it(b.clone(), "count", json!(7))));
        }
        for user in users {
            user.await.unwrap();
        }
        let total = |reply: insula_testkit::Reply| reply.expect(200).body["total"].clone();
        assert_eq!(total(a.get("/records/item?count=exact").await), WRITERS * RECORDS);
        assert_eq!(total(b.get("/records/item?count=exact").await), WRITERS * RECORDS);

        let other = tokio::spawn(use_it(b.clone(), "count", json!(7)));
        a.delete("/entities/item").await.expect(204);
        a.get("/records/item").await.expect_problem(404, "not_found");
        design(&a, "size", "integer").await;
        use_it(a.clone(), "size", json!(3)).await;
        other.await.unwrap();
        assert_eq!(total(a.get("/records/item?count=exact").await), RECORDS);
        assert_eq!(total(b.get("/records/item?count=exact").await), (WRITERS + 1) * RECORDS);

        // An id of the one is to the other what an id of nobody is.
        let id = b.get("/records/item?limit=1").await.expect(200).items()[0]["id"].as_str().unwrap().to_owned();
        let masked = |reply: insula_testkit::Reply| {
            let (id, path) = (reply.header("x-request-id").to_owned(), reply.body["instance"].as_str().unwrap().to_owned());
            reply.text.replace(&id, "").replace(&path, "")
        };
        let foreign = a.get(&format!("/records/item/{id}")).await.expect_problem(404, "not_found");
        let nobody = a.get("/records/item/01a20c5a-1b00-7001-8c65-6a83a146c52b").await.expect_problem(404, "not_found");
        assert_eq!(masked(foreign), masked(nobody));
    }
}
