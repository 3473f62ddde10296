//! Users in the tree: who may move them, and that a move bites at once.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{House, account, titles};

both_stores! {
    async fn a_move_changes_what_somebody_sees_at_once(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        house.owner.post("/entities", &json!({"name": "note", "scope": "department", "fields": [{"name": "title", "type": "text"}]})).await.expect(201);
        for unit in ["sales", "works"] {
            house.owner.post("/records/note", &json!({"title": unit, "unit": house.unit(unit)})).await.expect(201);
        }
        let grant = |scope: &str| json!([{"resource": "records:note", "actions": ["read"], "scope": scope}]);
        house.role("desk", grant("department")).await;
        house.role("head", grant("branch")).await;
        let user = house.user("ada", "desk", Some("sales")).await;
        let head = house.user("bob", "head", Some("north")).await;
        let seen = async |user: &insula_testkit::Caller| titles(user.get("/records/note").await.expect(200).items());
        assert_eq!((seen(&user).await, seen(&head).await), (vec!["sales".to_owned()], vec!["sales".to_owned(), "works".to_owned()]));
        let me = user.get("/auth/me").await.expect(200);
        assert_eq!((&me.body["unit"]["id"], &me.body["unit"]["kind"]), (&json!(house.unit("sales")), &json!("department")));
        house.place(&user, Some("works")).await;
        assert_eq!(seen(&user).await, ["works"]);
        house.place(&user, None).await;
        assert!(seen(&user).await.is_empty());
        assert_eq!(user.get("/auth/me").await.expect(200).body["unit"], json!(null));
        // The tree moves under him.
        let path = format!("/org/departments/{}", house.unit("works"));
        house.owner.patch(&path, &json!({"parent": house.unit("south")})).await.expect(200);
        assert_eq!(seen(&head).await, ["sales"]);
        // The trail tells of it.
        let events = house.owner.get("/audit?action=user.update&limit=1").await.expect(200);
        assert_eq!(events.items()[0]["diff"], json!({"unit": {"before": house.unit("works"), "after": null}}));
    }

    async fn nobody_moves_another_to_see_more_than_himself(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        house.owner.post("/entities", &json!({"name": "note", "scope": "department", "fields": [{"name": "title", "type": "text"}]})).await.expect(201);
        let administers = json!({"resource": "users", "actions": ["read", "create", "update"], "scope": "tenant"});
        let reads = |scope: &str| json!({"resource": "records:note", "actions": ["read"], "scope": scope});
        house.role("desk", json!([administers, reads("department")])).await;
        house.role("plain", json!([administers])).await;
        house.role("wide", json!([administers, reads("tenant")])).await;
        let desk = house.user("desk", "desk", Some("sales")).await;
        let plain = house.user("plain", "plain", None).await;
        let wide = house.user("wide", "wide", None).await;
        let other = house.user("other", "desk", Some("works")).await;
        let place = |id: String| (format!("/users/{id}"), json!({"unit": house.unit("works")}));
        // Neither himself nor another, whose role would reach what he does not.
        for mover in [&desk, &plain] {
            let (path, body) = place(account(&desk).await);
            mover.patch(&path, &body).await.expect_problem(403, "forbidden");
        }
        // Who has no such role may be moved, and who sees it all may move.
        let (path, body) = place(account(&plain).await);
        desk.patch(&path, &body).await.expect(200);
        let (path, body) = place(account(&desk).await);
        wide.patch(&path, &body).await.expect(200);
        // Nor is the role given by who has it himself for his own department alone.
        let new = |name: &str| json!({"email": format!("{name}@acme.example"), "full_name": name, "password": insula_testkit::caller::PASSWORD,
            "roles": ["desk"], "unit": house.unit("sales")});
        desk.post("/users", &new("one")).await.expect_problem(403, "forbidden");
        let made = wide.post("/users", &new("two")).await.expect(201);
        assert_eq!(made.body["unit"], house.unit("sales"));
        let shown = other.get(&format!("/users/{}", made.id())).await.expect(200);
        assert_eq!(shown.body, made.body);
    }
}
