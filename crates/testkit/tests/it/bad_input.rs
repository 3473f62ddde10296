//! What is wrong is told clearly, and nothing of it is stored.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

both_stores! {
    async fn bad_input_is_refused_and_leaves_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([
            {"name": "order", "type": "text", "required": true, "max_length": 5},
            {"name": "count", "type": "integer", "min": 0, "max": 10},
            {"name": "price", "type": "decimal", "precision": 5, "scale": 2},
            {"name": "due", "type": "date"},
            {"name": "state", "type": "choice", "options": ["open", "done"]},
        ]);
        // A word of SQL is a name like any other.
        owner.post("/entities", &json!({"name": "select", "fields": fields})).await.expect(201);
        let stranger = app.register("other").await;
        stranger.post("/entities", &json!({"name": "secret", "fields": []})).await.expect(201);
        let changes = async || {
            let events = owner.get("/audit?limit=1000").await.expect(200);
            events.items().iter().filter(|event| !event["action"].as_str().unwrap().starts_with("session.")).count()
        };
        let before = changes().await;

        for (body, status, code, pointer) in [
            (r#"{"order": "a", "zz": 1}"#, 422, "unknown_field", "/zz"),
            (r#"{"order": "a", "id": "x"}"#, 422, "unknown_field", "/id"),
            (r#"{"order": 1}"#, 422, "invalid_type", "/order"),
            (r#"{"order": null}"#, 422, "required", "/order"),
            (r"{}", 422, "required", "/order"),
            (r#"{"order": "abcdef"}"#, 422, "too_long", "/order"),
            (r#"{"order": "a\u0000"}"#, 422, "invalid_format", "/order"),
            (r#"{"order": "a", "count": "1"}"#, 422, "invalid_type", "/count"),
            (r#"{"order": "a", "count": 1.5}"#, 422, "invalid_type", "/count"),
            (r#"{"order": "a", "count": 11}"#, 422, "out_of_range", "/count"),
            (r#"{"order": "a", "count": 9007199254740993}"#, 422, "out_of_range", "/count"),
            (r#"{"order": "a", "price": 1.5}"#, 422, "invalid_type", "/price"),
            (r#"{"order": "a", "price": "1.555"}"#, 422, "out_of_range", "/price"),
            (r#"{"order": "a", "price": "1000.00"}"#, 422, "out_of_range", "/price"),
            (r#"{"order": "a", "due": "2013-02-29"}"#, 422, "invalid_format", "/due"),
            (r#"{"order": "a", "state": "shut"}"#, 422, "out_of_range", "/state"),
            (r#"{"order": "a", "order": "b"}"#, 422, "invalid_format", ""),
            (r#"{"order": "a", "count": 1e400}"#, 422, "invalid_format", ""),
            (r#"{"order": "a", "price": -1e999}"#, 422, "invalid_format", ""),
            (r#"{"order": "\ud800"}"#, 422, "invalid_format", ""),
            (r#"{"order": "\udc00a"}"#, 422, "invalid_format", ""),
            ("[]", 422, "invalid_type", ""),
        ] {
            let refused = owner.post_raw("/records/select", body).await.expect_problem(status, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        let all = owner.post_raw("/records/select", r#"{"count": -1, "due": 5, "zz": 1}"#).await.expect_problem(422, "invalid");
        assert_eq!(all.body["errors"].as_array().map(Vec::len), Some(4), "{all:?}");
        owner.post_raw("/records/select", "{").await.expect_problem(400, "invalid_json");
        let large = format!("{{\"order\": \"{}\"}}", "a".repeat(2 * 1024 * 1024));
        owner.post_raw("/records/select", large).await.expect_problem(413, "payload_too_large");

        for (path, status, code) in [
            ("/records/nothing", 404, "not_found"),
            ("/records/secret", 404, "not_found"),
            ("/records/select'--", 404, "not_found"),
            ("/records/select/no-id", 404, "not_found"),
            ("/records/select/01A20C5A-1B00-7001-8C65-6A83A146C52B0", 404, "not_found"),
            ("/records/select?zz=1", 422, "unknown_parameter"),
            ("/records/select?limit=0", 422, "out_of_range"),
            ("/records/select?limit=1001", 422, "out_of_range"),
            ("/records/select?limit=1&limit=2", 422, "invalid"),
            ("/records/select?sort=zz", 422, "unknown_field"),
            ("/records/select?fields=zz", 422, "unknown_field"),
            ("/records/select?expand=zz", 422, "unknown_field"),
            ("/records/select?expand=order", 422, "invalid_type"),
            ("/records/select?filter=zz%20%3D%3D%201", 422, "unknown_field"),
            ("/records/select?filter=secret.x%20%3D%3D%201", 422, "unknown_field"),
            ("/records/select?filter=count%20%3D%3D%20%22a%22", 422, "invalid_expression"),
            ("/records/select?filter=count%20%3D%3D", 422, "invalid_expression"),
            ("/records/select?cursor=abc", 422, "invalid_format"),
        ] {
            owner.get(path).await.expect_problem(status, code);
        }
        for (body, code, pointer) in [
            (json!({"name": "a\"b"}), "invalid_format", "/name"),
            (json!({"name": "record"}), "invalid_format", "/name"),
            (json!({"name": "x", "fields": [{"name": "a", "type": "integer", "min": i64::MIN}]}), "out_of_range", "/fields/0/min"),
            (json!({"name": "x", "fields": [{"name": "a", "type": "text", "max_length": 0}]}), "out_of_range", "/fields/0/max_length"),
            (json!({"name": "x", "soft_delete": 1}), "invalid_type", "/soft_delete"),
            (json!({"name": "x", "scope": "planet"}), "out_of_range", "/scope"),
            (json!({"name": "x", "fields": [{"name": "a", "type": "formula"}]}), "not_supported", "/fields/0/type"),
            (json!({"name": "x", "fields": [{"name": "a", "type": "relation", "target": "secret"}]}), "out_of_range", "/fields/0/target"),
            (json!({"name": "x", "fields": [{"name": "a", "type": "code"}, {"name": "a", "type": "code"}]}), "not_unique", "/fields/1/name"),
        ] {
            let refused = owner.post("/entities", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(owner.get("/records/select?count=exact").await.expect(200).body["total"], 0);
        assert_eq!(owner.get("/entities").await.expect(200).items().len(), 1);
        assert_eq!(changes().await, before);
    }
}
