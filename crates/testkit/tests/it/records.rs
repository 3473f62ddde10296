//! Records through the API: versions, what deletions entail, uniqueness, batches, and the audit trail of all of it.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

/// `parent`, and `child` with one relation to it for each way of losing it.
async fn family(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let parent =
        json!({"name": "parent", "fields": [{"name": "name", "type": "text", "required": true, "unique": true}]});
    owner.post("/entities", &parent).await.expect(201);
    let relation = |name: &str, on_delete: &str| json!({"name": name, "type": "relation", "target": "parent", "on_delete": on_delete});
    let fields = [relation("holds", "restrict"), relation("follows", "cascade"), relation("knows", "set_null")];
    owner.post("/entities", &json!({"name": "child", "fields": fields})).await.expect(201);
    owner
}

async fn parent(owner: &Caller, name: &str) -> String {
    owner.post("/records/parent", &json!({"name": name})).await.expect(201).id().to_owned()
}

async fn child(owner: &Caller, relation: &str, parent: &str) -> String {
    owner.post("/records/child", &json!({relation: parent})).await.expect(201).id().to_owned()
}

/// `action` and `record_id` of the newest events, newest first.
async fn newest(owner: &Caller, count: usize) -> Vec<(String, String)> {
    let reply = owner.get(&format!("/audit?limit={count}")).await.expect(200);
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    reply.items().iter().map(|event| (text(event, "action"), text(event, "record_id"))).collect()
}

both_stores! {
    async fn a_change_needs_the_version_it_was_made_from(app: TestApp) {
        let owner = family(&app).await;
        let made = owner.post("/records/parent", &json!({"name": "a"})).await.expect(201);
        let path = format!("/records/parent/{}", made.id());
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        let first = made.header("etag").to_owned();
        assert_eq!(owner.get(&path).await.expect(200).header("etag"), first);
        let second = owner.patch_if(&path, &first, &json!({"name": "b"})).await.expect(200);
        assert_eq!((&second.body["name"], &second.body["version"]), (&json!("b"), &json!(2)));
        owner.patch_if(&path, &first, &json!({"name": "c"})).await.expect_problem(412, "stale_version");
        owner.patch_if(&path, "\"nonsense\"", &json!({"name": "c"})).await.expect_problem(412, "stale_version");
        let now = owner.get(&path).await.expect(200);
        assert_eq!(now.body["name"], "b");
        let known = owner.request(reqwest::Method::GET, &path).header("if-none-match", now.header("etag"));
        assert_eq!(owner.send(known).await.expect(304).text, "");
    }

    async fn a_change_leaves_one_event_with_before_and_after(app: TestApp) {
        let owner = family(&app).await;
        let id = parent(&owner, "a").await;
        let changed = owner.patch(&format!("/records/parent/{id}"), &json!({"name": "b"})).await.expect(200);
        let event = owner.get("/audit?limit=1").await.expect(200).items()[0].clone();
        assert_eq!((&event["action"], &event["record_id"]), (&json!("record.update"), &json!(id)), "{event}");
        assert_eq!((&event["before"], &event["after"]), (&json!({"name": "a"}), &json!({"name": "b"})), "{event}");
        assert_eq!(event["diff"], json!({"name": {"before": "a", "after": "b"}}), "{event}");
        assert_eq!((&event["entity"], &event["outcome"]), (&json!("parent"), &json!("ok")), "{event}");
        assert_eq!(event["actor"]["email"], owner.email, "{event}");
        assert_eq!(event["request_id"], changed.header("x-request-id"), "{event}");
        owner.get(&format!("/audit?record={id}")).await.expect(200).items().iter().for_each(|e| assert_eq!(e["record_id"], id));
    }

    async fn a_refused_change_leaves_nothing(app: TestApp) {
        let owner = family(&app).await;
        parent(&owner, "a").await;
        let before = newest(&owner, 100).await;
        let taken = owner.post("/records/parent", &json!({"name": "a"})).await.expect_problem(409, "conflict");
        assert_eq!(taken.body["errors"][0]["pointer"], "/name");
        assert_eq!(taken.body["errors"][0]["code"], "not_unique");
        let nowhere = json!({"holds": "01a20c5a-1b00-7001-8c65-6a83a146c52b"});
        let lost = owner.post("/records/child", &nowhere).await.expect_problem(422, "no_such_record");
        assert_eq!(lost.body["errors"][0]["pointer"], "/holds");
        let batch = json!({"create": [{"name": "b"}, {"name": "a"}], "mode": "atomic"});
        let refused = owner.post("/records/parent/batch", &batch).await.expect_problem(409, "conflict");
        assert_eq!(refused.body["errors"][0]["pointer"], "/create/1/name");
        assert_eq!(newest(&owner, 100).await, before);
        let total = owner.get("/records/parent?count=exact").await.expect(200);
        assert_eq!(total.body["total"], 1);
    }

    async fn a_deletion_does_what_the_relations_say(app: TestApp) {
        let owner = family(&app).await;
        let id = parent(&owner, "a").await;
        let held = child(&owner, "holds", &id).await;
        let path = format!("/records/parent/{id}");
        owner.delete(&path).await.expect_problem(409, "conflict");
        owner.delete(&format!("/records/child/{held}")).await.expect(204);

        let (gone, loose) = (child(&owner, "follows", &id).await, child(&owner, "knows", &id).await);
        owner.delete(&path).await.expect(204);
        owner.get(&path).await.expect_problem(404, "not_found");
        owner.get(&format!("/records/child/{gone}")).await.expect_problem(404, "not_found");
        let loosened = owner.get(&format!("/records/child/{loose}")).await.expect(200);
        assert_eq!((&loosened.body["knows"], &loosened.body["version"]), (&Value::Null, &json!(2)));
        let event = |action: &str, id: &str| (action.to_owned(), id.to_owned());
        let expect = [event("record.delete", &id), event("record.delete", &gone), event("record.update", &loose)];
        assert_eq!(newest(&owner, 3).await, expect);
    }

    async fn a_batch_is_all_or_nothing(app: TestApp) {
        let owner = family(&app).await;
        let (a, b) = (parent(&owner, "a").await, parent(&owner, "b").await);
        let batch = json!({"create": [{"name": "c"}], "update": [{"id": a, "version": 1, "name": "d"}], "delete": [b]});
        let done = owner.post("/records/parent/batch", &batch).await.expect(200);
        assert_eq!(done.body["created"][0]["name"], "c");
        assert_eq!((&done.body["updated"][0]["name"], &done.body["deleted"]), (&json!("d"), &json!([b])));
        let stale = json!({"create": [{"name": "e"}], "update": [{"id": a, "version": 1, "name": "f"}]});
        let refused = owner.post("/records/parent/batch", &stale).await.expect_problem(412, "stale_version");
        assert_eq!(refused.body["errors"][0]["pointer"], "/update/0");
        let names = owner.get("/records/parent?sort=name&fields=name").await.expect(200);
        let names: Vec<_> = names.items().iter().map(|record| record["name"].clone()).collect();
        assert_eq!(names, ["c", "d"]);
    }
}
