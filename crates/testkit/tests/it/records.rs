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

/// `action` and `record_id` of the newest events, newest first; without those of sessions, which arrive in their own time.
async fn newest(owner: &Caller, count: usize) -> Vec<(String, String)> {
    let reply = owner.get(&format!("/audit?limit={count}")).await.expect(200);
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let events = reply.items().iter().map(|event| (text(event, "action"), text(event, "record_id")));
    events.filter(|(action, _)| !action.starts_with("session.")).collect()
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

    async fn what_breaches_two_keys_is_refused_for_the_first(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([
            {"name": "a", "type": "text", "unique": true},
            {"name": "b", "type": "text", "unique": true},
            {"name": "c", "type": "text"},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields, "unique": [["b", "c"]]})).await.expect(201);
        owner.post("/records/thing", &json!({"a": "x", "b": "y", "c": "z"})).await.expect(201);
        for (body, pointers) in [
            (json!({"a": "x", "b": "y", "c": "z"}), ["/a"]),
            (json!({"a": "other", "b": "y", "c": "z"}), ["/b"]),
        ] {
            let refused = owner.post("/records/thing", &body).await.expect_problem(409, "conflict");
            let told: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
            assert_eq!(told, pointers, "{body}");
        }
    }

    async fn times_finer_than_a_microsecond_are_cut_towards_the_past(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([{"name": "at", "type": "datetime"}]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        for (written, kept) in [
            ("2013-01-31T10:00:00.0000019Z", "2013-01-31T10:00:00.000001Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ] {
            let made = owner.post("/records/thing", &json!({"at": written})).await.expect(201);
            assert_eq!(made.body["at"], kept);
            let found = owner.get(&format!("/records/thing?filter=at==%22{written}%22")).await.expect(200);
            assert_eq!(found.items().len(), 1, "{written}");
        }
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

/// `emp` with relations to itself, one for each way of losing them, and one that must be set.
async fn staff(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let relation = |name: &str, on_delete: &str| json!({"name": name, "type": "relation", "target": "emp", "on_delete": on_delete});
    let fields = [relation("boss", "cascade"), relation("deputy", "restrict"), relation("friend", "set_null")];
    owner.post("/entities", &json!({"name": "emp", "fields": fields})).await.expect(201);
    let must = json!({"name": "of", "type": "relation", "target": "emp", "on_delete": "restrict", "required": true});
    let fields = [relation("boss", "cascade"), must];
    owner.post("/entities", &json!({"name": "badge", "fields": fields})).await.expect(201);
    owner
}

async fn emp(owner: &Caller, values: &Value) -> String {
    owner.post("/records/emp", values).await.expect(201).id().to_owned()
}

both_stores! {
    async fn a_deletion_goes_through_whatever_refers_to_what_within_it(app: TestApp) {
        let owner = staff(&app).await;
        let x = emp(&owner, &json!({})).await;
        let y = emp(&owner, &json!({"boss": x})).await;
        let z = emp(&owner, &json!({"boss": x, "deputy": y})).await;
        owner.patch(&format!("/records/emp/{x}"), &json!({"deputy": y, "friend": z})).await.expect(200);
        owner.patch(&format!("/records/emp/{y}"), &json!({"deputy": y})).await.expect(200);
        // Needs `z` and is found before it is: goes with `x` for another reason.
        let badge = owner.post("/records/badge", &json!({"boss": x, "of": z})).await.expect(201).id().to_owned();
        let other = emp(&owner, &json!({"friend": y})).await;
        owner.delete(&format!("/records/emp/{x}")).await.expect(204);
        owner.get(&format!("/records/badge/{badge}")).await.expect_problem(404, "not_found");
        let left = owner.get("/records/emp").await.expect(200);
        assert_eq!((left.items().len(), left.items()[0]["id"].as_str()), (1, Some(other.as_str())));
        assert_eq!((&left.items()[0]["friend"], &left.items()[0]["version"]), (&Value::Null, &json!(2)));
        let deleted: Vec<_> = newest(&owner, 5).await.into_iter().filter(|(action, _)| action == "record.delete").collect();
        assert_eq!(deleted.len(), 4, "each once");
    }

    async fn a_holder_outside_of_the_deletion_holds(app: TestApp) {
        let owner = staff(&app).await;
        let x = emp(&owner, &json!({})).await;
        let y = emp(&owner, &json!({"boss": x})).await;
        emp(&owner, &json!({"boss": x, "deputy": y})).await;
        let outside = emp(&owner, &json!({"deputy": y})).await;
        let refused = owner.delete(&format!("/records/emp/{x}")).await.expect_problem(409, "conflict");
        assert!(refused.body["detail"].as_str().unwrap().contains("`emp`"), "{refused:?}");
        owner.patch(&format!("/records/emp/{outside}"), &json!({"deputy": null})).await.expect(200);
        owner.delete(&format!("/records/emp/{x}")).await.expect(204);
        assert_eq!(owner.get("/records/emp").await.expect(200).items().len(), 1);
    }

    async fn what_changes_nothing_leaves_nothing(app: TestApp) {
        let owner = family(&app).await;
        let made = owner.post("/records/parent", &json!({"name": "a"})).await.expect(201);
        let path = format!("/records/parent/{}", made.id());
        let events = newest(&owner, 100).await;
        for body in [json!({}), json!({"name": "a"})] {
            let same = owner.patch_if(&path, made.header("etag"), &body).await.expect(200);
            assert_eq!((same.header("etag"), &same.body), (made.header("etag"), &made.body), "{body}");
            let batch = json!({"update": [{"id": made.id(), "version": 1, "name": "a"}]});
            let same = owner.post("/records/parent/batch", &batch).await.expect(200);
            assert_eq!(same.body["updated"][0], made.body);
        }
        assert_eq!(newest(&owner, 100).await, events);
        owner.patch_if(&path, "\"7-0\"", &json!({})).await.expect_problem(412, "stale_version");
    }

    async fn a_patch_may_say_what_it_is(app: TestApp) {
        let owner = family(&app).await;
        let id = parent(&owner, "a").await;
        let path = format!("/records/parent/{id}");
        let request = |method, path: &str| owner.request(method, path).header("content-type", "application/merge-patch+json").body(r#"{"name": "b"}"#);
        let patched = owner.send(request(reqwest::Method::PATCH, &path)).await.expect(200);
        assert_eq!(patched.body["name"], "b");
        owner.send(request(reqwest::Method::POST, "/records/parent")).await.expect_problem(415, "unsupported_media_type");
    }

    async fn req_e3_if_match_is_read_as_http_has_it(app: TestApp) {
        let owner = family(&app).await;
        let id = parent(&owner, "a").await;
        let path = format!("/records/parent/{id}");
        let tag = owner.get(&path).await.expect(200).header("etag").to_owned();
        let weak = format!("W/{tag}");
        let send = |method: reqwest::Method, tags: &[&str]| {
            let mut request = owner.request(method, &path).json(&json!({}));
            for tag in tags {
                request = request.header("if-match", *tag);
            }
            owner.send(request)
        };
        let listed = format!("\"9-0\", {tag}");
        for (tags, status) in [
            (&["*"][..], 200),
            (&[&tag], 200),
            (&[&listed], 200),
            (&["\"9-0\"", &tag], 200),
            // A weak tag never matches strongly (RFC 9110 §13.1.1).
            (&[&weak], 412),
            (&["\"9-0\""], 412),
            (&["\"9-0\"", "\"8-0\""], 412),
        ] {
            send(reqwest::Method::PATCH, tags).await.expect(status);
        }
        send(reqwest::Method::DELETE, &["\"9-0\""]).await.expect_problem(412, "stale_version");
        send(reqwest::Method::DELETE, &[&weak]).await.expect_problem(412, "stale_version");
        send(reqwest::Method::DELETE, &["\"9-0\"", &tag]).await.expect(204);
        send(reqwest::Method::DELETE, &["*"]).await.expect_problem(404, "not_found");
    }

    async fn a_batch_that_cannot_delete_creates_nothing(app: TestApp) {
        let owner = family(&app).await;
        let (a, b) = (parent(&owner, "a").await, parent(&owner, "b").await);
        child(&owner, "holds", &b).await;
        let before = newest(&owner, 100).await;
        let batch = json!({"create": [{"name": "c"}], "update": [{"id": a, "name": "d"}], "delete": [a, b]});
        let refused = owner.post("/records/parent/batch", &batch).await.expect_problem(409, "conflict");
        assert_eq!(refused.body["errors"][0]["pointer"], "/delete/1");
        let nobody = json!({"create": [{"name": "c"}], "delete": ["01a20c5a-1b00-7001-8c65-6a83a146c52b"]});
        let refused = owner.post("/records/parent/batch", &nobody).await.expect_problem(404, "not_found");
        assert_eq!(refused.body["errors"][0]["pointer"], "/delete/0");
        assert_eq!(newest(&owner, 100).await, before);
        let names = owner.get("/records/parent?sort=name&fields=name").await.expect(200);
        let names: Vec<_> = names.items().iter().map(|record| record["name"].clone()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
