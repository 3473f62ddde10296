//! Entities that come to keep deleted records, or keep none any more, and rules that changes of the design meet.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{add_field, patch_field, read, record, thing};

both_stores! {
    async fn soft_delete_comes_and_goes(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([
            {"name": "a", "type": "text", "unique": true}, {"name": "b", "type": "integer", "required": true},
        ])).await;
        let (kept, living) = (record(&owner, &json!({"a": "x", "b": 1})).await, record(&owner, &json!({"a": "y", "b": 2})).await);
        let keeps = async |on: bool| owner.patch("/entities/thing", &json!({"soft_delete": on})).await;
        assert_eq!(keeps(true).await.expect(200).body["soft_delete"], true);
        owner.delete(&format!("/records/thing/{kept}")).await.expect(204);
        let deleted = owner.get("/records/thing?deleted=only").await.expect(200).body;
        assert_eq!(deleted["items"][0]["id"], kept);
        // What is deleted is unique no more, and a table made anew still knows who lives.
        let another = record(&owner, &json!({"a": "x", "b": 3})).await;
        patch_field(&owner, "b", json!({"required": false})).await.expect(200);
        add_field(&owner, json!({"name": "c", "type": "integer", "required": true, "default": 7})).await.expect(201);
        owner.get(&format!("/records/thing/{kept}")).await.expect(404);
        owner.post("/records/thing", &json!({"a": "y", "b": 4})).await.expect_problem(409, "conflict");
        // Nothing comes back by itself.
        let plan = owner.patch("/entities/thing?dry_run=true", &json!({"soft_delete": false})).await.expect(200).body;
        assert_eq!(plan["conflicts"][0]["records"], 1);
        keeps(false).await.expect_problem(409, "conflict");
        owner.delete(&format!("/records/thing/{another}")).await.expect(204);
        let restore = async |id: &str| owner.post(&format!("/records/thing/{id}/restore"), &json!({})).await;
        restore(&kept).await.expect(200);
        owner.patch(&format!("/records/thing/{kept}"), &json!({"a": "z"})).await.expect(200);
        restore(&another).await.expect(200);
        assert_eq!(keeps(false).await.expect(200).body["soft_delete"], false);
        owner.post("/records/thing", &json!({"a": "z", "c": 1})).await.expect_problem(409, "conflict");
        owner.delete(&format!("/records/thing/{another}")).await.expect(204);
        restore(&another).await.expect(404);
        assert_eq!(read(&owner, &living).await["c"], 7);
    }

    async fn rules_follow_names_and_hold_what_they_name(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}])).await;
        let rules = json!([{"name": "small", "expr": "a < 10", "message": "Too big"}]);
        owner.patch("/entities/thing", &json!({"rules": rules})).await.expect(200);
        owner.post("/records/thing", &json!({"a": 10})).await.expect_problem(422, "rule_violated");
        let renamed = patch_field(&owner, "a", json!({"name": "size"})).await.expect(200).body;
        assert_eq!(renamed["name"], "size");
        let entity = owner.get("/entities/thing").await.expect(200).body;
        assert_eq!(entity["rules"][0]["expr"], "size < 10");
        owner.post("/records/thing", &json!({"size": 10})).await.expect_problem(422, "rule_violated");
        // A rule is not lost in silence.
        owner.delete("/entities/thing/fields/size").await.expect_problem(409, "conflict");
        patch_field(&owner, "size", json!({"type": "text"})).await.expect_problem(409, "conflict");
        let bad = json!({"rules": [{"name": "small", "expr": "gone < 10", "message": "Too big"}]});
        let reply = owner.patch("/entities/thing", &bad).await.expect_problem(422, "unknown_field");
        assert_eq!(reply.body["errors"][0]["pointer"], "/rules/0/expr");
        owner.patch("/entities/thing", &json!({"rules": []})).await.expect(200);
        owner.post("/records/thing", &json!({"size": 10})).await.expect(201);
        owner.delete("/entities/thing/fields/size").await.expect(204);
    }
}
