//! A list whose question is a body: the same answers as of a query string, and parameters of its filter.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

const RECORDS: usize = 60;

/// `thing` with a field of every type, some records of it without values, and the id of one.
async fn things(app: &TestApp) -> (Caller, Vec<String>) {
    let owner = app.register("acme").await;
    let fields = json!([
        {"name": "title", "type": "text", "indexed": true},
        {"name": "sku", "type": "code", "required": true},
        {"name": "size", "type": "integer"},
        {"name": "price", "type": "decimal", "precision": 9, "scale": 2},
        {"name": "live", "type": "boolean"},
        {"name": "day", "type": "date"},
        {"name": "seen", "type": "datetime"},
        {"name": "state", "type": "choice", "options": ["open", "done"]},
        {"name": "part_of", "type": "relation", "target": "thing", "on_delete": "restrict"},
    ]);
    owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
    let first = owner.post("/records/thing", &json!({"sku": "first"})).await.expect(201).id().to_owned();
    let create: Vec<Value> = (1..RECORDS).map(|n| json!({
        "title": format!("t'{}\"", n % 7), "sku": format!("s{n}"), "size": n, "price": format!("{}.25", n % 5), "live": n % 2 == 0,
        "day": format!("2026-01-{:02}", 1 + n % 28), "seen": format!("2026-01-01T00:00:{:02}.000001Z", n), "state": if n % 3 == 0 { "open" } else { "done" },
        "part_of": if n % 4 == 0 { json!(first) } else { Value::Null },
    })).collect();
    owner.post("/records/thing/batch", &json!({"create": create})).await.expect(200);
    let all = owner.get("/records/thing?limit=1000&fields=id").await.expect(200);
    (owner, all.items().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect())
}

async fn query(owner: &Caller, body: Value) -> insula_testkit::Reply {
    owner.post("/records/thing/query", &body).await
}

both_stores! {
    async fn a_body_asks_as_a_query_string_does(app: TestApp) {
        let (owner, _) = things(&app).await;
        let asked = owner.get("/records/thing?filter=size%20%3E%205&sort=-title,size&fields=title,size&expand=part_of&limit=7&count=exact").await.expect(200);
        let body = json!({"filter": "size > 5", "sort": "-title,size", "fields": "title,size", "expand": "part_of", "limit": 7, "count": "exact"});
        let same = query(&owner, body).await.expect(200);
        assert_eq!((same.items(), &same.body["total"]), (asked.items(), &asked.body["total"]));
        assert_eq!(query(&owner, json!({})).await.expect(200).items().len(), 50);
        let everything = owner.get("/records/thing?limit=1000").await.expect(200);
        assert_eq!(query(&owner, json!({"limit": 1000, "sort": null})).await.expect(200).items(), everything.items());
        owner.user("viewer").await.post("/records/thing/query", &json!({})).await.expect(200);
        app.register("best").await.post("/records/thing/query", &json!({})).await.expect_problem(404, "not_found");
    }

    async fn a_parameter_means_what_a_literal_does(app: TestApp) {
        let (owner, ids) = things(&app).await;
        let values: [(&str, Value, &str); 9] = [
            ("title", json!("t'3\""), "\"t'3\\\"\""), ("sku", json!("s4"), "'s4'"), ("size", json!(17), "17"), ("price", json!("3.25"), "3.25"),
            ("live", json!(true), "true"), ("day", json!("2026-01-09"), "'2026-01-09'"), ("seen", json!("2026-01-01T00:00:30.000001Z"), "'2026-01-01T00:00:30.000001Z'"),
            ("state", json!("open"), "'open'"), ("part_of", json!(ids[0]), ""),
        ];
        for (field, value, literal) in values {
            let literal = if literal.is_empty() { format!("'{}'", ids[0]) } else { literal.to_owned() };
            for (with_param, with_literal) in [
                ("F == params.v", "F == L"), ("F != params.v", "F != L"), ("!(F == params.v)", "!(F == L)"), ("params.v == F && size > 3", "F == L && size > 3"),
                ("F < params.v", "F < L"), ("!(F >= params.v)", "!(F >= L)"),
                ("F in params.list", "F in [L]"), ("!(F in params.list)", "!(F in [L])"), ("size == 1 || F in params.list", "size == 1 || F in [L]"),
            ] {
                if field == "live" && with_param.contains(['<', '>']) {
                    continue;
                }
                let mut params = json!({});
                if with_param.contains("params.v") {
                    params["v"] = value.clone();
                } else {
                    params["list"] = json!([value, value]);
                }
                let filled = |source: &str| source.replace('F', field).replace('L', &literal);
                let by_param = query(&owner, json!({"filter": filled(with_param), "params": params, "limit": 1000})).await.expect(200);
                let by_literal = query(&owner, json!({"filter": filled(with_literal), "limit": 1000})).await.expect(200);
                assert_eq!(by_param.items(), by_literal.items(), "{}", filled(with_param));
            }
        }
        let none = query(&owner, json!({"filter": "title in params.none", "params": {"none": []}})).await.expect(200);
        assert!(none.items().is_empty());
        // Over a relation, and one parameter beside two fields.
        let over = json!({"filter": "part_of.sku in params.s || sku in params.s", "params": {"s": ["first"]}, "limit": 1000, "count": "exact"});
        let over = query(&owner, over).await.expect(200);
        assert_eq!((over.items().len(), &over.body["total"]), (1 + (RECORDS - 1) / 4, &json!(1 + (RECORDS - 1) / 4)));
    }

    async fn a_long_list_is_one_parameter_and_its_pages_belong_to_it(app: TestApp) {
        let (owner, ids) = things(&app).await;
        let unknown = |n: usize| format!("01a20c5a-1b00-7001-8c65-{n:012x}");
        let mut list: Vec<String> = (0..10_000 - ids.len()).map(unknown).collect();
        list.extend(ids.iter().cloned());
        let body = |list: &[String], cursor: Value| json!({"filter": "id in params.ids", "params": {"ids": list}, "sort": "-size", "limit": 25, "count": "exact", "cursor": cursor});
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = query(&owner, body(&list, cursor)).await.expect(200);
            assert_eq!(page.body["total"], RECORDS);
            seen.extend(page.items().iter().map(|record| record["size"].as_i64().unwrap_or(-1)));
            cursor = page.body["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!((seen.len(), &seen), (RECORDS, &sorted));
        let first = query(&owner, body(&list, Value::Null)).await.expect(200);
        let shorter = body(&list[1..], first.body["next_cursor"].clone());
        query(&owner, shorter).await.expect_problem(422, "invalid_format");
        list.push(unknown(99_999));
        query(&owner, body(&list, Value::Null)).await.expect_problem(422, "too_long");
        // The same text with other values is another question of the same plan.
        for id in &ids[..3] {
            let one = query(&owner, body(std::slice::from_ref(id), Value::Null)).await.expect(200);
            assert_eq!(one.items().iter().map(|record| record["id"].as_str().unwrap()).collect::<Vec<_>>(), [id]);
        }
    }

    async fn what_is_wrong_with_a_query_is_told(app: TestApp) {
        let (owner, _) = things(&app).await;
        for (body, code, pointer) in [
            (json!({"filter": "size == params.x"}), "required", "/params/x"),
            (json!({"filter": "size == 1", "params": {"x": 1}}), "unknown_parameter", "/params/x"),
            (json!({"filter": "size == params.x", "params": {"x": "1"}}), "invalid_type", "/params/x"),
            (json!({"filter": "size == params.x", "params": {"x": null}}), "invalid_type", "/params/x"),
            (json!({"filter": "size == params.x", "params": {"x": [1]}}), "invalid_type", "/params/x"),
            (json!({"filter": "size in params.x", "params": {"x": 1}}), "invalid_type", "/params/x"),
            (json!({"filter": "size in params.x", "params": {"x": [1, 2, "3"]}}), "invalid_type", "/params/x/2"),
            (json!({"filter": "size == params.x", "params": {"x": 1.5}}), "invalid_type", "/params/x"),
            (json!({"filter": "price == params.x", "params": {"x": "1.255"}}), "out_of_range", "/params/x"),
            (json!({"filter": "price == params.x", "params": {"x": 1}}), "invalid_type", "/params/x"),
            (json!({"filter": "day == params.x", "params": {"x": "2026-02-30"}}), "invalid_format", "/params/x"),
            (json!({"filter": "seen == params.x", "params": {"x": "noon"}}), "invalid_format", "/params/x"),
            (json!({"filter": "state == params.x", "params": {"x": "shut"}}), "out_of_range", "/params/x"),
            (json!({"filter": "part_of == params.x", "params": {"x": "x"}}), "invalid_format", "/params/x"),
            (json!({"filter": "title == params.x", "params": {"x": "a\u{0}"}}), "invalid_format", "/params/x"),
            (json!({"filter": "zz == params.x", "params": {"x": 1}}), "unknown_field", "/filter"),
            (json!({"filter": "params.x == 1", "params": {"x": 1}}), "invalid_expression", "/filter"),
            (json!({"filter": 1}), "invalid_type", "/filter"),
            (json!({"limit": 1001}), "out_of_range", "/limit"),
            (json!({"limit": "5"}), "invalid_type", "/limit"),
            (json!({"count": "some"}), "out_of_range", "/count"),
            (json!({"sort": "zz"}), "unknown_field", "/sort"),
            (json!({"params": []}), "invalid_type", "/params"),
            (json!({"search": "x"}), "unknown_field", "/search"),
        ] {
            let refused = query(&owner, body.clone()).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        // A query string has no parameters, also where the same text is known from a body.
        query(&owner, json!({"filter": "size == params.x", "params": {"x": 1}})).await.expect(200);
        owner.get("/records/thing?filter=size%20%3D%3D%20params.x").await.expect_problem(422, "required");
        owner.post("/records/thing/query?limit=1", &json!({})).await.expect_problem(422, "unknown_parameter");
        let reserved = json!({"name": "x", "fields": [{"name": "params", "type": "text"}]});
        owner.post("/entities", &reserved).await.expect_problem(422, "invalid_format");
    }
}
