//! Changing records: replacing one, many each by itself, many over several entities at once.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

/// `carrier` with a unique code, and `flight` with a default, a required field and a relation.
async fn airline(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let fields = json!([{"name": "code", "type": "code", "required": true, "unique": true}]);
    owner.post("/entities", &json!({"name": "carrier", "fields": fields})).await.expect(201);
    let fields = json!([
        {"name": "number", "type": "integer", "required": true},
        {"name": "status", "type": "choice", "options": ["open", "gone"], "default": "open"},
        {"name": "note", "type": "text"},
        {"name": "carrier", "type": "relation", "target": "carrier", "on_delete": "restrict"},
    ]);
    owner.post("/entities", &json!({"name": "flight", "fields": fields})).await.expect(201);
    owner
}

/// What was done to records, newest first.
async fn actions(owner: &Caller) -> Vec<String> {
    let reply = owner.get("/audit?limit=1000").await.expect(200);
    let actions = reply.items().iter().map(|event| event["action"].as_str().unwrap().to_owned());
    actions.filter(|action| action.starts_with("record.")).collect()
}

async fn total(owner: &Caller, entity: &str) -> Value {
    owner.get(&format!("/records/{entity}?count=exact")).await.expect(200).body["total"].clone()
}

fn pointers(reply: &Reply) -> Vec<&str> {
    reply.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

both_stores! {
    async fn a_replacement_clears_what_it_does_not_name(app: TestApp) {
        let owner = airline(&app).await;
        let carrier = owner.post("/records/carrier", &json!({"code": "UA"})).await.expect(201).id().to_owned();
        let body = json!({"number": 1, "status": "gone", "note": "late", "carrier": carrier});
        let made = owner.post("/records/flight", &body).await.expect(201);
        let path = format!("/records/flight/{}", made.id());
        let replaced = owner.put(&path, &json!({"number": 2})).await.expect(200);
        let shown = |name: &str| replaced.body[name].clone();
        assert_eq!([shown("number"), shown("status"), shown("note"), shown("carrier")], [json!(2), json!("open"), Value::Null, Value::Null]);
        assert_eq!((shown("version"), shown("created_at")), (json!(2), made.body["created_at"].clone()));
        let now = owner.get(&path).await.expect(200);
        assert_eq!((&now.body, now.header("etag")), (&replaced.body, replaced.header("etag")));

        let missing = owner.put(&path, &json!({"note": "x"})).await.expect_problem(422, "required");
        assert_eq!(pointers(&missing), ["/number"]);
        owner.put(&path, &json!({"number": 3, "id": made.id()})).await.expect_problem(422, "unknown_field");
        owner.put(&path, &json!([])).await.expect_problem(422, "invalid_type");
        let stale = owner.request(Method::PUT, &path).header("if-match", made.header("etag")).json(&json!({"number": 4}));
        owner.send(stale).await.expect_problem(412, "stale_version");
        let fresh = owner.request(Method::PUT, &path).header("if-match", now.header("etag")).json(&json!({"number": 4}));
        assert_eq!(owner.send(fresh).await.expect(200).body["version"], 3);
        let absent = "/records/flight/01a20c5a-1b00-7001-8c65-6a83a146c52b";
        owner.put(absent, &json!({"number": 5})).await.expect_problem(404, "not_found");
        assert_eq!(total(&owner, "flight").await, 1);
        assert_eq!(actions(&owner).await[..2], ["record.update", "record.update"]);
        owner.user("viewer").await.put(&path, &json!({"number": 6})).await.expect_problem(403, "forbidden");
    }

    async fn an_answer_that_is_known_is_not_sent_again_unless_others_are_part_of_it(app: TestApp) {
        let owner = airline(&app).await;
        let carrier = owner.post("/records/carrier", &json!({"code": "UA"})).await.expect(201).id().to_owned();
        let flight = owner.post("/records/flight", &json!({"number": 1, "carrier": carrier})).await.expect(201);
        let path = format!("/records/flight/{}", flight.id());
        let known = async |path: &str, tag: &str| owner.send(owner.request(Method::GET, path).header("if-none-match", tag)).await;
        let not_modified = known(&path, flight.header("etag")).await.expect(304);
        assert_eq!((not_modified.text.as_str(), not_modified.header("etag")), ("", flight.header("etag")));
        known(&path, &format!("\"x\", W/{}", flight.header("etag"))).await.expect(304);
        // The tag is of this very representation.
        known(&format!("{path}?fields=number"), flight.header("etag")).await.expect(200);
        let expanded = owner.get(&format!("{path}?expand=carrier")).await.expect(200);
        known(&format!("{path}?expand=carrier"), expanded.header("etag")).await.expect(200);
        known(&format!("{path}?%65xpand=carrier"), expanded.header("etag")).await.expect(200);
        owner.patch(&path, &json!({"note": "x"})).await.expect(200);
        known(&path, flight.header("etag")).await.expect(200);
    }

    async fn an_independent_batch_does_what_can_be_done(app: TestApp) {
        let owner = airline(&app).await;
        let id = async |code: &str| owner.post("/records/carrier", &json!({"code": code})).await.expect(201).id().to_owned();
        let (a, b, held) = (id("AA").await, id("BB").await, id("HH").await);
        owner.post("/records/flight", &json!({"number": 1, "carrier": held})).await.expect(201);
        let before = actions(&owner).await.len();
        let absent = "01a20c5a-1b00-7001-8c65-6a83a146c52b";
        let batch = json!({
            "mode": "independent",
            "create": [{"code": "CC"}, {"code": "AA"}, {"code": 1}, {"code": "DD"}],
            "update": [{"id": a, "version": 7, "code": "X1"}, {"id": a, "version": 1, "code": "X2"}, {"id": absent, "code": "X3"}],
            "delete": [held, b, "nonsense"],
        });
        let done = owner.post("/records/carrier/batch", &batch).await.expect(200);
        let codes = |part: &str| -> Vec<Value> { done.body[part].as_array().unwrap().iter().map(|record| record["code"].clone()).collect() };
        assert_eq!((codes("created"), codes("updated")), (vec![json!("CC"), json!("DD")], vec![json!("X2")]), "{done:?}");
        assert_eq!(done.body["deleted"], json!([b]));
        let mut refused: Vec<_> = done.body["errors"].as_array().unwrap().iter().map(|error| {
            let problem = &error["problem"];
            let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
            (error["op"].as_str().unwrap().to_owned(), error["index"].clone(), problem["code"].as_str().unwrap().to_owned(), pointer)
        }).collect();
        refused.sort_by_key(|error| error.3.clone());
        let expect = |op: &str, index: u32, code: &str, pointer: &str| (op.to_owned(), json!(index), code.to_owned(), pointer.to_owned());
        assert_eq!(refused, [
            expect("create", 1, "conflict", "/create/1/code"),
            expect("create", 2, "invalid_type", "/create/2/code"),
            expect("delete", 0, "conflict", "/delete/0"),
            expect("delete", 2, "invalid_format", "/delete/2"),
            expect("update", 0, "stale_version", "/update/0"),
            expect("update", 2, "not_found", "/update/2"),
        ]);
        let events = actions(&owner).await;
        assert_eq!(events.len() - before, 4);
        assert_eq!(events[..4], ["record.delete", "record.update", "record.create", "record.create"]);
        let now = owner.get("/records/carrier?sort=code&fields=code").await.expect(200);
        let now: Vec<_> = now.items().iter().map(|record| record["code"].clone()).collect();
        assert_eq!(now, ["CC", "DD", "HH", "X2"]);
        owner.post("/records/carrier/batch", &json!({"mode": "some"})).await.expect_problem(422, "out_of_range");
        let viewer = owner.user("viewer").await;
        viewer.post("/records/carrier/batch", &batch).await.expect_problem(403, "forbidden");
    }

    async fn operations_over_entities_are_all_or_nothing(app: TestApp) {
        let owner = airline(&app).await;
        let old = owner.post("/records/carrier", &json!({"code": "OO"})).await.expect(201).id().to_owned();
        let before = actions(&owner).await.len();
        let create = |entity: &str, data: Value| json!({"op": "create", "entity": entity, "data": data});
        let operations = json!({"operations": [
            {"op": "create", "entity": "carrier", "data": {"code": "UA"}, "ref": "ua"},
            {"op": "create", "entity": "flight", "data": {"number": 1, "note": "$ref:ua", "carrier": "$ref:ua"}, "ref": "f"},
            {"op": "update", "entity": "flight", "id": "$ref:f", "version": 1, "data": {"status": "gone"}},
            {"op": "update", "entity": "carrier", "id": old, "version": 1, "data": {"code": "OP"}},
            {"op": "delete", "entity": "carrier", "id": old},
        ]});
        let done = owner.post("/batch", &operations).await.expect(200);
        let results = done.body["results"].as_array().unwrap();
        assert_eq!(results.len(), 5);
        assert_eq!((&results[1]["carrier"], &results[1]["note"]), (&results[0]["id"], &json!("$ref:ua")));
        assert_eq!((&results[2]["id"], &results[2]["status"], &results[2]["version"]), (&results[1]["id"], &json!("gone"), &json!(2)));
        assert_eq!(results[4], json!({"id": old}));
        let events = actions(&owner).await;
        let expect = ["record.delete", "record.update", "record.update", "record.create", "record.create"];
        assert_eq!((events.len() - before, &events[..5]), (5, &expect.map(str::to_owned)[..]));

        let events = actions(&owner).await;
        for (operations, status, code, pointer) in [
            (json!([create("flight", json!({"number": 2})), create("flight", json!({"number": "x"}))]), 422, "invalid_type", "/operations/1/data/number"),
            (json!([create("flight", json!({"number": 2})), create("carrier", json!({"code": "UA"}))]), 409, "conflict", "/operations/1/data/code"),
            (json!([create("flight", json!({"number": 2})), create("flight", json!({"number": 2, "carrier": old}))]), 422, "no_such_record", "/operations/1/data/carrier"),
            (json!([create("flight", json!({"number": 2, "carrier": "$ref:later"})), {"op": "create", "entity": "carrier", "data": {"code": "LL"}, "ref": "later"}]), 422, "no_such_record", "/operations/0/data/carrier"),
            (json!([create("flight", json!({"number": 2})), {"op": "delete", "entity": "carrier", "id": old}]), 404, "not_found", "/operations/1"),
            (json!([create("flight", json!({"number": 2})), {"op": "update", "entity": "carrier", "id": "$ref:x", "data": {}}]), 422, "no_such_record", "/operations/1/id"),
            (json!([create("nothing", json!({}))]), 422, "out_of_range", "/operations/0/entity"),
            (json!([{"op": "drop", "entity": "flight"}]), 422, "out_of_range", "/operations/0/op"),
            (json!([{"op": "delete", "entity": "flight", "id": old, "data": {}}]), 422, "unknown_field", "/operations/0/data"),
            (json!([{"op": "create", "entity": "flight", "data": {"number": 2}, "zz": 1}]), 422, "unknown_field", "/operations/0/zz"),
            (json!({}), 422, "invalid_type", "/operations"),
        ] {
            let refused = owner.post("/batch", &json!({"operations": operations})).await.expect_problem(status, code);
            assert_eq!(pointers(&refused), [pointer], "{refused:?}");
        }
        let both = json!([create("flight", json!({"number": "x"})), create("flight", json!({"note": 1}))]);
        let refused = owner.post("/batch", &json!({"operations": both})).await.expect_problem(422, "invalid");
        assert_eq!(pointers(&refused), ["/operations/0/data/number", "/operations/1/data/note", "/operations/1/data/number"]);
        let both = json!([create("flight", json!({"number": "x", "carrier": "$ref:later"}))]);
        let refused = owner.post("/batch", &json!({"operations": both})).await.expect_problem(422, "invalid");
        let mut told = pointers(&refused);
        told.sort_unstable();
        assert_eq!(told, ["/operations/0/data/carrier", "/operations/0/data/number"]);
        let many = vec![create("flight", json!({"number": 2})); 1001];
        owner.post("/batch", &json!({"operations": many})).await.expect_problem(422, "too_long");
        let viewer = owner.user("viewer").await;
        let allowed = json!({"operations": [create("flight", json!({"number": 2}))]});
        viewer.post("/batch", &allowed).await.expect_problem(403, "forbidden");
        assert_eq!(total(&owner, "flight").await, 1);
        assert_eq!(actions(&owner).await, events);
    }
}
