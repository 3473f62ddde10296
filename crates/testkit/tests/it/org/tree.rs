//! The tree itself: three levels, and nothing in it goes while something rests on it.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{House, account};

both_stores! {
    async fn units_are_made_shown_changed_and_removed(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        let owner = &house.owner;
        let path = format!("/org/branches/{}", house.unit("north"));
        let shown = owner.get(&path).await.expect(200);
        let expected = json!({"id": house.unit("north"), "kind": "branch", "parent": house.unit("acme"), "code": "north",
            "name": "north", "attributes": {"region": "of north"}});
        assert_eq!(shown.body, expected);
        let listed = owner.get("/org/branches").await.expect(200);
        let names: Vec<_> = listed.items().iter().map(|unit| unit["name"].clone()).collect();
        assert_eq!(names, ["north", "south"]);

        let changed = owner.patch(&path, &json!({"name": "North", "code": null, "parent": house.unit("other")})).await.expect(200);
        assert_eq!((&changed.body["name"], &changed.body["code"]), (&json!("North"), &json!(null)));
        assert_eq!(changed.body["parent"], house.unit("other"));
        assert_eq!(owner.get(&path).await.expect(200).body, changed.body);
        // By another kind there is no such unit.
        owner.get(&path.replace("branches", "companies")).await.expect_problem(404, "not_found");
        owner.get(&path.replace("branches", "teams")).await.expect_problem(404, "not_found");

        let events = owner.get("/audit?limit=3").await.expect(200);
        assert_eq!(events.items()[0]["action"], "org.update");
        assert_eq!(events.items()[0]["diff"]["name"], json!({"before": "north", "after": "North"}));
    }

    async fn nothing_goes_while_something_rests_on_it(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        let owner = &house.owner;
        let entity = json!({"name": "note", "soft_delete": true, "fields": [{"name": "place", "type": "unit"}]});
        owner.post("/entities", &entity).await.expect(201);
        let path = |name: &str, kind: &str| format!("/org/{kind}/{}", house.unit(name));
        owner.delete(&path("north", "branches")).await.expect_problem(409, "conflict");
        // A user.
        let user = house.user("ada", "viewer", Some("fleet")).await;
        owner.delete(&path("fleet", "departments")).await.expect_problem(409, "conflict");
        house.place(&user, None).await;
        // A record, a deleted one too.
        let note = owner.post("/records/note", &json!({"place": house.unit("fleet")})).await.expect(201);
        owner.delete(&path("fleet", "departments")).await.expect_problem(409, "conflict");
        owner.delete(&format!("/records/note/{}", note.id())).await.expect(204);
        owner.delete(&path("fleet", "departments")).await.expect_problem(409, "conflict");
        owner.post(&format!("/records/note/{}/restore", note.id()), &json!({})).await.expect(200);
        owner.patch(&format!("/records/note/{}", note.id()), &json!({"place": null})).await.expect(200);
        owner.delete(&path("fleet", "departments")).await.expect(204);
        owner.delete(&path("south", "branches")).await.expect(204);
        owner.get(&path("south", "branches")).await.expect_problem(404, "not_found");
        // What is gone is no unit.
        let gone = owner.post("/records/note", &json!({"place": house.unit("fleet")})).await.expect_problem(422, "no_such_record");
        assert_eq!(gone.body["errors"][0]["pointer"], "/place");
        let id = account(&user).await;
        owner.patch(&format!("/users/{id}"), &json!({"unit": house.unit("fleet")})).await.expect_problem(422, "out_of_range");
    }

    async fn a_unit_that_is_not_sound_is_refused(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        let (company, branch) = (house.unit("acme"), house.unit("north"));
        let stranger = House::build(app.register("beta").await).await;
        for (kind, body, code, pointer) in [
            ("companies", json!({}), "required", "/name"),
            ("companies", json!({"name": "x", "parent": company}), "unknown_field", "/parent"),
            ("branches", json!({"name": "x"}), "required", "/parent"),
            ("branches", json!({"name": "x", "parent": branch}), "out_of_range", "/parent"),
            ("departments", json!({"name": "x", "parent": company}), "out_of_range", "/parent"),
            ("branches", json!({"name": "x", "parent": stranger.unit("acme")}), "out_of_range", "/parent"),
            ("branches", json!({"name": "x", "parent": "acme"}), "invalid_format", "/parent"),
            ("companies", json!({"name": "x", "attributes": {"name": "y"}}), "invalid_format", "/attributes/name"),
            ("companies", json!({"name": "x", "attributes": {"a": 1}}), "invalid_type", "/attributes/a"),
            ("companies", json!({"name": "x", "zz": 1}), "unknown_field", "/zz"),
        ] {
            let refused = house.owner.post(&format!("/org/{kind}"), &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        let taken = house.owner.post("/org/companies", &json!({"name": "x", "code": "north"})).await.expect_problem(409, "conflict");
        assert_eq!(taken.body["errors"][0], json!({"pointer": "/code", "code": "not_unique", "message": "Another unit has this code."}));
    }
}
