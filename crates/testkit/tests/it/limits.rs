//! What one request may ask for: how much is bounded, said clearly, and costs nobody else anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

/// `hub` with `relations` relations to `leaf`, which has `fields` more fields; one record of each.
async fn hub(app: &TestApp, relations: usize, fields: usize) -> Caller {
    let owner = app.register("acme").await;
    let mut leaf = vec![json!({"name": "name", "type": "text"})];
    leaf.extend((0..fields).map(|i| json!({"name": format!("n{i}"), "type": "integer"})));
    owner.post("/entities", &json!({"name": "leaf", "fields": leaf})).await.expect(201);
    let relation = |i| json!({"name": format!("r{i}"), "type": "relation", "target": "leaf"});
    let hub: Vec<Value> = (0..relations).map(relation).collect();
    owner.post("/entities", &json!({"name": "hub", "fields": hub})).await.expect(201);
    let leaf = owner.post("/records/leaf", &json!({"name": "a"})).await.expect(201);
    owner.post("/records/hub", &json!({"r0": leaf.id()})).await.expect(201);
    owner
}

fn listed(count: usize, item: impl Fn(usize) -> String, separator: &str) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(separator)
}

both_stores! {
    async fn a_query_follows_few_relations(app: TestApp) {
        let owner = hub(&app, 70, 0).await;
        let expand = |count| format!("expand={}", listed(count, |i| format!("r{i}"), ","));
        let filter = |count| format!("filter={}", listed(count, |i| format!("r{i}.name==\"a\""), "||"));
        let found = owner.get(&format!("/records/hub?{}&{}", expand(8), filter(16))).await.expect(200);
        assert_eq!(found.items()[0]["r0"]["name"], "a");
        for (query, at) in [
            (expand(9), "/expand"),
            (expand(70), "/expand"),
            (filter(17), "/filter"),
            (filter(64), "/filter"),
        ] {
            let refused = owner.get(&format!("/records/hub?{query}")).await.expect_problem(422, "out_of_range");
            assert_eq!(refused.body["errors"][0]["pointer"], at, "{refused:?}");
        }
        let id = found.items()[0]["id"].as_str().unwrap().to_owned();
        owner.get(&format!("/records/hub/{id}?{}", expand(9))).await.expect_problem(422, "out_of_range");
    }

    async fn a_query_has_few_columns(app: TestApp) {
        let owner = hub(&app, 8, 400).await;
        let refused = owner.get("/records/hub?expand=r0,r1,r2,r3,r4,r5,r6,r7").await.expect_problem(422, "out_of_range");
        assert_eq!(refused.body["errors"][0]["pointer"], "/expand", "{refused:?}");
        owner.get("/records/hub?expand=r0,r1").await.expect(200);
    }

    async fn a_filter_may_be_broad(app: TestApp) {
        let owner = hub(&app, 1, 1).await;
        for (operator, found) in [("||", 1), ("&&", 0)] {
            let filter = listed(1_100, |i| if i == 700 { "name==\"a\"".to_owned() } else { format!("n0=={i}") }, operator);
            let page = owner.get(&format!("/records/leaf?filter={}", filter.replace('&', "%26"))).await.expect(200);
            assert_eq!(page.items().len(), found, "{operator}");
        }
    }

    async fn a_page_ends_where_it_grows_too_large(app: TestApp) {
        const RECORDS: usize = 1_000;
        let owner = app.register("acme").await;
        let field = json!({"name": "text", "type": "text", "max_length": 10_000});
        owner.post("/entities", &json!({"name": "page", "fields": [field]})).await.expect(201);
        let create: Vec<Value> = (0..RECORDS).map(|_| json!({"text": "x".repeat(10_000)})).collect();
        owner.post("/records/page/batch", &json!({"create": create})).await.expect(200);
        let (mut cursor, mut ids, mut pages) = (String::new(), Vec::new(), 0);
        loop {
            let page = owner.get(&format!("/records/page?limit=1000{cursor}")).await.expect(200);
            assert!(page.text.len() < 9 * 1024 * 1024, "{} bytes", page.text.len());
            ids.extend(page.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            pages += 1;
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(pages, 2);
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), RECORDS);
    }

    async fn many_mistakes_make_no_large_answer(app: TestApp) {
        let owner = hub(&app, 1, 0).await;
        let unknown = |count| listed(count, |i| format!("\"k{i}\":1"), ",");
        let batch = format!("{{\"create\":[{}]}}", listed(1_000, |_| format!("{{{}}}", unknown(100)), ","));
        let refused = owner.post_raw("/records/leaf/batch", batch).await.expect_problem(422, "unknown_field");
        assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(100));
        assert!(refused.body["detail"].as_str().unwrap().contains("100000"), "{}", refused.body["detail"]);
        let long = format!("{{\"{}\":1}}", "k".repeat(500_000));
        let refused = owner.post_raw("/records/leaf", long).await.expect_problem(422, "unknown_field");
        assert!(refused.text.len() < 5_000, "{} bytes", refused.text.len());
        // Too many are counted before they are looked at.
        let batch = format!("{{\"create\":[{}]}}", listed(1_001, |_| "{\"zz\":1}".to_owned(), ","));
        let refused = owner.post_raw("/records/leaf/batch", batch).await.expect_problem(422, "too_long");
        assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(1));
        let batch = format!("{{\"create\":[{}]}}", listed(600_000, |_| "{}".to_owned(), ","));
        let refused = owner.post_raw("/records/leaf/batch", batch).await.expect_problem(422, "too_complex");
        assert!(refused.body["detail"].as_str().unwrap().contains("values"), "{refused:?}");
        // What stands in a string is no value.
        let commas = format!("{{\"create\":[{{\"name\":\"{}\"}}]}}", ",\\\"[".repeat(400_000));
        let refused = owner.post_raw("/records/leaf/batch", commas).await.expect_problem(422, "too_long");
        assert_eq!(refused.body["errors"][0]["pointer"], "/create/0/name");
    }

    async fn what_is_indexed_fits_an_index(app: TestApp) {
        let owner = app.register("acme").await;
        let text = |name: &str, max_length: u32, key: &str| json!({"name": name, "type": "text", "max_length": max_length, key: true});
        for key in ["indexed", "unique"] {
            let body = json!({"name": "no", "fields": [text("a", 10, "required"), text("b", 651, key)]});
            let refused = owner.post("/entities", &body).await.expect_problem(422, "out_of_range");
            assert_eq!(refused.body["errors"][0]["pointer"], "/fields/1/max_length", "{refused:?}");
        }
        let pair = json!({"name": "no", "fields": [text("a", 400, "required"), text("b", 400, "required")], "unique": [["a", "b"]]});
        let refused = owner.post("/entities", &pair).await.expect_problem(422, "out_of_range");
        assert_eq!(refused.body["errors"][0]["pointer"], "/unique/0", "{refused:?}");

        owner.post("/entities", &json!({"name": "yes", "fields": [text("a", 640, "unique")]})).await.expect(201);
        let widest: String = (0..640u32).map(|i| char::from_u32(0x1F300 + i * 7919 % 1000).unwrap()).collect();
        owner.post("/records/yes", &json!({"a": widest})).await.expect(201);
        owner.post("/records/yes", &json!({"a": widest})).await.expect_problem(409, "conflict");
    }

    async fn nul_is_refused_everywhere(app: TestApp) {
        let owner = hub(&app, 1, 0).await;
        for name in ["b", "c"] {
            owner.post("/records/leaf", &json!({"name": name})).await.expect(201);
        }
        for path in ["/audit?action=%00", "/audit?action=a%00b", "/audit?entity=%00", "/users?cursor=%00"] {
            let refused = owner.get(path).await;
            assert_eq!(refused.status, 422, "{refused:?}");
        }
        let page = owner.get("/records/leaf?sort=name&limit=1").await.expect(200);
        let cursor = URL_SAFE_NO_PAD.decode(page.body["next_cursor"].as_str().unwrap()).unwrap();
        let text = String::from_utf8_lossy(&cursor[8..]).replacen("\"a\"", "\"\\u0000\"", 1);
        assert!(text.contains("u0000"), "{text}");
        let cursor = URL_SAFE_NO_PAD.encode([&cursor[..8], text.as_bytes()].concat());
        let forged = format!("/records/leaf?sort=name&limit=1&cursor={cursor}");
        owner.get(&forged).await.expect_problem(422, "invalid_format");
    }

    async fn a_cursor_belongs_to_its_entity(app: TestApp) {
        let owner = app.register("acme").await;
        for name in ["one", "two"] {
            owner.post("/entities", &json!({"name": name, "fields": []})).await.expect(201);
            for _ in 0..2 {
                owner.post(&format!("/records/{name}"), &json!({})).await.expect(201);
            }
        }
        let page = owner.get("/records/one?limit=1").await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        owner.get(&format!("/records/one?limit=1&cursor={cursor}")).await.expect(200);
        owner.get(&format!("/records/two?limit=1&cursor={cursor}")).await.expect_problem(422, "invalid_format");
    }
}
