use insula_testkit::{Caller, Reply, TestApp, both_stores};
use serde_json::json;

use super::{account_of, desk, key_of, on};

const ALL: [&str; 4] = ["create", "read", "update", "delete"];

fn titles(reply: Reply) -> Vec<String> {
    let reply = reply.expect(200);
    reply.items().iter().map(|record| record["title"].as_str().unwrap().to_owned()).collect()
}

async fn give(owner: &Caller, user: &Caller, role: &str) {
    let path = format!("/users/{}", account_of(user).await);
    owner.patch(&path, &json!({"roles": [role]})).await.expect(200);
}

both_stores! {
    async fn req_b8_a_key_reaches_what_its_owner_and_its_scopes_both_reach(app: TestApp) {
        let owner = desk(&app).await;
        owner.post("/entities", &json!({"name": "note", "fields": []})).await.expect(201);
        // The owner reaches everything, and the key what it says.
        let (robot, _) = key_of(&owner, json!([on("records:ticket", &["read"])])).await;
        assert_eq!(titles(robot.get("/records/ticket").await), ["open", "done"]);
        robot.post("/records/ticket", &json!({"title": "x"})).await.expect_problem(403, "forbidden");
        robot.get("/records/note").await.expect_problem(404, "not_found");
        robot.get("/users").await.expect_problem(403, "forbidden");
        // His document, and not one that was made for somebody else with his roles.
        let of = async |caller: &Caller| caller.get("/openapi.json").await.expect(200).text;
        let (whole, part) = (of(&owner).await, of(&robot).await);
        assert!(whole.contains("createRecord_ticket") && !part.contains("createRecord_ticket"));
        assert!(part.contains("listRecords_ticket") && !part.contains("listRecords_note") && of(&owner).await == whole);

        // Rules and fields are those of the owner, whatever the key says.
        let grants = json!([{
            "resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant",
            "where": "status == \"open\"", "fields": {"read": ["title", "status"], "write": ["title"]},
        }]);
        owner.post("/roles", &json!({"code": "desk", "name": "Desk", "grants": grants})).await.expect(201);
        let clerk = owner.user("desk").await;
        let (robot, _) = key_of(&clerk, json!([on("records:ticket", &["read"])])).await;
        let seen = robot.get("/records/ticket").await.expect(200);
        assert_eq!((seen.items().len(), seen.items()[0]["title"].as_str()), (1, Some("open")));
        assert!(seen.items()[0].get("cost").is_none(), "{seen:?}");
        robot.get("/records/ticket?filter=cost%3D%3D5").await.expect_problem(422, "unknown_field");
        let path = format!("/records/ticket/{}", seen.items()[0]["id"].as_str().unwrap());
        robot.patch(&path, &json!({"title": "mine"})).await.expect_problem(403, "forbidden");
        clerk.patch(&path, &json!({"title": "mine"})).await.expect(200);
        // What its maker lacks no key is given.
        for scopes in [
            json!([on("records:ticket", &["delete"])]),
            json!([on("records:*", &["read"])]),
            json!([on("users", &["read"])]),
        ] {
            clerk.post("/api-keys", &json!({"name": "more", "scopes": scopes})).await.expect_problem(403, "forbidden");
        }
        // Somebody else's own key with the same roles and other scopes shares nothing with it.
        let (robot, _) = key_of(&clerk, json!([on("records:ticket", &["read", "update"])])).await;
        robot.patch(&path, &json!({"title": "open"})).await.expect(200);
    }

    async fn req_b8_a_key_shrinks_with_its_owner_at_once(app: TestApp) {
        let owner = desk(&app).await;
        let user = owner.user("editor").await;
        let (robot, _) = key_of(&user, json!([on("records:*", &ALL)])).await;
        let ticket = robot.post("/records/ticket", &json!({"title": "mine"})).await.expect(201).id().to_owned();
        give(&owner, &user, "viewer").await;
        robot.post("/records/ticket", &json!({"title": "x"})).await.expect_problem(403, "forbidden");
        robot.delete(&format!("/records/ticket/{ticket}")).await.expect_problem(403, "forbidden");
        robot.get(&format!("/records/ticket/{ticket}")).await.expect(200);
        // It grows again with him, and never beyond its scopes.
        give(&owner, &user, "owner").await;
        robot.delete(&format!("/records/ticket/{ticket}")).await.expect(204);
        robot.get("/users").await.expect_problem(403, "forbidden");
    }
}
