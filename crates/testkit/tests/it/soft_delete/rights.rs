//! Who may see what is deleted, and bring it back.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{add, delete, desk, ids, restore};

both_stores! {
    async fn deleted_records_are_for_who_may_read_and_delete_them(app: TestApp) {
        let owner = desk(&app, "acme").await;
        let role = |code: &str, grants: serde_json::Value| json!({"code": code, "name": code, "grants": grants});
        let grant = |actions: serde_json::Value, rule: &str| json!({"resource": "records:customer", "actions": actions, "scope": "tenant", "where": rule});
        let german = "country == \"DE\"";
        for (code, grants) in [
            ("both", json!([grant(json!(["read"]), "code != \"hidden\""), grant(json!(["delete"]), german)])),
            ("deletes", json!([grant(json!(["delete"]), german)])),
            // What it does not read, the rule of its right to delete still looks at.
            ("part", json!([
                {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "fields": {"read": ["code"]}},
                grant(json!(["read"]), "code == \"none\""), grant(json!(["delete"]), german),
            ])),
        ] {
            owner.post("/roles", &role(code, grants)).await.expect(201);
        }
        let (both, deletes, part, viewer) =
            (owner.user("both").await, owner.user("deletes").await, owner.user("part").await, owner.user("viewer").await);
        let mut gone = Vec::new();
        for (code, country) in [("open", "DE"), ("foreign", "FR"), ("hidden", "DE")] {
            let id = add(&owner, "customer", json!({"code": code, "country": country})).await;
            delete(&owner, "customer", &id).await;
            gone.push(id);
        }
        let [open, foreign, hidden] = [&gone[0], &gone[1], &gone[2]];
        assert_eq!(ids(&owner, "customer", "deleted=only").await.len(), 3);
        assert_eq!(ids(&both, "customer", "deleted=only").await, [open.as_str()]);
        let shown = part.get("/records/customer?deleted=only&sort=code").await.expect(200);
        assert_eq!(shown.items().iter().map(|record| (&record["code"], record.get("country").is_some_and(|it| !it.is_null()))).collect::<Vec<_>>(), [
            (&json!("hidden"), false), (&json!("open"), false),
        ]);
        viewer.get("/records/customer?deleted=only").await.expect_problem(403, "forbidden");
        deletes.get("/records/customer?deleted=only").await.expect_problem(403, "forbidden");
        for id in [open, foreign, hidden] {
            restore(&viewer, "customer", id).await.expect_problem(403, "forbidden");
            restore(&deletes, "customer", id).await.expect_problem(403, "forbidden");
        }
        restore(&both, "customer", foreign).await.expect_problem(404, "not_found");
        restore(&both, "customer", hidden).await.expect_problem(404, "not_found");
        restore(&both, "customer", open).await.expect(200);
        restore(&both, "customer", open).await.expect_problem(409, "conflict");
        let stranger = app.register("other").await;
        restore(&stranger, "customer", hidden).await.expect_problem(404, "not_found");
    }

    async fn the_document_shows_it_to_who_may_use_it(app: TestApp) {
        let owner = desk(&app, "acme").await;
        owner.post("/entities", &json!({"name": "plain", "fields": []})).await.expect(201);
        let (viewer, of) = (owner.user("viewer").await, |entity: &str| format!("/api/v1/records/{entity}/{{id}}/restore"));
        let document = owner.get("/openapi.json").await.expect(200).body;
        assert!(document["paths"][of("ticket")].is_object() && document["paths"][of("plain")].is_null());
        assert!(document["components"]["schemas"]["Record_ticket"]["properties"]["deleted_at"].is_object());
        assert!(document["components"]["schemas"]["Record_plain"]["properties"]["deleted_at"].is_null());
        let document = viewer.get("/openapi.json").await.expect(200).body;
        assert!(document["paths"][of("ticket")].is_null());
        assert!(!document.to_string().contains("deleted_at"));
    }
}
