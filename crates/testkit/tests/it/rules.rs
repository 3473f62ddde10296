//! Rules of an entity: how they are read, shown and hidden, and that every way to write a record asks them.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::{Value, json};

const ORDER: &str = "Due must not be before start";
const HOURS: &str = "More hours than a day has";

async fn tasks(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let entity = json!({
        "name": "task",
        "fields": [
            {"name": "code", "type": "code", "unique": true},
            {"name": "start", "type": "date", "default": "2024-05-01"},
            {"name": "due", "type": "date"},
            {"name": "hours", "type": "integer", "default": 1},
        ],
        "rules": [
            {"name": "order", "expr": "record.due == null || record.due >= record.start", "message": ORDER},
            {"name": "hours", "expr": "hours <= 24", "message": HOURS},
        ],
    });
    let made = owner.post("/entities", &entity).await.expect(201);
    assert_eq!(made.body["rules"], entity["rules"]);
    owner
}

/// Pointers and messages of a refusal in which nothing but rules was broken.
fn broken(reply: Reply) -> Vec<(String, String)> {
    let reply = reply.expect_problem(422, "rule_violated");
    let text = |error: &Value, member: &str| error[member].as_str().unwrap().to_owned();
    reply.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (text(error, "pointer"), text(error, "message")))
        .collect()
}

fn at(pointer: &str, message: &str) -> (String, String) {
    (pointer.to_owned(), message.to_owned())
}

async fn define(owner: &Caller, name: &str, rules: &Value) -> Reply {
    let fields = json!([
        {"name": "number", "type": "auto_number"}, {"name": "title", "type": "text"}, {"name": "count", "type": "integer"},
        {"name": "parent", "type": "relation", "target": name}, {"name": "tags", "type": "multi_choice", "options": ["a", "b"]},
        {"name": "friends", "type": "relations", "target": name},
    ]);
    owner.post("/entities", &json!({"name": name, "fields": fields, "rules": rules})).await
}

both_stores! {
    async fn every_way_to_write_asks_the_rules(app: TestApp) {
        let owner = tasks(&app).await;
        let early = json!({"code": "a", "due": "2024-04-30"});
        assert_eq!(broken(owner.post("/records/task", &early).await), [at("", ORDER)], "the default counts");
        let both = json!({"start": "2024-05-02", "due": "2024-05-01", "hours": 25});
        assert_eq!(broken(owner.post("/records/task", &both).await), [at("", ORDER), at("", HOURS)]);
        assert_eq!(broken(owner.post("/records/task", &json!({"hours": null})).await), [at("", HOURS)], "null is no number");
        let task = owner.post("/records/task", &json!({"code": "b", "due": "2024-05-02"})).await.expect(201);
        let path = format!("/records/task/{}", task.id());
        assert_eq!(broken(owner.patch(&path, &json!({"start": "2024-05-03"})).await), [at("", ORDER)]);
        assert_eq!(broken(owner.put(&path, &json!({"due": "2024-01-01"})).await), [at("", ORDER)]);
        let upsert = "/records/task?upsert=code";
        assert_eq!(broken(owner.post(upsert, &json!({"code": "b", "hours": 25})).await), [at("", HOURS)]);
        assert_eq!(broken(owner.post(upsert, &json!({"code": "c", "hours": 25})).await), [at("", HOURS)]);
        let batch = json!({"create": [{"code": "d"}, {"hours": 25}, {"due": "2024-01-01", "hours": 25}]});
        let expect = [at("/create/1", HOURS), at("/create/2", ORDER), at("/create/2", HOURS)];
        assert_eq!(broken(owner.post("/records/task/batch", &batch).await), expect);
        let batch = json!({"update": [{"id": task.id(), "hours": 25}]});
        assert_eq!(broken(owner.post("/records/task/batch", &batch).await), [at("/update/0", HOURS)]);
        let each = json!({"mode": "independent", "create": [{"hours": 25}, {"code": "e"}], "update": [{"id": task.id(), "hours": 26}]});
        let each = owner.post("/records/task/batch", &each).await.expect(200);
        assert_eq!(each.body["created"].as_array().unwrap().len(), 1);
        let refused = each.body["errors"].as_array().unwrap();
        let of = |refusal: &Value| (refusal["op"].clone(), refusal["problem"]["code"].clone(), refusal["problem"]["errors"][0]["message"].clone());
        assert_eq!(refused.iter().map(of).collect::<Vec<_>>(), [
            (json!("create"), json!("rule_violated"), json!(HOURS)), (json!("update"), json!("rule_violated"), json!(HOURS)),
        ]);
        for (operation, pointer) in [
            (json!({"op": "create", "entity": "task", "data": {"hours": 25}}), "/operations/0/data"),
            (json!({"op": "update", "entity": "task", "id": task.id(), "data": {"hours": 25}}), "/operations/0/data"),
        ] {
            assert_eq!(broken(owner.post("/batch", &json!({"operations": [operation]})).await), [at(pointer, HOURS)]);
        }
        let stored = owner.get("/records/task?count=exact&sort=code").await.expect(200);
        assert_eq!(stored.body["total"], 2);
        assert_eq!(stored.items()[0], task.body, "nothing of it was changed");
        owner.patch(&path, &json!({"start": "2024-05-02", "hours": 24})).await.expect(200);
    }

    async fn a_rule_looks_at_the_record_as_it_would_be_stored(app: TestApp) {
        let owner = app.register("acme").await;
        let rule = |name: &str, expr: &str| json!({"name": name, "expr": expr, "message": format!("no {name}")});
        let rules = json!([
            rule("made", "created_by == updated_by && version < 3 && created_at <= now()"),
            rule("set", "\"a\" in tags || title != \"tagged\""),
            rule("link", "parent != id"),
            rule("friend", "!(\"019ab4e2-7ca1-7000-9f27-6c0d5be81a43\" in friends)"),
        ]);
        define(&owner, "thing", &rules).await.expect(201);
        let refused = owner.post("/records/thing", &json!({"title": "tagged", "tags": ["b"]})).await;
        assert_eq!(broken(refused), [at("", "no set")]);
        let thing = owner.post("/records/thing", &json!({"title": "tagged", "tags": ["b", "a"]})).await.expect(201);
        let path = format!("/records/thing/{}", thing.id());
        assert_eq!(broken(owner.patch(&path, &json!({"parent": thing.id()})).await), [at("", "no link")]);
        owner.patch(&path, &json!({"count": 1})).await.expect(200);
        assert_eq!(broken(owner.patch(&path, &json!({"count": 2})).await), [at("", "no made")], "the version it would have");
        owner.patch(&path, &json!({"count": 1})).await.expect(200);
        // What is wrong with its references and with its rules is told together.
        let nowhere = json!({"title": "tagged", "parent": "019ab4e2-7ca1-7000-9f27-6c0d5be81a43"});
        let refused = owner.post("/records/thing", &nowhere).await.expect_problem(422, "invalid");
        let codes: Vec<&Value> = refused.body["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
        assert_eq!(codes, ["no_such_record", "rule_violated"]);
    }

    async fn a_rule_that_cannot_be_one_is_refused_where_it_stands(app: TestApp) {
        let owner = app.register("acme").await;
        let sound = json!({"name": "r", "expr": "count > 0", "message": "m"});
        let with = |member: &str, value: Value| {
            let mut rule = sound.clone();
            rule[member] = value;
            json!([rule])
        };
        let without = |member: &str| {
            let mut rule = sound.clone();
            rule.as_object_mut().unwrap().remove(member);
            json!([rule])
        };
        for (rules, code, pointer) in [
            (json!({}), "invalid_type", "/rules"),
            (json!([1]), "invalid_type", "/rules/0"),
            (with("zz", json!(1)), "unknown_field", "/rules/0/zz"),
            (without("name"), "required", "/rules/0/name"),
            (without("expr"), "required", "/rules/0/expr"),
            (without("message"), "required", "/rules/0/message"),
            (with("name", json!("No name")), "invalid_format", "/rules/0/name"),
            (with("message", json!("")), "too_short", "/rules/0/message"),
            (with("message", json!("m".repeat(501))), "too_long", "/rules/0/message"),
            (with("expr", json!("zz > 0")), "unknown_field", "/rules/0/expr"),
            (with("expr", json!("record.zz > 0")), "unknown_field", "/rules/0/expr"),
            (with("expr", json!("count > \"a\"")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("count")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("count >")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("parent.count > 0")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("parent.zz > 0")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("created_by == caller.id")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("number > 0")), "invalid_expression", "/rules/0/expr"),
            (with("expr", json!("count == params.x")), "invalid_expression", "/rules/0/expr"),
            (json!([sound, sound]), "not_unique", "/rules/1/name"),
            (Value::Array(vec![sound.clone(); 101]), "too_long", "/rules"),
        ] {
            let refused = define(&owner, "thing", &rules).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{rules}");
        }
        // A field with a mistake is told of once.
        let body = json!({"name": "thing", "fields": [{"name": "count", "type": "zz"}], "rules": [sound]});
        let refused = owner.post("/entities", &body).await.expect_problem(422, "out_of_range");
        assert_eq!(refused.body["errors"].as_array().unwrap().len(), 1);
        define(&owner, "thing", &with("expr", json!("parent.id != id && now() > created_at - duration(\"1h\")"))).await.expect(201);
    }

    async fn a_rule_is_shown_to_whom_its_fields_are(app: TestApp) {
        let owner = app.register("acme").await;
        let rule = |name: &str, expr: &str| json!({"name": name, "expr": expr, "message": "no"});
        define(&owner, "thing", &json!([rule("open", "title != \"x\""), rule("both", "title == null || count > 0")])).await.expect(201);
        let grants = json!([
            {"resource": "entities", "actions": ["read"], "scope": "tenant"},
            {"resource": "records:thing", "actions": ["create", "read"], "scope": "tenant", "fields": {"read": ["title"], "write": ["title"]}},
        ]);
        owner.post("/roles", &json!({"code": "clerk", "name": "Clerk", "grants": grants})).await.expect(201);
        let clerk = owner.user("clerk").await;
        let names = |reply: Reply| reply.expect(200).body["rules"].as_array().unwrap().iter().map(|rule| rule["name"].clone()).collect::<Vec<_>>();
        assert_eq!(names(owner.get("/entities/thing").await), ["open", "both"]);
        assert_eq!(names(clerk.get("/entities/thing").await), ["open"]);
        // It is asked all the same.
        assert_eq!(broken(clerk.post("/records/thing", &json!({"title": "y"})).await), [at("", "no")]);
    }

    async fn what_a_deletion_does_to_others_asks_no_rule(app: TestApp) {
        let owner = app.register("acme").await;
        owner.post("/entities", &json!({"name": "boss", "fields": []})).await.expect(201);
        let fields = json!([{"name": "boss", "type": "relation", "target": "boss", "on_delete": "set_null"}, {"name": "note", "type": "text"}]);
        let rules = json!([{"name": "led", "expr": "boss != null", "message": "Nobody is without a boss"}]);
        owner.post("/entities", &json!({"name": "worker", "fields": fields, "rules": rules})).await.expect(201);
        let boss = owner.post("/records/boss", &json!({})).await.expect(201);
        let worker = owner.post("/records/worker", &json!({"boss": boss.id()})).await.expect(201);
        owner.delete(&format!("/records/boss/{}", boss.id())).await.expect(204);
        let path = format!("/records/worker/{}", worker.id());
        assert_eq!(owner.get(&path).await.expect(200).body["boss"], Value::Null);
        assert_eq!(broken(owner.patch(&path, &json!({"note": "n"})).await), [at("", "Nobody is without a boss")]);
    }
}
