//! What a change would come to is told, and nothing is changed.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::{Value, json};

use super::{patch_field, record, thing};

/// The plan's steps and warnings, as `kind field`.
fn told(plan: &Reply) -> (Vec<String>, Vec<String>) {
    let list = |name: &str, kind: &str| {
        let items = plan.body[name].as_array().unwrap();
        let one = |item: &Value| format!("{} {}", item[kind].as_str().unwrap(), item["field"].as_str().unwrap_or("-"));
        items.iter().map(one).collect()
    };
    (list("steps", "step"), list("warnings", "kind"))
}

/// Everything that a change of the schema would leave a trace in.
async fn state(owner: &Caller) -> Vec<Value> {
    let mut state = Vec::new();
    for path in ["/schema", "/schema/history", "/records/thing", "/audit"] {
        state.push(owner.get(path).await.expect(200).body);
    }
    state
}

both_stores! {
    async fn plans_tell_steps_and_warnings_and_change_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([
            {"name": "a", "type": "text"}, {"name": "n", "type": "integer", "required": true},
            {"name": "of", "type": "relation", "target": "thing"},
        ])).await;
        record(&owner, &json!({"a": "one", "n": 1})).await;
        let before = state(&owner).await;
        let (field, entity) = ("/entities/thing/fields/", "/entities/thing?dry_run=true");
        let patched = |field_name: &str, patch: Value| (format!("{field}{field_name}?dry_run=true"), patch);
        for ((path, body), steps, warnings, conflicts) in [
            (patched("a", json!({"name": "b"})), vec!["rename_field b"], vec![], 0),
            (patched("a", json!({})), vec![], vec![], 0),
            (patched("a", json!({"type": "integer"})), vec!["retype_field a"], vec!["long_lock a"], 1),
            (patched("n", json!({"type": "text", "label": "N"})), vec!["retype_field n", "alter_field n"], vec!["long_lock n"], 0),
            (patched("a", json!({"position": 2})), vec!["reorder_fields -"], vec![], 0),
            (patched("a", json!({"required": true, "max_length": 2})), vec!["alter_field a"], vec!["long_lock a"], 1),
            (patched("of", json!({"on_delete": "cascade"})), vec!["alter_field of"], vec!["widened_rights of"], 0),
            ((entity.to_owned(), json!({"name": "case", "label": "Case"})), vec!["rename_entity -", "alter_entity -"], vec![], 0),
            ((entity.to_owned(), json!({"unique": [["a", "n"]]})), vec!["add_key -"], vec!["long_lock -"], 0),
            ((entity.to_owned(), json!({"fields": []})), vec!["drop_field a", "drop_field n", "drop_field of"], vec!["data_loss a", "data_loss n", "data_loss of"], 0),
        ] {
            let plan = owner.patch(&path, &body).await.expect(200);
            let (found_steps, found_warnings) = told(&plan);
            assert_eq!((found_steps, found_warnings), (steps.iter().map(ToString::to_string).collect(), warnings.iter().map(ToString::to_string).collect()), "{path} {body}");
            assert_eq!(plan.body["conflicts"].as_array().unwrap().len(), conflicts, "{plan:?}");
        }
        let plan = owner.post("/entities/thing/fields?dry_run=true", &json!({"name": "z", "type": "text", "required": true})).await.expect(200);
        assert_eq!(told(&plan).0, ["add_field z"]);
        assert_eq!(plan.body["conflicts"].as_array().unwrap().len(), 1);
        let plan = owner.post("/entities?dry_run=true", &json!({"name": "other", "fields": []})).await.expect(200);
        assert_eq!(told(&plan).0, ["create_entity -"]);
        let plan = owner.delete("/entities/thing/fields/a?dry_run=true").await.expect(200);
        assert_eq!(told(&plan), (vec!["drop_field a".to_owned()], vec!["data_loss a".to_owned()]));
        let plan = owner.delete("/entities/thing?dry_run=true").await.expect(200);
        assert_eq!(told(&plan), (vec!["drop_entity -".to_owned()], vec!["data_loss -".to_owned()]));
        let plan = owner.post("/schema/plan", &json!({"entities": []})).await.expect(200);
        assert_eq!(told(&plan).0, ["drop_entity -"]);
        let after = state(&owner).await;
        assert_eq!(after, before);
        // A plan of what is refused anyway is that refusal.
        owner.patch("/entities/thing/fields/a?dry_run=true", &json!({"name": "n"})).await.expect_problem(422, "not_unique");
        owner.patch("/entities/thing?dry_run=false", &json!({"label": "T"})).await.expect(200);
        assert_ne!(state(&owner).await, before);
    }

    async fn a_plan_warns_of_rights_that_widen(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([
            {"name": "a", "type": "text", "unique": true}, {"name": "n", "type": "integer"}, {"name": "must", "type": "text", "required": true},
        ])).await;
        let role = json!({"code": "desk", "name": "Desk", "grants": [{
            "resource": "records:thing", "actions": ["create", "read", "update"], "scope": "tenant", "where": "n > 1",
            "fields": {"read": ["n"], "write": ["a", "n"]},
        }]});
        let warned = async |field: &str, patch: Value| {
            let plan = owner.patch(&format!("/entities/thing/fields/{field}?dry_run=true"), &patch).await.expect(200);
            told(&plan).1.iter().any(|warning| warning.starts_with("widened_rights"))
        };
        let changes = || [
            ("a", json!({"unique": false})), ("n", json!({"type": "decimal"})), ("must", json!({"required": false})), ("must", json!({"default": "x"})),
        ];
        for (field, patch) in changes() {
            assert!(!warned(field, patch.clone()).await, "nobody's rights: {field} {patch}");
        }
        owner.post("/roles", &role).await.expect(201);
        for (field, patch) in changes() {
            assert!(warned(field, patch.clone()).await, "{field} {patch}");
        }
        assert!(!warned("n", json!({"name": "m"})).await);
    }

    async fn who_may_not_change_the_schema_plans_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}])).await;
        let viewer = owner.user("viewer").await;
        viewer.patch("/entities/thing/fields/a?dry_run=true", &json!({"name": "b"})).await.expect_problem(403, "forbidden");
        viewer.delete("/entities/thing?dry_run=true").await.expect_problem(403, "forbidden");
        viewer.post("/entities?dry_run=true", &json!({"name": "b"})).await.expect_problem(403, "forbidden");
        viewer.post("/schema/plan", &json!({"entities": []})).await.expect_problem(403, "forbidden");
        let schema = viewer.get("/schema").await.expect(200).body;
        assert_eq!(schema, owner.get("/schema").await.expect(200).body);
        patch_field(&owner, "a", json!({"label": "A"})).await.expect(200);
        assert_eq!(viewer.get("/schema/history").await.expect(200).items().len(), 2);
    }
}
