//! Groups: members have the group's roles for as long as they are in it.

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{desk, role, user_with};

both_stores! {
    async fn members_of_a_group_have_its_roles(app: TestApp) {
        let desk = desk(&app).await;
        let owner = &desk.owner;
        let user = user_with(owner, "base", json!([{"resource": "users", "actions": ["read"], "scope": "tenant"}])).await;
        role(owner, "tickets", json!([{"resource": "records:ticket", "actions": ["read"], "scope": "tenant"}])).await;
        let id = user.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
        user.get("/records/ticket").await.expect_problem(404, "not_found");

        let body = json!({"code": "desk", "name": "Desk", "members": [id], "roles": ["tickets"]});
        let made = owner.post("/groups", &body).await.expect(201);
        let path = format!("/groups/{}", made.id());
        assert_eq!(made.header("location"), format!("/api/v1{path}"));
        let mut expected = body.clone();
        expected["id"] = json!(made.id());
        assert_eq!((&made.body, &owner.get(&path).await.expect(200).body), (&expected, &expected));
        assert_eq!(owner.get("/groups").await.expect(200).items(), [expected]);
        assert_eq!(user.get("/records/ticket?count=exact").await.expect(200).body["total"], 2);
        assert_eq!(user.get("/auth/me").await.expect(200).body["roles"], json!(["base", "tickets"]));
        // A role that a group has is not removed, nor a second group made of the code.
        let roles = owner.get("/roles").await.expect(200);
        let tickets = roles.items().iter().find(|role| role["code"] == "tickets").unwrap()["id"].as_str().unwrap().to_owned();
        owner.delete(&format!("/roles/{tickets}")).await.expect_problem(409, "conflict");
        owner.post("/groups", &body).await.expect_problem(409, "conflict");

        owner.patch(&path, &json!({"members": []})).await.expect(200);
        user.get("/records/ticket").await.expect_problem(404, "not_found");
        owner.patch(&path, &json!({"members": [id], "roles": []})).await.expect(200);
        user.get("/records/ticket").await.expect_problem(404, "not_found");
        owner.patch(&path, &json!({"roles": ["tickets"]})).await.expect(200);
        user.get("/records/ticket").await.expect(200);
        owner.delete(&path).await.expect(204);
        user.get("/records/ticket").await.expect_problem(404, "not_found");
        owner.get(&path).await.expect_problem(404, "not_found");

        let events = owner.get("/audit?limit=100").await.expect(200);
        let of_groups: Vec<&Value> = events.items().iter().filter(|e| e["action"].as_str().unwrap().starts_with("group.")).collect();
        let actions: Vec<_> = of_groups.iter().map(|event| event["action"].clone()).collect();
        assert_eq!(actions, ["group.delete", "group.update", "group.update", "group.update", "group.create"]);
        assert_eq!(of_groups[4]["after"], body);
        assert_eq!(of_groups[3]["diff"], json!({"members": {"before": [id], "after": []}}));
    }

    async fn who_leaves_the_organisation_leaves_its_groups(app: TestApp) {
        let desk = desk(&app).await;
        let user = desk.owner.user("viewer").await;
        let id = user.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
        let made = desk.owner.post("/groups", &json!({"code": "g", "name": "G", "members": [id], "roles": ["editor"]})).await.expect(201);
        desk.owner.delete(&format!("/users/{id}")).await.expect(204);
        assert_eq!(desk.owner.get(&format!("/groups/{}", made.id())).await.expect(200).body["members"], json!([]));
        user.get("/auth/me").await.expect_problem(401, "unauthenticated");
    }

    async fn a_group_that_is_not_sound_is_refused(app: TestApp) {
        let owner = desk(&app).await.owner;
        let nobody = "01a20c5a-1b00-7001-8c65-6a83a146c52b";
        for (body, status, code, pointer) in [
            (json!({"name": "x"}), 422, "required", "/code"),
            (json!({"code": "x", "name": "x", "zz": 1}), 422, "unknown_field", "/zz"),
            (json!({"code": "x", "name": "x", "members": ["x"]}), 422, "invalid_format", "/members/0"),
            (json!({"code": "x", "name": "x", "members": [nobody]}), 422, "out_of_range", "/members/0"),
            (json!({"code": "x", "name": "x", "members": [nobody, nobody]}), 422, "not_unique", "/members/1"),
            (json!({"code": "x", "name": "x", "roles": ["nothing"]}), 422, "out_of_range", "/roles/0"),
        ] {
            let refused = owner.post("/groups", &body).await.expect_problem(status, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(owner.get("/groups").await.expect(200).items().len(), 0);
    }
}
