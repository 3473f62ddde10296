//! A field that may not be read does not exist, wherever it is named.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{changes, desk, keys, masked, user_with};

const SYSTEM: [&str; 6] = ["created_at", "created_by", "id", "updated_at", "updated_by", "version"];

fn with_system<'k>(fields: &[&'k str]) -> Vec<&'k str> {
    let mut keys: Vec<&str> = SYSTEM.into_iter().chain(fields.iter().copied()).collect();
    keys.sort_unstable();
    keys
}

both_stores! {
    async fn req_h3_a_field_that_may_not_be_read_is_nowhere(app: TestApp) {
        let desk = desk(&app).await;
        let clerk = user_with(&desk.owner, "clerk", json!([
            {"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "fields": {"read": ["id", "title", "customer"]}},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "fields": {"read": ["name"]}},
            {"resource": "entities", "actions": ["read"], "scope": "tenant"},
        ])).await;
        let path = format!("/records/ticket/{}", desk.de_ticket);
        let one = clerk.get(&path).await.expect(200);
        assert_eq!(keys(&one.body), with_system(&["customer", "title"]));
        let all = clerk.get("/records/ticket").await.expect(200);
        assert!(all.items().iter().all(|record| keys(record) == with_system(&["customer", "title"])), "{all:?}");
        let expanded = clerk.get(&format!("{path}?expand=customer")).await.expect(200);
        assert_eq!(keys(&expanded.body["customer"]), with_system(&["name"]));
        // The tag is of what is shown, and the version in it serves.
        assert_ne!(one.header("etag"), desk.owner.get(&path).await.expect(200).header("etag"));

        for query in ["sort=cost", "sort=-cost", "fields=cost", "fields=title,cost", "expand=parent", "filter=cost%20%3D%3D%2010",
            "filter=record.cost%20!%3D%20null", "filter=customer.rating%20%3E%201", "filter=parent.title%20%3D%3D%20%22x%22",
            "filter=parent%20%3D%3D%20null", "sort=number"]
        {
            let hidden = clerk.get(&format!("/records/ticket?{query}")).await.expect_problem(422, "unknown_field");
            // The same word misspelt, letter for letter but one.
            let misspell = |text: &str| ["cost", "rating", "parent", "number"].iter().fold(text.to_owned(), |text, word| text.replace(word, &format!("z{}", &word[1..])));
            let unknown = clerk.get(&format!("/records/ticket?{}", misspell(query))).await.expect_problem(422, "unknown_field");
            assert_eq!(misspell(&masked(&hidden, "?")), masked(&unknown, "?"), "{query}");
        }
        for query in ["filter=cost%20%3D%3D%2010", "fields=cost"] {
            clerk.get(&format!("{path}?{query}")).await.expect(422);
        }
        let shown = clerk.get("/entities/ticket").await.expect(200);
        let names: Vec<_> = shown.body["fields"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect();
        assert_eq!((names, &shown.body["title_field"]), (vec![json!("title"), json!("customer")], &json!("title")));
        assert!(!clerk.get("/entities").await.expect(200).text.contains("cost"));
    }

    async fn req_h3_only_what_may_be_written_is_written(app: TestApp) {
        let desk = desk(&app).await;
        let clerk = user_with(&desk.owner, "clerk", json!([{
            "resource": "records:ticket", "actions": ["create", "read", "update"], "scope": "tenant",
            "fields": {"read": ["title", "status"], "write": ["title", "cost", "number"]},
        }])).await;
        // Written and not read: taken, and not shown.
        let made = clerk.post("/records/ticket", &json!({"title": "a", "cost": 5})).await.expect(201);
        assert_eq!(keys(&made.body), with_system(&["status", "title"]));
        let path = format!("/records/ticket/{}", made.id());
        assert_eq!(desk.owner.get(&path).await.expect(200).body["cost"], 5);
        let changed = clerk.patch_if(&path, made.header("etag"), &json!({"cost": 6})).await.expect(200);
        assert_eq!(keys(&changed.body), with_system(&["status", "title"]));
        let batch = json!({"create": [{"title": "b", "cost": 7}], "update": [{"id": made.id(), "cost": 8}]});
        let done = clerk.post("/records/ticket/batch", &batch).await.expect(200);
        for record in [&done.body["created"][0], &done.body["updated"][0]] {
            assert_eq!(keys(record), with_system(&["status", "title"]));
        }
        // Read and not written, neither, and unique without the right to read it.
        for field in ["status", "customer", "number"] {
            let body = json!({"title": "c", field: "T-1"});
            let refused = clerk.post("/records/ticket", &body).await.expect_problem(422, "unknown_field");
            assert_eq!(refused.body["errors"][0]["pointer"], format!("/{field}"));
            clerk.patch(&path, &body).await.expect_problem(422, "unknown_field");
            let batch = json!({"update": [{"id": made.id(), field: "T-1"}]});
            clerk.post("/records/ticket/batch", &batch).await.expect_problem(422, "unknown_field");
        }
        assert_eq!(desk.owner.get("/records/ticket?count=exact").await.expect(200).body["total"], 4);
    }

    async fn who_may_not_write_what_is_required_cannot_create(app: TestApp) {
        let desk = desk(&app).await;
        let clerk = user_with(&desk.owner, "clerk", json!([{
            "resource": "records:ticket", "actions": ["create", "update"], "scope": "tenant", "fields": {"write": ["status"]},
        }])).await;
        let refused = clerk.post("/records/ticket", &json!({"status": "open"})).await.expect_problem(403, "forbidden");
        assert_eq!(refused.body.get("errors"), None, "{refused:?}");
        // Who may read nothing learns what he needs to go on.
        let changed = clerk.patch(&format!("/records/ticket/{}", desk.de_ticket), &json!({"status": "done"})).await.expect(200);
        assert_eq!(changed.body, json!({"id": desk.de_ticket, "version": 2}));
    }

    async fn the_trail_shows_no_field_that_may_not_be_read(app: TestApp) {
        let desk = desk(&app).await;
        let audit = json!({"resource": "audit", "actions": ["read"], "scope": "tenant"});
        let some = user_with(&desk.owner, "some", json!([audit,
            {"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "fields": {"read": ["title"]}},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "where": "country == \"DE\""},
        ])).await;
        let none = user_with(&desk.owner, "none", json!([audit])).await;
        desk.owner.patch(&format!("/records/ticket/{}", desk.de_ticket), &json!({"title": "b", "cost": 11})).await.expect(200);

        let event = some.get("/audit?entity=ticket&limit=1").await.expect(200).items()[0].clone();
        assert_eq!((&event["before"], &event["after"]), (&json!({"title": "of de"}), &json!({"title": "b"})), "{event}");
        assert_eq!(event["diff"], json!({"title": {"before": "of de", "after": "b"}}), "{event}");
        for (caller, hidden) in [(&some, vec!["cost", "Dorn", "country", "T-1"]), (&none, vec!["cost", "Dorn", "title", "T-1"])] {
            let trail = caller.get("/audit?limit=1000").await.expect(200);
            for word in hidden {
                assert!(!trail.text.contains(word), "{word}: {trail:?}");
            }
            assert_eq!(changes(caller).await.len(), changes(&desk.owner).await.len());
        }
        assert!(changes(&none).await.iter().all(|event| event.get("after").is_none() || event["action"] == "tenant.create"));
        none.get("/audit?entity=ticket").await.expect_problem(422, "out_of_range");
    }
}
