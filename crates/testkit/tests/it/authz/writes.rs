//! Upserts, replacements, operations over entities and requests told again, under rules and masks: none of them reaches
//! further than a plain read or change.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Desk, changes, desk, keys, made, masked, user_with};

/// Makes, reads and changes tickets of German customers, and sees all customers.
async fn german(desk: &Desk) -> Caller {
    let grants = json!([
        {"resource": "records:ticket", "actions": ["create", "read", "update", "delete"], "scope": "tenant",
         "where": "record.customer.country == \"DE\""},
        {"resource": "records:customer", "actions": ["create", "read"], "scope": "tenant"},
    ]);
    user_with(&desk.owner, "german", grants).await
}

/// Makes and changes every ticket, and sees those that are done.
async fn late(desk: &Desk) -> Caller {
    let grants = json!([
        {"resource": "records:ticket", "actions": ["create", "update"], "scope": "tenant"},
        {"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "where": "status == \"done\""},
    ]);
    user_with(&desk.owner, "late", grants).await
}

/// Everything of one's own, and of the others' some fields.
async fn sharing(desk: &Desk, entity: &str, fields: Value) -> Caller {
    let (all, resource) = (json!(["create", "read", "update"]), format!("records:{entity}"));
    let grants = json!([
        {"resource": resource, "actions": all, "scope": "own"},
        {"resource": resource, "actions": ["read", "update"], "scope": "tenant", "fields": {"read": fields, "write": fields}},
    ]);
    user_with(&desk.owner, "sharing", grants).await
}

async fn stored(desk: &Desk, entity: &str, id: &str) -> Value {
    desk.owner.get(&format!("/records/{entity}/{id}")).await.expect(200).body
}

async fn keyed(caller: &Caller, key: &str, path: &str, body: &Value) -> Reply {
    caller.send(caller.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

async fn regrant(desk: &Desk, role: &str, grants: Value) {
    let roles = desk.owner.get("/roles").await.expect(200).body;
    let roles = roles.as_array().or(roles["items"].as_array()).unwrap();
    let id = roles.iter().find(|other| other["code"] == role).unwrap()["id"].as_str().unwrap().to_owned();
    desk.owner.patch(&format!("/roles/{id}"), &json!({"grants": grants})).await.expect(200);
}

both_stores! {
    async fn req_h3_an_upsert_neither_changes_nor_shows_a_hidden_row(app: TestApp) {
        let desk = desk(&app).await;
        let (user, blind) = (german(&desk).await, late(&desk).await);
        let before = stored(&desk, "ticket", &desk.fr_ticket).await;
        let upsert = "/records/ticket?upsert=number";
        // It stands in the way as of any other new record, and no more is said than there.
        let body = json!({"number": "T-2", "title": "x", "customer": desk.de});
        let hidden = user.post(upsert, &body).await.expect_problem(409, "conflict");
        let plain = user.post("/records/ticket", &body).await.expect_problem(409, "conflict");
        assert_eq!(masked(&hidden, ""), masked(&plain, ""));
        assert!(!hidden.text.contains(&desk.fr_ticket) && !hidden.text.contains("of fr"), "{hidden:?}");
        // What lies outside of the rule is refused before anything is said of others.
        for number in ["T-2", "T-3"] {
            let body = json!({"number": number, "title": "x", "customer": desk.fr});
            user.post(upsert, &body).await.expect_problem(403, "forbidden");
        }
        user.post(upsert, &json!({"number": "T-1", "customer": desk.fr})).await.expect_problem(403, "forbidden");
        // Who may see it, but not change it, is told what a plain create tells.
        let reader = user_with(&desk.owner, "reader", json!([
            {"resource": "records:ticket", "actions": ["create", "read"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["update"], "scope": "own"},
        ])).await;
        let seen = reader.post(upsert, &json!({"number": "T-2", "title": "x"})).await.expect_problem(409, "conflict");
        assert_eq!(seen.body["errors"][0]["pointer"], "/number");
        // Who may change it, but not see it, does not find it by its values either.
        blind.post(upsert, &json!({"number": "T-2", "title": "x"})).await.expect_problem(409, "conflict");
        assert_eq!(stored(&desk, "ticket", &desk.fr_ticket).await, before);
        assert!(changes(&desk.owner).await.iter().all(|event| event["action"] != "record.update"));

        let changed = user.post(upsert, &json!({"number": "T-1", "title": "z"})).await.expect(200);
        assert_eq!((changed.id(), &changed.body["title"]), (desk.de_ticket.as_str(), &json!("z")));
        user.post(upsert, &json!({"number": "T-3", "title": "x", "customer": desk.de})).await.expect(201);
        desk.owner.patch(&format!("/records/ticket/{}", desk.fr_ticket), &json!({"status": "done"})).await.expect(200);
        blind.post(upsert, &json!({"number": "T-2", "title": "x"})).await.expect(200);
        // One that leaves his sight is told as one that he made out of it.
        let left = blind.post(upsert, &json!({"number": "T-2", "status": "open"})).await.expect(200);
        assert_eq!(keys(&left.body), ["id", "version"]);
    }

    async fn req_h3_an_upsert_reads_and_writes_only_fields_one_may(app: TestApp) {
        let desk = desk(&app).await;
        let fields = json!({"read": ["title", "status", "number"], "write": ["title", "cost"]});
        let clerk = user_with(&desk.owner, "clerk", json!([
            {"resource": "records:ticket", "actions": ["create"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant", "fields": fields},
        ])).await;
        let before = stored(&desk, "ticket", &desk.de_ticket).await;
        // The key is what it is found by, not what is written.
        let changed = clerk.post("/records/ticket?upsert=number", &json!({"number": "T-1", "cost": 3})).await.expect(200);
        assert!(!keys(&changed.body).contains(&"cost"), "{changed:?}");
        let after = stored(&desk, "ticket", &desk.de_ticket).await;
        assert_eq!((&after["cost"], &after["title"], &after["customer"]), (&json!(3), &before["title"], &before["customer"]));
        let refused = clerk.post("/records/ticket?upsert=number", &json!({"number": "T-1", "status": "done"})).await;
        assert_eq!(refused.expect_problem(422, "unknown_field").body["errors"][0]["pointer"], "/status");

        // A key that is not open to be read everywhere would tell of the values it is not open on.
        let user = sharing(&desk, "ticket", json!(["title", "status"])).await;
        let body = json!({"number": "T-1", "title": "x"});
        let hidden = user.post("/records/ticket?upsert=number", &body).await.expect_problem(422, "unknown_field");
        let unknown = user.post("/records/ticket?upsert=zumber", &body).await.expect_problem(422, "unknown_field");
        assert_eq!(masked(&hidden, "number"), masked(&unknown, "zumber"));
        assert_eq!(stored(&desk, "ticket", &desk.de_ticket).await, after);
    }

    async fn req_h3_a_replacement_keeps_what_one_cannot_read_or_write(app: TestApp) {
        let desk = desk(&app).await;
        let fields = json!({"read": ["title", "status", "customer"], "write": ["title", "cost", "customer"]});
        let clerk = user_with(&desk.owner, "clerk", json!([
            {"resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant", "fields": fields},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant"},
        ])).await;
        let path = format!("/records/ticket/{}", desk.de_ticket);
        clerk.put(&path, &json!({"title": "a"})).await.expect(200);
        let shown = async |id: &str| {
            let record = stored(&desk, "ticket", id).await;
            json!([record["title"], record["status"], record["cost"], record["number"], record["customer"]])
        };
        // Read and written: cleared. Read, or written, or neither: kept.
        assert_eq!(shown(&desk.de_ticket).await, json!(["a", "open", 10, "T-1", null]));
        clerk.put(&path, &json!({"title": "a", "cost": 4, "customer": desk.fr})).await.expect(200);
        assert_eq!(shown(&desk.de_ticket).await, json!(["a", "open", 4, "T-1", desk.fr]));
        clerk.put(&path, &json!({"title": "a", "status": "done"})).await.expect_problem(422, "unknown_field");
    }

    async fn req_h3_a_replacement_keeps_what_is_not_open_on_this_row(app: TestApp) {
        let desk = desk(&app).await;
        let user = sharing(&desk, "ticket", json!(["title", "status"])).await;
        let shown = async |id: &str| {
            let record = stored(&desk, "ticket", id).await;
            json!([record["title"], record["status"], record["cost"], record["number"]])
        };
        let other = format!("/records/ticket/{}", desk.de_ticket);
        user.put(&other, &json!({"title": "a"})).await.expect(200);
        assert_eq!(shown(&desk.de_ticket).await, json!(["a", null, 10, "T-1"]));
        user.put(&other, &json!({"title": "a", "cost": null})).await.expect_problem(403, "forbidden");
        let mine = made(&user, "ticket", json!({"title": "mine", "status": "open", "cost": 5})).await;
        user.put(&format!("/records/ticket/{mine}"), &json!({"title": "b"})).await.expect(200);
        assert_eq!(shown(&mine).await, json!(["b", null, null, null]));
        // A row that is not seen has nothing that its writer could know.
        let blind = late(&desk).await;
        let fr = format!("/records/ticket/{}", desk.fr_ticket);
        assert_eq!(keys(&blind.put(&fr, &json!({"title": "c"})).await.expect(200).body), ["id", "version"]);
        assert_eq!(shown(&desk.fr_ticket).await, json!(["c", "open", 20, "T-2"]));
        desk.owner.patch(&fr, &json!({"status": "done"})).await.expect(200);
        blind.put(&fr, &json!({"title": "d", "status": "done"})).await.expect(200);
        assert_eq!(shown(&desk.fr_ticket).await, json!(["d", "done", null, null]));
    }

    async fn a_replacement_misses_what_is_required_only_where_it_is_open(app: TestApp) {
        let desk = desk(&app).await;
        let user = sharing(&desk, "customer", json!(["rating"])).await;
        user.put(&format!("/records/customer/{}", desk.de), &json!({"rating": 1})).await.expect(200);
        let now = stored(&desk, "customer", &desk.de).await;
        assert_eq!(json!([now["name"], now["country"], now["rating"]]), json!(["Dorn", "DE", 1]));
        let mine = made(&user, "customer", json!({"name": "Mine", "country": "IT"})).await;
        let missing = user.put(&format!("/records/customer/{mine}"), &json!({"rating": 1})).await.expect_problem(422, "required");
        assert_eq!(missing.body["errors"][0]["pointer"], "/name");
        user.put(&format!("/records/customer/{mine}"), &json!({"name": "Mine"})).await.expect(200);
        assert_eq!(stored(&desk, "customer", &mine).await["country"], Value::Null);
    }

    async fn req_h3_operations_over_entities_obey_the_rule_of_each(app: TestApp) {
        let desk = desk(&app).await;
        let user = german(&desk).await;
        let count = changes(&desk.owner).await.len();
        let create = |entity: &str, data: Value| json!({"op": "create", "entity": entity, "data": data});
        let first = create("customer", json!({"name": "New", "country": "DE"}));
        for (second, status, code) in [
            (create("ticket", json!({"title": "x", "customer": desk.fr})), 403, "forbidden"),
            (create("ticket", json!({"title": "x", "parent": desk.fr_ticket, "customer": desk.de})), 422, "no_such_record"),
            (json!({"op": "update", "entity": "ticket", "id": desk.fr_ticket, "data": {"title": "x"}}), 404, "not_found"),
            (json!({"op": "update", "entity": "ticket", "id": desk.de_ticket, "data": {"customer": desk.fr}}), 403, "forbidden"),
            (json!({"op": "delete", "entity": "ticket", "id": desk.fr_ticket}), 404, "not_found"),
        ] {
            let refused = user.post("/batch", &json!({"operations": [first, second]})).await.expect_problem(status, code);
            assert!(refused.body["errors"][0]["pointer"].as_str().unwrap().starts_with("/operations/1"), "{refused:?}");
        }
        assert_eq!(changes(&desk.owner).await.len(), count);

        // A rule sees over its relation what an earlier operation has just made.
        let pair = |country: &str| {
            let mut customer = create("customer", json!({"name": "New", "country": country}));
            customer["ref"] = json!("c");
            json!({"operations": [customer, create("ticket", json!({"title": "x", "customer": "$ref:c"}))]})
        };
        user.post("/batch", &pair("FR")).await.expect_problem(403, "forbidden");
        user.post("/batch", &pair("DE")).await.expect(200);
        // What one makes out of one's own sight cannot be referred to, and shows nothing.
        let half = user_with(&desk.owner, "half", json!([
            {"resource": "records:customer", "actions": ["create"], "scope": "tenant"},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "where": "country == \"DE\""},
            {"resource": "records:ticket", "actions": ["create", "read"], "scope": "tenant", "fields": {"read": ["title"], "write": ["title", "customer"]}},
        ])).await;
        half.post("/batch", &pair("FR")).await.expect_problem(422, "no_such_record");
        let done = half.post("/batch", &json!({"operations": [create("customer", json!({"name": "n", "country": "FR"})), create("ticket", json!({"title": "x", "customer": desk.de}))]})).await.expect(200);
        assert_eq!(keys(&done.body["results"][0]), ["id", "version"]);
        assert!(!keys(&done.body["results"][1]).contains(&"customer"), "{done:?}");

        // A relation that he may not write is none to him, whatever its value looks like.
        let nameless = async |field: &str| half.post("/batch", &json!({"operations": [create("ticket", json!({"title": "x", field: "$ref:no"}))]})).await;
        let (hidden, unknown) = (nameless("parent").await, nameless("zarent").await);
        assert_eq!(masked(&hidden, "parent"), masked(&unknown, "zarent"));
        assert_eq!(hidden.expect_problem(422, "unknown_field").body["errors"].as_array().unwrap().len(), 1);

        // Each by itself: what the rule refuses is told, and the rest takes place.
        let batch = json!({"mode": "independent",
            "create": [{"title": "y", "customer": desk.fr}, {"title": "y", "customer": desk.de}],
            "update": [{"id": desk.fr_ticket, "title": "y"}, {"id": desk.de_ticket, "title": "y"}], "delete": [desk.fr_ticket]});
        let done = user.post("/records/ticket/batch", &batch).await.expect(200);
        let refused: Vec<Value> = done.body["errors"].as_array().unwrap().iter().map(|error| json!([error["op"], error["index"], error["problem"]["code"]])).collect();
        assert_eq!(refused, [json!(["create", 0, "forbidden"]), json!(["update", 0, "not_found"]), json!(["delete", 0, "not_found"])]);
        assert_eq!((done.body["created"].as_array().unwrap().len(), &done.body["updated"][0]["title"]), (1, &json!("y")));
        assert_eq!(stored(&desk, "ticket", &desk.fr_ticket).await["title"], "of fr");
    }

    async fn req_h3_what_is_told_again_is_what_may_be_seen_today(app: TestApp) {
        let desk = desk(&app).await;
        let all = json!(["create", "read", "update"]);
        let user = user_with(&desk.owner, "desk", json!([{"resource": "records:ticket", "actions": all, "scope": "tenant"}])).await;
        let body = json!({"title": "mine", "cost": 5});
        let operations = json!({"operations": [{"op": "create", "entity": "ticket", "data": body}]});
        let first = keyed(&user, "k", "/records/ticket", &body).await.expect(201);
        let many = keyed(&user, "k", "/batch", &operations).await.expect(200);
        let (count, id) = (changes(&desk.owner).await.len(), first.id().to_owned());
        let again = async || keyed(&user, "k", "/records/ticket", &body).await;
        let many_again = async || keyed(&user, "k", "/batch", &operations).await.expect(200).body["results"][0].clone();
        let bare = |record: &Value| json!({"id": record["id"], "version": 1});

        // A field less.
        regrant(&desk, "desk", json!([{"resource": "records:ticket", "actions": all, "scope": "tenant", "fields": {"read": ["title"]}}])).await;
        let told = again().await.expect(201);
        assert_eq!((told.header("idempotency-replayed"), told.body.get("cost"), &told.body["title"]), ("true", None, &json!("mine")));
        assert_eq!(many_again().await.get("cost"), None);
        // The row gone out of sight.
        regrant(&desk, "desk", json!([
            {"resource": "records:ticket", "actions": ["create"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "where": "status == \"done\""},
        ])).await;
        again().await.expect_problem(404, "not_found");
        assert_eq!(many_again().await, bare(&many.body["results"][0]));
        // The right to read gone: what a change would tell.
        regrant(&desk, "desk", json!([{"resource": "records:ticket", "actions": ["create"], "scope": "tenant"}])).await;
        assert_eq!(again().await.expect(201).body, json!({"id": id, "version": 1}));
        // The right to make gone: what was made is still told, and nothing is made.
        regrant(&desk, "desk", json!([{"resource": "records:ticket", "actions": ["read"], "scope": "tenant"}])).await;
        assert_eq!(again().await.expect(201).body, first.body);
        keyed(&user, "new", "/records/ticket", &body).await.expect_problem(403, "forbidden");
        // The entity gone with all rights on it.
        regrant(&desk, "desk", json!([{"resource": "records:customer", "actions": ["read"], "scope": "tenant"}])).await;
        again().await.expect_problem(404, "not_found");
        let after = changes(&desk.owner).await;
        assert!(after.iter().take(after.len() - count).all(|event| event["action"] == "role.update"), "{after:?}");
        assert_eq!(after.len() - count, 5);
    }

    async fn who_did_not_see_what_he_made_is_told_the_same_again(app: TestApp) {
        let desk = desk(&app).await;
        let blind = late(&desk).await;
        let body = json!({"title": "x", "status": "open"});
        let first = keyed(&blind, "k", "/records/ticket", &body).await.expect(201);
        assert_eq!(keys(&first.body), ["id", "version"]);
        let again = keyed(&blind, "k", "/records/ticket", &body).await.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.body, again.header("etag")), ("true", &first.body, first.header("etag")));
    }

    async fn req_h3_roles_and_groups_are_made_once(app: TestApp) {
        let desk = desk(&app).await;
        let grants = json!([{"resource": "records:ticket", "actions": ["read"], "scope": "own"}]);
        for (path, body) in [("/roles", json!({"code": "r", "name": "R", "grants": grants})), ("/groups", json!({"code": "g", "name": "G", "roles": ["r"]}))] {
            let first = keyed(&desk.owner, "k", path, &body).await.expect(201);
            let again = keyed(&desk.owner, "k", path, &body).await.expect(201);
            assert_eq!((again.header("idempotency-replayed"), &again.body, again.header("location")), ("true", &first.body, first.header("location")));
            desk.owner.post(path, &body).await.expect_problem(409, "conflict");
        }
    }
}
