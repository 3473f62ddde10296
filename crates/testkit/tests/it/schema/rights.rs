//! Rights are about ids: a new name takes them along, and what comes under an old name has none of them.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{add_field, patch_field, record, thing};

/// Somebody who sees what is open, and of that not the secret.
async fn clerk(owner: &Caller) -> (Caller, String) {
    let role = json!({"code": "clerk", "name": "Clerk", "grants": [{
        "resource": "records:thing", "actions": ["read", "update"], "scope": "tenant", "where": "record.state == \"open\"",
        "fields": {"read": ["title", "state"], "write": ["title"]},
    }, {"resource": "entities", "actions": ["read"], "scope": "tenant"}]});
    let id = owner.post("/roles", &role).await.expect(201).id().to_owned();
    (owner.user("clerk").await, id)
}

async fn world(app: &TestApp) -> (Caller, Caller, String, String) {
    let owner = app.register("acme").await;
    thing(&owner, json!([
        {"name": "title", "type": "text"}, {"name": "state", "type": "choice", "options": ["open", "shut"]}, {"name": "secret", "type": "text"},
    ])).await;
    let open = record(&owner, &json!({"title": "a", "state": "open", "secret": "s"})).await;
    record(&owner, &json!({"title": "b", "state": "shut", "secret": "s"})).await;
    let (clerk, role) = clerk(&owner).await;
    (owner, clerk, role, open)
}

/// What somebody sees of an entity's records: how many, and which members.
async fn seen(caller: &Caller, entity: &str) -> (usize, Vec<String>) {
    let found = caller.get(&format!("/records/{entity}")).await;
    // Who reaches nothing at all is told so.
    if found.status == 403 {
        return (0, Vec::new());
    }
    let found = found.expect(200);
    let members = found.items().first().and_then(Value::as_object).map(|record| record.keys().cloned().collect());
    (found.items().len(), members.unwrap_or_default())
}

both_stores! {
    async fn names_change_and_rights_follow(app: TestApp) {
        let (owner, clerk, role, open) = world(&app).await;
        for (field, name) in [("title", "heading"), ("state", "phase"), ("secret", "hidden")] {
            patch_field(&owner, field, json!({"name": name})).await.expect(200);
        }
        owner.patch("/entities/thing", &json!({"name": "case"})).await.expect(200);
        let (count, members) = seen(&clerk, "case").await;
        assert_eq!(count, 1);
        assert!(members.contains(&"heading".to_owned()) && members.contains(&"phase".to_owned()), "{members:?}");
        assert!(!members.contains(&"hidden".to_owned()), "{members:?}");
        let path = format!("/records/case/{open}");
        clerk.patch(&path, &json!({"heading": "c"})).await.expect(200);
        clerk.patch(&path, &json!({"hidden": "c"})).await.expect_problem(422, "unknown_field");
        let shown = owner.get(&format!("/roles/{role}")).await.expect(200).body;
        let grant = &shown["grants"][0];
        assert_eq!(grant["resource"], "records:case");
        assert_eq!(grant["where"], "record.phase == \"open\"");
        assert_eq!(grant["fields"], json!({"read": ["heading", "phase"], "write": ["heading"]}));
    }

    async fn what_takes_an_old_name_inherits_nothing(app: TestApp) {
        let (owner, clerk, role, _) = world(&app).await;
        owner.delete("/entities/thing/fields/title").await.expect(204);
        add_field(&owner, json!({"name": "title", "type": "text", "default": "new"})).await.expect(201);
        let (count, members) = seen(&clerk, "thing").await;
        assert_eq!(count, 1);
        assert!(!members.contains(&"title".to_owned()), "{members:?}");
        // A rule that has lost its field denies, and goes on denying.
        owner.delete("/entities/thing/fields/state").await.expect(204);
        assert_eq!(seen(&clerk, "thing").await.0, 0);
        add_field(&owner, json!({"name": "state", "type": "choice", "options": ["open"], "default": "open"})).await.expect(201);
        assert_eq!(seen(&clerk, "thing").await.0, 0);
        let shown = owner.get(&format!("/roles/{role}")).await.expect(200).body;
        assert_eq!(shown["grants"][0]["where"], "record.<unknown> == \"open\"");
        assert_eq!(shown["grants"][0]["fields"], json!({"read": [], "write": []}));
    }

    async fn another_type_takes_rights_along_or_denies(app: TestApp) {
        let (owner, clerk, _, _) = world(&app).await;
        patch_field(&owner, "state", json!({"type": "text"})).await.expect(200);
        assert_eq!(seen(&clerk, "thing").await.0, 1);
        // `== "open"` means nothing of a set.
        patch_field(&owner, "state", json!({"type": "multi_choice", "options": ["open", "shut"]})).await.expect(200);
        assert_eq!(seen(&clerk, "thing").await.0, 0);
        patch_field(&owner, "state", json!({"type": "choice"})).await.expect(200);
        let (count, members) = seen(&clerk, "thing").await;
        assert_eq!((count, members.contains(&"secret".to_owned())), (1, false));
    }

    async fn what_one_may_not_know_is_in_no_answer(app: TestApp) {
        let (owner, clerk, _, _) = world(&app).await;
        patch_field(&owner, "secret", json!({"name": "hidden"})).await.expect(200);
        patch_field(&owner, "title", json!({"label": "T"})).await.expect(200);
        owner.patch("/entities/thing", &json!({"unique": [["title", "hidden"]]})).await.expect(200);
        owner.delete("/entities/thing/fields/hidden").await.expect(204);
        for path in ["/schema", "/schema/history", "/entities", "/entities/thing"] {
            let reply = clerk.get(path).await.expect(200);
            assert!(!reply.text.contains("secret") && !reply.text.contains("hidden"), "{reply:?}");
        }
        let history = clerk.get("/schema/history").await.expect(200);
        assert!(history.items().iter().any(|item| item["steps"][0]["field"] == "title"), "{history:?}");
        for (path, body) in [("/entities/thing/fields/title", json!({"label": "x"})), ("/entities/thing", json!({"label": "x"}))] {
            clerk.patch(path, &body).await.expect_problem(403, "forbidden");
        }
        clerk.delete("/entities/thing/fields/title").await.expect_problem(403, "forbidden");
        clerk.post("/schema/apply", &json!({"entities": []})).await.expect_problem(403, "forbidden");
    }

    async fn another_organisation_has_none_of_it(app: TestApp) {
        let (owner, _, _, _) = world(&app).await;
        let other = app.register("other").await;
        other.patch("/entities/thing", &json!({"label": "x"})).await.expect_problem(404, "not_found");
        other.patch("/entities/thing/fields/title", &json!({"label": "x"})).await.expect_problem(404, "not_found");
        other.post("/entities/thing/fields", &json!({"name": "x", "type": "text"})).await.expect_problem(404, "not_found");
        other.delete("/entities/thing/fields/title").await.expect_problem(404, "not_found");
        let document = owner.get("/schema").await.expect(200).body;
        other.post("/schema/apply", &document).await.expect(200);
        other.post("/schema/apply", &json!({"entities": []})).await.expect(200);
        assert_eq!(owner.get("/schema").await.expect(200).body, document);
    }
}
