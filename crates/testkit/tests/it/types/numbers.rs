//! Numbers that the system gives.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::filter;

both_stores! {
    async fn numbers_are_given_by_the_system(app: TestApp) {
        let owner = app.register("auto").await;
        let field = json!({"name": "value", "type": "auto_number"});
        let mut wrong = field.clone();
        wrong["default"] = json!(5);
        let refused = owner.post("/entities", &json!({"name": "x", "fields": [wrong]})).await.expect_problem(422, "not_supported");
        assert_eq!(refused.body["errors"][0]["pointer"], "/fields/0/default");
        let fields = json!([field, {"name": "title", "type": "text", "required": true}]);
        let made = owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        assert_eq!((&made.body["fields"][0]["required"], &made.body["fields"][0]["unique"]), (&json!(true), &json!(true)));
        let first = owner.post("/records/thing", &json!({"title": "a"})).await.expect(201);
        assert_eq!(first.body["value"], 1);
        let path = format!("/records/thing/{}", first.id());
        assert_eq!(owner.get(&path).await.expect(200).text, first.text);
        let body = json!({"title": "a", "value": 7});
        owner.post("/records/thing", &body).await.expect_problem(422, "unknown_field");
        owner.patch(&path, &json!({"value": 7})).await.expect_problem(422, "unknown_field");
        owner.patch(&path, &json!({"title": "b"})).await.expect(200);
        let put = owner.put(&path, &json!({"title": "b2"})).await.expect(200);
        assert_eq!((&put.body["value"], &put.body["title"]), (&json!(1), &json!("b2")));
        owner.post("/records/thing", &json!({})).await.expect_problem(422, "required");
        let batch = json!({"create": [{"title": "b"}, {"title": "c"}]});
        let made = owner.post("/records/thing/batch", &batch).await.expect(200);
        assert_eq!((&made.body["created"][0]["value"], &made.body["created"][1]["value"]), (&json!(2), &json!(3)));
        let event = owner.get("/audit?entity=thing&limit=1").await.expect(200).items()[0].clone();
        assert_eq!(event["after"]["value"], 3);
        // What is gone is not given again.
        owner.delete(&format!("/records/thing/{}", made.body["created"][1]["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(owner.post("/records/thing", &json!({"title": "d"})).await.expect(201).body["value"], 4);

        let many = (0..40).map(|_| {
            let owner = owner.clone();
            tokio::spawn(async move {
                owner.post("/records/thing", &json!({"title": "x"})).await.expect(201).body["value"].as_i64().unwrap()
            })
        });
        let mut given = Vec::new();
        for made in many.collect::<Vec<_>>() {
            given.push(made.await.unwrap());
        }
        given.sort_unstable();
        assert_eq!(given, (5..45).collect::<Vec<_>>());
        let found = owner.get(&format!("/records/thing?sort=-value&limit=1&filter={}", filter("value < 10"))).await;
        assert_eq!(found.expect(200).items()[0]["value"], 9);
        owner.delete("/entities/thing").await.expect(204);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        assert_eq!(owner.post("/records/thing", &json!({"title": "a"})).await.expect(201).body["value"], 1);
    }

    /// A number is given with the commit: what is refused leaves no gap, whichever way it was asked for.
    async fn numbers_have_no_gaps_but_of_what_was_deleted(app: TestApp) {
        let owner = app.register("gaps").await;
        let fields = json!([
            {"name": "no", "type": "auto_number"}, {"name": "again", "type": "auto_number"},
            {"name": "key", "type": "code", "unique": true},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let numbers = async || {
            let list = owner.get("/records/thing?sort=no&fields=no,again,key").await.expect(200);
            assert!(list.items().iter().all(|thing| thing["no"] == thing["again"]), "{list:?}");
            list.items().iter().map(|thing| thing["no"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        let new = |key: &str| json!({"key": key});
        owner.post("/records/thing", &new("a")).await.expect(201);
        owner.post("/records/thing", &new("a")).await.expect_problem(409, "conflict");
        let batch = json!({"create": [new("b"), new("a")]});
        owner.post("/records/thing/batch", &batch).await.expect_problem(409, "conflict");
        let batch = json!({"mode": "independent", "create": [new("a"), new("b"), new("a"), new("c")]});
        let made = owner.post("/records/thing/batch", &batch).await.expect(200);
        assert_eq!((made.body["created"].as_array().unwrap().len(), made.body["errors"].as_array().unwrap().len()), (2, 2));
        let operations = json!({"operations": [
            {"op": "create", "entity": "thing", "data": new("d")}, {"op": "create", "entity": "thing", "data": new("a")},
        ]});
        owner.post("/batch", &operations).await.expect_problem(409, "conflict");
        owner.post("/records/thing?upsert=key", &new("a")).await.expect(200);
        let upsert = owner.post("/records/thing?upsert=key", &new("d")).await.expect(201);
        assert_eq!(upsert.body["no"], 4);
        // A request that is sent again is done once.
        let once = async || {
            let request = owner.request(reqwest::Method::POST, "/records/thing").header("idempotency-key", "k1");
            owner.send(request.json(&new("e"))).await.expect(201).body["no"].clone()
        };
        assert_eq!((once().await, once().await), (json!(5), json!(5)));
        assert_eq!(numbers().await, [1, 2, 3, 4, 5]);

        // Half of these clash, at the same time as the others succeed.
        let tries = (0..40).map(|i| {
            let (owner, body) = (owner.clone(), new(&format!("k{}", i / 2)));
            tokio::spawn(async move { owner.post("/records/thing", &body).await.status })
        });
        let mut made = 0;
        for status in tries.collect::<Vec<_>>() {
            let status = status.await.unwrap();
            assert!(status == 201 || status == 409, "{status}");
            made += i64::from(status == 201);
        }
        assert_eq!(made, 20);
        assert_eq!(numbers().await, (1..=25).collect::<Vec<_>>());
        for (source, count) in [("no == 7", 1), ("no > 20 && again in [21, 30]", 1), ("no == null", 0)] {
            let found = owner.get(&format!("/records/thing?filter={}", filter(source))).await.expect(200);
            assert_eq!(found.items().len(), count, "{source}");
        }
        let query = json!({"filter": "no in params.n", "params": {"n": [1, 2, 99]}});
        assert_eq!(owner.post("/records/thing/query", &query).await.expect(200).items().len(), 2);
        let refused = owner.post("/records/thing?upsert=no", &json!({"key": "z"})).await;
        let refused = refused.expect_problem(422, "out_of_range");
        assert!(refused.body["errors"][0]["message"].as_str().unwrap().ends_with("has: `key`."), "{refused:?}");
    }
}
