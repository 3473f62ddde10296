//! Making a record or changing the one that has the same key, alone and by many at once.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

const CALLERS: usize = 32;

async fn stock(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let fields = json!([
        {"name": "code", "type": "code", "required": true, "unique": true},
        {"name": "shelf", "type": "text"},
        {"name": "place", "type": "integer"},
        {"name": "count", "type": "integer", "required": true},
        {"name": "note", "type": "text", "unique": true},
    ]);
    let entity = json!({"name": "item", "fields": fields, "unique": [["shelf", "place"]]});
    owner.post("/entities", &entity).await.expect(201);
    owner
}

async fn events(owner: &Caller) -> Vec<String> {
    let reply = owner.get("/audit?limit=1000").await.expect(200);
    let actions = reply.items().iter().map(|event| event["action"].as_str().unwrap().to_owned());
    actions.filter(|action| action.starts_with("record.")).collect()
}

both_stores! {
    async fn an_upsert_makes_or_changes(app: TestApp) {
        let owner = stock(&app).await;
        let made = owner.post("/records/item?upsert=code", &json!({"code": "a", "count": 1, "shelf": "s", "place": 1})).await.expect(201);
        assert_eq!(made.header("location"), format!("/api/v1/records/item/{}", made.id()));
        // What is there needs no more than what changes.
        let changed = owner.post("/records/item?upsert=code", &json!({"code": "a", "note": "n"})).await.expect(200);
        let shown = |name: &str| changed.body[name].clone();
        assert_eq!([shown("id"), shown("count"), shown("note"), shown("version")], [json!(made.id()), json!(1), json!("n"), json!(2)]);
        assert_eq!((changed.header("location"), changed.header("etag").is_empty()), ("", false));
        let by_both = owner.post("/records/item?upsert=place,shelf", &json!({"shelf": "s", "place": 1, "code": "b"})).await.expect(200);
        assert_eq!((&by_both.body["id"], &by_both.body["code"]), (&json!(made.id()), &json!("b")));
        assert_eq!(events(&owner).await, ["record.update", "record.update", "record.create"]);
        assert_eq!(owner.get("/records/item?count=exact").await.expect(200).body["total"], 1);
    }

    async fn an_upsert_that_cannot_be_is_refused_clearly(app: TestApp) {
        let owner = stock(&app).await;
        owner.post("/records/item", &json!({"code": "a", "count": 1, "note": "n"})).await.expect(201);
        for (query, body, status, code, pointer) in [
            ("upsert=count", json!({"code": "a", "count": 1}), 422, "out_of_range", "/upsert"),
            ("upsert=shelf", json!({"code": "a", "count": 1}), 422, "out_of_range", "/upsert"),
            ("upsert=code,note", json!({"code": "a", "count": 1}), 422, "out_of_range", "/upsert"),
            ("upsert=zz", json!({"code": "a", "count": 1}), 422, "unknown_field", "/upsert"),
            ("upsert=id", json!({"code": "a", "count": 1}), 422, "unknown_field", "/upsert"),
            ("upsert=", json!({"code": "a", "count": 1}), 422, "invalid_format", "/upsert"),
            ("upsert=code,code", json!({"code": "a", "count": 1}), 422, "invalid_format", "/upsert"),
            ("upsert=code&upsert=code", json!({"code": "a", "count": 1}), 422, "invalid", "/upsert"),
            ("other=code", json!({"code": "a", "count": 1}), 422, "unknown_parameter", "/other"),
            ("upsert=code", json!({"count": 1}), 422, "required", "/code"),
            ("upsert=note", json!({"code": "c", "note": null, "count": 1}), 422, "required", "/note"),
            ("upsert=code", json!({"code": 1, "count": 1}), 422, "invalid_type", "/code"),
            ("upsert=code", json!({"code": "b"}), 422, "required", "/count"),
            ("upsert=code", json!({"code": "a", "count": null}), 422, "required", "/count"),
            // Another record has the note; that it is there by another key is no reason to change it.
            ("upsert=code", json!({"code": "b", "count": 1, "note": "n"}), 409, "conflict", "/note"),
        ] {
            let refused = owner.post(&format!("/records/item?{query}"), &body).await.expect_problem(status, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{query} {body}");
        }
        let named = owner.post("/records/item?upsert=count", &json!({})).await.expect(422);
        let message = named.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("`code`") && message.contains("`shelf,place`"), "{message}");
        let viewer = owner.user("viewer").await;
        viewer.post("/records/item?upsert=code", &json!({"code": "a", "count": 9})).await.expect_problem(403, "forbidden");
        assert_eq!(events(&owner).await, ["record.create"]);
    }

    async fn many_upserts_of_one_key_make_one_record_and_lose_no_change(app: TestApp) {
        let owner = stock(&app).await;
        let upsert = |n: usize| {
            let owner = owner.clone();
            async move { owner.post("/records/item?upsert=code", &json!({"code": "a", "count": n})).await }
        };
        let answers = futures_util::future::join_all((0..CALLERS).map(upsert)).await;
        let mut versions: Vec<i64> = answers.iter().map(|answer| {
            let version = answer.body["version"].as_i64().unwrap_or_else(|| panic!("{answer:?}"));
            assert_eq!(answer.status.as_u16(), if version == 1 { 201 } else { 200 }, "{answer:?}");
            version
        }).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=i64::try_from(CALLERS).unwrap()).collect::<Vec<_>>());
        let last = answers.iter().max_by_key(|answer| answer.body["version"].as_i64()).unwrap();
        let stored = owner.get("/records/item?count=exact").await.expect(200);
        assert_eq!((&stored.body["total"], &stored.items()[0]), (&json!(1), &last.body));
        let events = owner.get(&format!("/audit?limit=1000&record={}", last.id())).await.expect(200);
        assert_eq!(events.items().len(), CALLERS);
        // Each event starts from what the one before it left.
        let mut counts = events.items().iter().rev().map(|event| (event["before"]["count"].clone(), event["after"]["count"].clone()));
        counts.try_fold(Value::Null, |left, (before, after)| (before == left).then_some(after)).expect("one chain of changes");
    }
}
