//! Nobody grants what he lacks, by whatever way.

use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{desk, role};

fn grant(resource: &str, actions: Value, more: Value) -> Value {
    let mut grant = json!({"resource": resource, "actions": actions, "scope": "tenant"});
    grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    grant
}

/// Manages roles, users and groups, and of records sees open tickets without their cost.
async fn lead(owner: &Caller) -> (Caller, String) {
    let all = json!(["create", "read", "update", "delete"]);
    let id = role(
        owner,
        "lead",
        json!([
            grant("roles", all.clone(), json!({})),
            grant("groups", all.clone(), json!({})),
            grant("users", json!(["create", "read", "update"]), json!({})),
            grant(
                "records:ticket",
                json!(["read"]),
                json!({"where": "status == \"open\"", "fields": {"read": ["title", "status", "customer"]}})
            ),
            grant("records:ticket", json!(["create"]), json!({"fields": {"write": ["title", "status"]}})),
        ]),
    )
    .await;
    (owner.user("lead").await, id)
}

both_stores! {
    async fn req_h3_nobody_puts_into_a_role_what_he_lacks(app: TestApp) {
        let desk = desk(&app).await;
        let (lead, own_role) = lead(&desk.owner).await;
        let read = |more: Value| grant("records:ticket", json!(["read"]), more);
        let open = "status == \"open\"";
        let few = json!(["title", "status"]);
        let lacks = [
            grant("users", json!(["delete"]), json!({})),
            grant("users", json!(["read", "delete"]), json!({})),
            grant("audit", json!(["read"]), json!({})),
            grant("records:*", json!(["read"]), json!({})),
            read(json!({})),
            read(json!({"fields": {"read": few}})),
            read(json!({"where": open})),
            read(json!({"where": "status == \"done\"", "fields": {"read": few}})),
            read(json!({"where": format!("{open} || title == \"x\""), "fields": {"read": few}})),
            read(json!({"where": open, "fields": {"write": []}})),
            grant("records:ticket", json!(["create"]), json!({"fields": {"read": []}})),
            grant("records:ticket", json!(["update"]), json!({"where": open, "fields": {"read": [], "write": []}})),
            grant("records:ticket", json!(["export"]), json!({"where": open, "fields": {"read": few}})),
        ];
        for wanted in &lacks {
            let body = json!({"code": "more", "name": "More", "grants": [wanted]});
            lead.post("/roles", &body).await.expect_problem(403, "forbidden");
            lead.patch(&format!("/roles/{own_role}"), &json!({"grants": [wanted]})).await.expect_problem(403, "forbidden");
        }
        // What he cannot read he cannot name: the answer could be asked for by way of the rule.
        for (more, pointer) in [
            (json!({"where": format!("{open} && cost > 5"), "fields": {"read": few}}), "/grants/0/where"),
            (json!({"where": format!("{open} && customer.country == \"DE\""), "fields": {"read": few}}), "/grants/0/where"),
            (json!({"where": open, "fields": {"read": ["cost"]}}), "/grants/0/fields/read/0"),
        ] {
            let body = json!({"code": "more", "name": "More", "grants": [read(more)]});
            let refused = lead.post("/roles", &body).await.expect_problem(422, "unknown_field");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        }
        let unknown = json!({"code": "more", "name": "More", "grants": [grant("records:customer", json!(["read"]), json!({}))]});
        lead.post("/roles", &unknown).await.expect_problem(422, "out_of_range");

        // What he has, and less, he may give on.
        for (code, given) in [
            ("a", read(json!({"where": open, "fields": {"read": few}}))),
            ("b", read(json!({"where": format!("{open} && title != \"x\""), "fields": {"read": ["title"]}}))),
            ("c", json!({"resource": "records:ticket", "actions": ["read"], "scope": "own", "where": open, "fields": {"read": few}})),
            ("d", grant("records:ticket", json!(["create"]), json!({"fields": {"write": ["title"]}}))),
            ("e", grant("users", json!(["read"]), json!({}))),
        ] {
            lead.post("/roles", &json!({"code": code, "name": code, "grants": [given]})).await.expect(201);
        }
        // And a role that holds more may still be renamed, or cut down.
        let strong = role(&desk.owner, "strong", json!([grant("audit", json!(["read"]), json!({})), grant("users", json!(["delete"]), json!({}))])).await;
        let renamed = lead.patch(&format!("/roles/{strong}"), &json!({"name": "Strong"})).await.expect(200);
        let grants = renamed.body["grants"].clone();
        lead.patch(&format!("/roles/{strong}"), &json!({"grants": [grants[0]]})).await.expect(200);
        lead.patch(&format!("/roles/{strong}"), &json!({"grants": grants})).await.expect_problem(403, "forbidden");
    }

    async fn req_h3_nobody_gives_a_role_with_what_he_lacks(app: TestApp) {
        let desk = desk(&app).await;
        let (lead, _) = lead(&desk.owner).await;
        role(&desk.owner, "weak", json!([grant("users", json!(["read"]), json!({}))])).await;
        role(&desk.owner, "strong", json!([grant("audit", json!(["read"]), json!({}))])).await;
        let me = lead.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
        let new = |roles: Value| json!({"email": "new@acme.example", "full_name": "New", "password": PASSWORD, "roles": roles});
        for code in ["viewer", "editor", "admin", "owner", "strong"] {
            lead.post("/users", &new(json!([code]))).await.expect_problem(403, "forbidden");
            lead.patch(&format!("/users/{me}"), &json!({"roles": ["lead", code]})).await.expect_problem(403, "forbidden");
            let status = if code == "owner" { (409, "conflict") } else { (403, "forbidden") };
            let group = json!({"code": "g", "name": "G", "members": [me], "roles": [code]});
            lead.post("/groups", &group).await.expect_problem(status.0, status.1);
        }
        // Nor by joining a group that has it, nor by giving it to a group one is in.
        let group = json!({"code": "g", "name": "G", "roles": ["strong"]});
        let strong = desk.owner.post("/groups", &group).await.expect(201).id().to_owned();
        let path = format!("/groups/{strong}");
        lead.patch(&path, &json!({"members": [me]})).await.expect_problem(403, "forbidden");
        let own = lead.post("/groups", &json!({"code": "own", "name": "Own", "members": [me], "roles": ["weak"]})).await.expect(201);
        lead.patch(&format!("/groups/{}", own.id()), &json!({"roles": ["weak", "strong"]})).await.expect_problem(403, "forbidden");
        lead.patch(&path, &json!({"members": [me], "roles": ["strong"]})).await.expect_problem(403, "forbidden");
        // What it has may stay while others are let go.
        lead.patch(&path, &json!({"name": "Renamed", "members": []})).await.expect(200);
        lead.get("/audit").await.expect_problem(403, "forbidden");
        assert_eq!(lead.get("/auth/me").await.expect(200).body["roles"], json!(["lead", "weak"]));
        lead.post("/users", &new(json!(["weak"]))).await.expect(201);
    }

    async fn a_role_shows_no_name_its_reader_may_not_know(app: TestApp) {
        let desk = desk(&app).await;
        let (lead, _) = lead(&desk.owner).await;
        let id = role(&desk.owner, "secretive", json!([
            grant("records:ticket", json!(["read"]), json!({"where": "cost > 5 && status == \"open\"", "fields": {"read": ["title", "cost"]}})),
        ])).await;
        let shown = lead.get(&format!("/roles/{id}")).await.expect(200);
        assert_eq!(shown.body["grants"][0]["where"], "<unknown> > 5 && status == \"open\"");
        assert_eq!(shown.body["grants"][0]["fields"], json!({"read": ["title"]}));
        for path in ["/roles", "/authz/matrix"] {
            let shown = lead.get(path).await.expect(200);
            assert!(!shown.text.contains("cost"), "{shown:?}");
        }
        assert!(desk.owner.get("/authz/matrix").await.expect(200).text.contains("cost > 5"));
    }
}
