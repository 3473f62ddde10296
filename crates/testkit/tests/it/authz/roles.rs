//! Making, changing and removing roles, and what they allow by entity and action.

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{desk, role, titles, user_with};

const PERMISSIONS: &str = include_str!("../../../../../docs/permissions.md");

/// The most lines of one role.
const MANY: usize = 200;

both_stores! {
    async fn the_role_of_the_documentation_does_what_it_says(app: TestApp) {
        let desk = desk(&app).await;
        desk.owner.post("/entities", &json!({"name": "note", "fields": [{"name": "text", "type": "text"}]})).await.expect(201);
        let (_, rest) = PERMISSIONS.split_once("```json\n").expect("the page has an example");
        let (example, _) = rest.split_once("```").expect("the example ends");
        let example: Value = serde_json::from_str(example).expect("the example is JSON");
        desk.owner.post("/roles", &example).await.expect(201);
        let user = desk.owner.user("desk").await;
        assert_eq!(titles(user.get("/records/ticket").await), ["of de"]);
        let ticket = |customer: &str| json!({"title": "new", "status": "open", "customer": customer});
        user.post("/records/ticket", &ticket(&desk.fr)).await.expect_problem(403, "forbidden");
        let made = user.post("/records/ticket", &ticket(&desk.de)).await.expect(201);
        assert_eq!(made.body.get("cost"), None);
        user.patch(&format!("/records/ticket/{}", made.id()), &json!({"status": "done"})).await.expect_problem(403, "forbidden");
        user.post("/records/note", &json!({"text": "mine"})).await.expect(201);
    }

    async fn a_role_is_made_shown_changed_and_removed(app: TestApp) {
        let owner = desk(&app).await.owner;
        let grants = json!([
            {"resource": "records:ticket", "actions": ["read", "update"], "scope": "own",
             "where": "record.customer.country == \"DE\" && status != \"done\"",
             "fields": {"read": ["title", "cost"], "write": ["title"]}},
            {"resource": "entities", "actions": ["read"], "scope": "tenant"},
        ]);
        let body = json!({"code": "desk", "name": "The desk", "grants": grants});
        let made = owner.post("/roles", &body).await.expect(201);
        let path = format!("/roles/{}", made.id());
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        let shown = owner.get(&path).await.expect(200);
        let expected = json!({"id": made.id(), "code": "desk", "name": "The desk", "built_in": false, "grants": grants});
        assert_eq!((&made.body, &shown.body), (&expected, &expected));
        let codes: Vec<Value> = owner.get("/roles").await.expect(200).items().iter().map(|r| r["code"].clone()).collect();
        assert_eq!(codes, ["admin", "desk", "editor", "owner", "viewer"]);

        let taken = owner.post("/roles", &body).await.expect_problem(409, "conflict");
        assert_eq!(taken.body["errors"][0]["pointer"], "/code");
        let fewer = json!({"name": "Desk", "grants": [grants[1]]});
        let changed = owner.patch(&path, &fewer).await.expect(200);
        assert_eq!((&changed.body["name"], &changed.body["grants"]), (&json!("Desk"), &json!([grants[1]])));
        let user = owner.user("desk").await;
        owner.delete(&path).await.expect_problem(409, "conflict");
        let me = user.get("/auth/me").await.expect(200);
        assert_eq!(me.body["permissions"], json!([grants[1]]));
        owner.patch(&format!("/users/{}", me.body["account"]["id"].as_str().unwrap()), &json!({"roles": ["viewer"]})).await.expect(200);
        owner.delete(&path).await.expect(204);
        for gone in [path.as_str(), "/roles/not-an-id"] {
            owner.get(gone).await.expect_problem(404, "not_found");
            owner.patch(gone, &json!({"name": "x"})).await.expect_problem(404, "not_found");
            owner.delete(gone).await.expect_problem(404, "not_found");
        }

        let events = owner.get("/audit?limit=100").await.expect(200);
        let of_roles: Vec<_> = events.items().iter().filter(|e| e["action"].as_str().unwrap().starts_with("role.")).collect();
        let actions: Vec<_> = of_roles.iter().map(|event| event["action"].clone()).collect();
        assert_eq!(actions, ["role.delete", "role.update", "role.create"]);
        assert_eq!(of_roles[1]["before"], json!({"code": "desk", "name": "The desk", "grants": grants}));
        assert_eq!(of_roles[1]["diff"]["name"], json!({"before": "The desk", "after": "Desk"}));
        assert!(of_roles.iter().all(|event| event["record_id"] == made.id()), "{of_roles:?}");
    }

    async fn built_in_roles_stay_as_they_are(app: TestApp) {
        let owner = desk(&app).await.owner;
        for role in owner.get("/roles").await.expect(200).items() {
            assert_eq!(role["built_in"], true);
            let path = format!("/roles/{}", role["id"].as_str().unwrap());
            owner.patch(&path, &json!({"name": "x", "grants": []})).await.expect_problem(409, "conflict");
            owner.delete(&path).await.expect_problem(409, "conflict");
        }
    }

    async fn a_role_that_is_not_sound_is_refused_with_its_places(app: TestApp) {
        let owner = desk(&app).await.owner;
        let grant = |more: Value| {
            let mut grant = json!({"resource": "records:ticket", "actions": ["read"], "scope": "tenant"});
            for (key, value) in more.as_object().unwrap() {
                grant[key] = value.clone();
            }
            json!({"code": "x", "name": "x", "grants": [grant]})
        };
        for (body, code, pointer) in [
            (json!({"name": "x", "grants": []}), "required", "/code"),
            (json!({"code": "a b", "name": "x", "grants": []}), "invalid_format", "/code"),
            (json!({"code": "x", "name": " ", "grants": []}), "invalid_format", "/name"),
            (json!({"code": "x", "name": "x", "grants": {}}), "invalid_type", "/grants"),
            (json!({"code": "x", "name": "x", "grants": [], "zz": 1}), "unknown_field", "/zz"),
            (grant(json!({"zz": 1})), "unknown_field", "/grants/0/zz"),
            (grant(json!({"resource": "records:nothing"})), "out_of_range", "/grants/0/resource"),
            (grant(json!({"resource": "nothing"})), "out_of_range", "/grants/0/resource"),
            (grant(json!({"actions": []})), "too_short", "/grants/0/actions"),
            (grant(json!({"actions": ["see"]})), "out_of_range", "/grants/0/actions/0"),
            (grant(json!({"actions": ["read", "read"]})), "not_unique", "/grants/0/actions/1"),
            (grant(json!({"scope": null})), "required", "/grants/0/scope"),
            (grant(json!({"scope": "company"})), "out_of_range", "/grants/0/scope"),
            (grant(json!({"scope": "branch"})), "out_of_range", "/grants/0/scope"),
            (grant(json!({"scope": "department"})), "out_of_range", "/grants/0/scope"),
            (grant(json!({"scope": "all"})), "out_of_range", "/grants/0/scope"),
            (grant(json!({"resource": "users", "scope": "own"})), "out_of_range", "/grants/0/scope"),
            (grant(json!({"resource": "users", "where": "true"})), "out_of_range", "/grants/0/where"),
            (grant(json!({"resource": "records:*", "fields": {"read": []}})), "out_of_range", "/grants/0/fields"),
            (grant(json!({"where": "zz == 1"})), "unknown_field", "/grants/0/where"),
            (grant(json!({"where": "title =="})), "invalid_expression", "/grants/0/where"),
            (grant(json!({"where": "cost == \"a\""})), "invalid_expression", "/grants/0/where"),
            (grant(json!({"where": 1})), "invalid_type", "/grants/0/where"),
            (grant(json!({"fields": {"see": []}})), "unknown_field", "/grants/0/fields/see"),
            (grant(json!({"fields": {"read": ["zz"]}})), "unknown_field", "/grants/0/fields/read/0"),
            (grant(json!({"fields": {"read": ["title", "title"]}})), "not_unique", "/grants/0/fields/read/1"),
            (grant(json!({"fields": {"write": ["id"]}})), "unknown_field", "/grants/0/fields/write/0"),
        ] {
            let refused = owner.post("/roles", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(owner.get("/roles").await.expect(200).items().len(), 4);
    }

    async fn a_grant_is_for_its_entity_and_action_alone(app: TestApp) {
        let desk = desk(&app).await;
        let grants = json!([{"resource": "records:ticket", "actions": ["read", "create"], "scope": "tenant"}]);
        let user = user_with(&desk.owner, "reader", grants).await;
        assert_eq!(user.get("/records/ticket?count=exact").await.expect(200).body["total"], 2);
        let made = user.post("/records/ticket", &json!({"title": "new"})).await.expect(201);
        let path = format!("/records/ticket/{}", made.id());
        user.patch(&path, &json!({"title": "x"})).await.expect_problem(403, "forbidden");
        user.delete(&path).await.expect_problem(403, "forbidden");
        let batch = json!({"create": [{"title": "y"}], "delete": [made.id()]});
        user.post("/records/ticket/batch", &batch).await.expect_problem(403, "forbidden");
        // Of what no role names there is nothing, not even that it is there.
        user.get("/records/customer").await.expect_problem(404, "not_found");
        user.get(&format!("/records/customer/{}", desk.de)).await.expect_problem(404, "not_found");
        user.get("/records/ticket?expand=customer").await.expect_problem(422, "unknown_field");
        user.get("/records/ticket?filter=customer.name%20%3D%3D%20%22x%22").await.expect_problem(422, "unknown_field");
        for path in ["/entities", "/users", "/roles", "/groups", "/audit", "/authz/matrix"] {
            user.get(path).await.expect_problem(403, "forbidden");
        }
        let lost = user.post("/records/ticket", &json!({"title": "z", "customer": desk.de})).await;
        lost.expect_problem(422, "no_such_record");
        assert_eq!(desk.owner.get("/records/ticket?count=exact").await.expect(200).body["total"], 3);
    }

    async fn a_changed_role_bites_within_the_session(app: TestApp) {
        let desk = desk(&app).await;
        let grant = |fields: Value| json!([{"resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant", "fields": fields}]);
        let id = role(&desk.owner, "clerk", grant(json!({}))).await;
        let user = desk.owner.user("clerk").await;
        let path = format!("/records/ticket/{}", desk.de_ticket);
        assert_eq!(user.get(&path).await.expect(200).body["cost"], 10);
        user.patch(&path, &json!({"cost": 11})).await.expect(200);
        desk.owner.patch(&format!("/roles/{id}"), &json!({"grants": grant(json!({"read": ["title"], "write": ["title"]}))})).await.expect(200);
        user.patch(&path, &json!({"cost": 12})).await.expect_problem(422, "unknown_field");
        assert_eq!(user.get(&path).await.expect(200).body.get("cost"), None);
        user.get("/records/ticket?sort=cost").await.expect_problem(422, "unknown_field");
        desk.owner.patch(&format!("/roles/{id}"), &json!({"grants": []})).await.expect(200);
        user.patch(&path, &json!({"title": "x"})).await.expect_problem(404, "not_found");
        user.get(&path).await.expect_problem(404, "not_found");
    }

    async fn every_change_of_grants_moves_their_version(app: TestApp) {
        let owner = desk(&app).await.owner;
        // Other nodes know a change by it and by nothing else.
        let version = async || -> i64 {
            let rows = app.tenant_sql(&owner, "SELECT grants_version FROM insula_tenant.tenant").await;
            rows[0][0].as_deref().unwrap().parse().unwrap()
        };
        let mut last = version().await;
        let id = role(&owner, "clerk", json!([])).await;
        let group = owner.post("/groups", &json!({"code": "g", "name": "G", "roles": ["clerk"]})).await.expect(201).id().to_owned();
        assert_eq!(version().await, last + 2);
        last += 2;
        for (path, change) in [
            (format!("/groups/{group}"), Some(json!({"roles": []}))),
            (format!("/roles/{id}"), Some(json!({"name": "x"}))),
            (format!("/groups/{group}"), None),
            (format!("/roles/{id}"), None),
        ] {
            match change {
                Some(change) => owner.patch(&path, &change).await.expect(200),
                None => owner.delete(&path).await.expect(204),
            };
            last += 1;
            assert_eq!(version().await, last, "{path}");
        }
        owner.post("/roles", &json!({"code": "owner", "name": "x", "grants": []})).await.expect_problem(409, "conflict");
        assert_eq!(version().await, last);
    }

    async fn many_rules_are_one_rule(app: TestApp) {
        let desk = desk(&app).await;
        let grant = |n: usize| json!({"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "where": format!("cost == {n} && !(status == \"done\")"), "fields": {"read": ["title", if n.is_multiple_of(2) { "cost" } else { "status" }]}});
        let grants: Vec<Value> = (0..MANY).map(grant).collect();
        let user = user_with(&desk.owner, "many", json!(grants)).await;
        let shown = user.get("/records/ticket?sort=-cost,title&filter=cost%20%3E%200").await.expect(200);
        assert_eq!(shown.items().len(), 2);
        user.get("/records/ticket?expand=parent").await.expect(422);
        let more: Vec<Value> = (0..=MANY).map(grant).collect();
        let refused = desk.owner.post("/roles", &json!({"code": "x", "name": "x", "grants": more})).await;
        refused.expect_problem(422, "too_long");
    }

    async fn what_is_made_under_an_old_name_inherits_nothing(app: TestApp) {
        let owner = app.register("acme").await;
        let entity = json!({"name": "note", "fields": [{"name": "text", "type": "text"}]});
        owner.post("/entities", &entity).await.expect(201);
        let grants = json!([{"resource": "records:note", "actions": ["create", "read"], "scope": "tenant", "where": "text != \"x\""}]);
        let id = role(&owner, "writer", grants.clone()).await;
        let user = owner.user("writer").await;
        user.post("/records/note", &json!({"text": "a"})).await.expect(201);
        owner.delete("/entities/note").await.expect(204);
        owner.post("/entities", &entity).await.expect(201);
        user.get("/records/note").await.expect_problem(404, "not_found");
        user.post("/records/note", &json!({"text": "a"})).await.expect_problem(404, "not_found");
        let shown = owner.get(&format!("/roles/{id}")).await.expect(200);
        assert_eq!(shown.body["grants"], json!([]));
        let cells = owner.get("/authz/matrix").await.expect(200).body["cells"].clone();
        assert!(!cells.as_array().unwrap().iter().any(|cell| cell["role"] == "writer"), "{cells}");
        owner.patch(&format!("/roles/{id}"), &json!({"grants": grants})).await.expect(200);
        user.post("/records/note", &json!({"text": "a"})).await.expect(201);
    }
}
