//! A field takes another type, and its values with it, through the tables of both stores.

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{patch_field, read, record, thing};

both_stores! {
    async fn values_go_from_type_to_type(app: TestApp) {
        let owner = app.register("acme").await;
        let steps = [
            json!([{"type": "text"}, "2013"]),
            json!([{"type": "integer"}, 2013]),
            json!([{"type": "decimal", "scale": 2}, "2013.00"]),
            json!([{"type": "decimal", "scale": 4, "min": "0"}, "2013.0000"]),
            json!([{"type": "json"}, "2013.0000"]),
            json!([{"type": "decimal", "scale": 0}, "2013"]),
            json!([{"type": "integer"}, 2013]),
            json!([{"type": "choice", "options": ["2013", "2014"]}, "2013"]),
            json!([{"type": "multi_choice"}, ["2013"]]),
            json!([{"type": "choice"}, "2013"]),
            json!([{"type": "code"}, "2013"]),
            json!([{"type": "long_text"}, "2013"]),
        ];
        thing(&owner, json!([{"name": "f", "type": "text"}, {"name": "g", "type": "text", "required": true}])).await;
        let (full, empty) = (record(&owner, &json!({"f": "2013", "g": "x"})).await, record(&owner, &json!({"g": "x"})).await);
        for step in steps {
            let field = patch_field(&owner, "f", step[0].clone()).await.expect(200).body;
            assert_eq!(field["type"], step[0]["type"]);
            assert_eq!(read(&owner, &full).await["f"], step[1], "{step}");
            assert_eq!(read(&owner, &empty).await["f"], Value::Null, "{step}");
            // It is written and found in its new form.
            let new = record(&owner, &json!({"f": step[1], "g": "y"})).await;
            assert_eq!(read(&owner, &new).await["f"], step[1], "{step}");
            if !["long_text", "json", "multi_choice"].contains(&step[0]["type"].as_str().unwrap()) {
                let sorted = owner.get("/records/thing?sort=-f").await.expect(200);
                assert_eq!(sorted.items().len(), 3, "{step}");
            }
            owner.delete(&format!("/records/thing/{new}")).await.expect(204);
        }
        assert_eq!(read(&owner, &full).await["g"], "x");
    }

    async fn times_and_references_go_from_type_to_type(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "d", "type": "date", "unique": true}, {"name": "of", "type": "relation", "target": "thing"}])).await;
        let first = record(&owner, &json!({"d": "2013-01-31"})).await;
        let id = record(&owner, &json!({"d": "2013-02-01", "of": first})).await;
        patch_field(&owner, "d", json!({"type": "datetime"})).await.expect(200);
        assert_eq!(read(&owner, &id).await["d"], "2013-02-01T00:00:00Z");
        owner.post("/records/thing", &json!({"d": "2013-02-01T00:00:00Z"})).await.expect_problem(409, "conflict");
        patch_field(&owner, "d", json!({"type": "text"})).await.expect(200);
        assert_eq!(read(&owner, &id).await["d"], "2013-02-01T00:00:00Z");
        patch_field(&owner, "of", json!({"type": "uuid"})).await.expect(200);
        assert_eq!(read(&owner, &id).await["of"], json!(first));
        // It leads nowhere any more, so nothing is held by it.
        owner.delete(&format!("/records/thing/{first}")).await.expect(204);
        patch_field(&owner, "of", json!({"type": "text"})).await.expect(200);
        assert_eq!(read(&owner, &id).await["of"], json!(first));
    }

    async fn a_default_is_said_anew_with_another_type(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "n", "type": "integer", "default": 5, "min": 0}])).await;
        let id = record(&owner, &json!({})).await;
        let field = patch_field(&owner, "n", json!({"type": "text"})).await.expect(200).body;
        assert_eq!((&field["default"], field.get("min")), (&Value::Null, None));
        assert_eq!(read(&owner, &id).await["n"], "5");
    }

    async fn more_records_than_are_read_at_once(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "n", "type": "integer"}])).await;
        let records: Vec<Value> = (0..1_000).map(|n| json!({"n": n})).collect();
        for _ in 0..2 {
            owner.post("/records/thing/batch", &json!({"create": records})).await.expect(200);
        }
        patch_field(&owner, "n", json!({"type": "text"})).await.expect(200);
        let sum = async || {
            let mut sum = 0;
            for path in ["/records/thing?limit=1000&sort=id", "/records/thing?limit=1000&sort=-id"] {
                let found = owner.get(path).await.expect(200);
                sum += found.items().iter().map(|item| item["n"].as_str().unwrap().parse::<u32>().unwrap()).sum::<u32>();
            }
            sum
        };
        assert_eq!(sum().await, 2 * (0..1_000).sum::<u32>());
        let refused = patch_field(&owner, "n", json!({"max_length": 1})).await.expect_problem(409, "conflict");
        assert!(refused.text.contains("1980 records"), "{refused:?}");
    }
}
