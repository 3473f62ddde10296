//! Changes that the records that are there, or the words, stand in the way of: nothing is changed then.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{add_field, patch_field, read, record, thing, version};

/// A change that is refused for records, the first of which are named; nothing is changed.
async fn refused(owner: &Caller, field: &str, patch: Value, named: &[&str]) {
    let (before, entity) = (version(owner).await, owner.get("/entities/thing").await.expect(200).body);
    let reply = patch_field(owner, field, patch.clone()).await.expect_problem(409, "conflict");
    for id in named {
        assert!(reply.body["errors"][0]["message"].as_str().unwrap().contains(id), "{patch}: {reply:?}");
    }
    assert_eq!(version(owner).await, before);
    assert_eq!(owner.get("/entities/thing").await.expect(200).body, entity);
}

both_stores! {
    async fn values_that_would_not_fit_are_named(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([
            {"name": "a", "type": "text"}, {"name": "n", "type": "integer"},
            {"name": "c", "type": "choice", "options": ["x", "y"]}, {"name": "d", "type": "decimal"},
        ])).await;
        let good = record(&owner, &json!({"a": "1", "n": 1, "c": "x", "d": "1.00"})).await;
        let bad = record(&owner, &json!({"a": "one", "n": 100, "c": "y", "d": "1.50"})).await;
        let again = record(&owner, &json!({"a": "one"})).await;
        for (field, patch, named) in [
            ("a", json!({"type": "integer"}), vec![&bad, &again]),
            ("a", json!({"type": "email"}), vec![&good, &bad, &again]),
            ("a", json!({"max_length": 2}), vec![&bad, &again]),
            ("a", json!({"min_length": 2}), vec![&good]),
            ("a", json!({"unique": true}), vec![&bad, &again]),
            ("n", json!({"max": 50}), vec![&bad]),
            ("n", json!({"required": true}), vec![&again]),
            ("c", json!({"options": ["x", "z"]}), vec![&bad]),
            ("d", json!({"type": "integer"}), vec![&bad]),
            ("d", json!({"scale": 1, "max": "1.2"}), vec![&bad]),
        ] {
            let named: Vec<&str> = named.into_iter().map(String::as_str).collect();
            refused(&owner, field, patch, &named).await;
        }
        let now = read(&owner, &bad).await;
        assert_eq!((&now["a"], &now["n"], &now["c"], &now["d"]), (&json!("one"), &json!(100), &json!("y"), &json!("1.50")));
        // A key over several.
        owner.patch("/entities/thing", &json!({"unique": [["a", "n"]]})).await.expect(200);
        owner.patch("/entities/thing", &json!({"unique": []})).await.expect(200);
        owner.patch(&format!("/records/thing/{again}"), &json!({"n": 100})).await.expect(200);
        owner.patch("/entities/thing", &json!({"unique": [["a", "n"]]})).await.expect_problem(409, "conflict");
        // The table is as it was: what is written still finds it.
        record(&owner, &json!({"a": "one", "n": 100})).await;
    }

    async fn words_that_mean_nothing_are_told_with_their_place(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}, {"name": "b", "type": "boolean"}, {"name": "of", "type": "relation", "target": "thing"}])).await;
        owner.post("/entities", &json!({"name": "other", "fields": []})).await.expect(201);
        for (field, patch, pointer, code) in [
            ("a", json!({"name": "b"}), "/name", "not_unique"),
            ("a", json!({"name": "B"}), "/name", "invalid_format"),
            ("a", json!({"name": null}), "/name", "required"),
            ("a", json!({"type": "nothing"}), "/type", "out_of_range"),
            ("a", json!({"type": "user"}), "/type", "out_of_range"),
            ("a", json!({"scale": 2}), "/scale", "unknown_field"),
            ("a", json!({"id": "0190f4a2-0000-7000-8000-000000000001"}), "/id", "unknown_field"),
            ("a", json!({"max_length": 0}), "/max_length", "out_of_range"),
            ("a", json!({"position": "first"}), "/position", "invalid_type"),
            ("a", json!({"encrypted": true}), "/encrypted", "not_supported"),
            ("b", json!({"type": "integer"}), "/type", "out_of_range"),
            ("b", json!({"default": "x"}), "/default", "invalid_type"),
            ("of", json!({"target": "other"}), "/type", "out_of_range"),
            ("of", json!({"target": "nobody"}), "/target", "out_of_range"),
        ] {
            let reply = patch_field(&owner, field, patch.clone()).await.expect_problem(422, code);
            assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{patch}");
        }
        patch_field(&owner, "a", json!([])).await.expect_problem(422, "invalid_type");
        patch_field(&owner, "nobody", json!({})).await.expect_problem(404, "not_found");
        add_field(&owner, json!({"name": "a", "type": "text"})).await.expect_problem(422, "not_unique");
        add_field(&owner, json!({"name": "c", "type": "text", "id": "x"})).await.expect_problem(422, "unknown_field");
        for (patch, code) in [
            (json!({"name": "id"}), "invalid_format"),
            (json!({"title_field": "nobody"}), "unknown_field"),
            (json!({"unique": [["a", "nobody"]]}), "unknown_field"),
            (json!({"fields": [{"id": "x", "name": "a", "type": "text"}]}), "invalid_format"),
            (json!({"nobody": 1}), "unknown_field"),
        ] {
            owner.patch("/entities/thing", &patch).await.expect_problem(422, code);
        }
        owner.patch("/entities/thing", &json!({"name": "other"})).await.expect_problem(409, "conflict");
        owner.patch("/entities/nobody", &json!({})).await.expect_problem(404, "not_found");
        owner.patch("/entities/thing?dry_run=maybe", &json!({})).await.expect_problem(422, "invalid_format");
        owner.delete("/entities/thing/fields/a?force=true").await.expect_problem(422, "unknown_parameter");
    }
}
