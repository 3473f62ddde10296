//! Fields that name a member of the tenant.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::json;

use super::filter;

both_stores! {
    async fn a_user_is_an_active_member(app: TestApp) {
        let owner = app.register("user").await;
        let editor = owner.user("editor").await;
        let stranger = app.register("other").await;
        let id = async |caller: &Caller| {
            let me = caller.get("/auth/me").await.expect(200);
            me.body["account"]["id"].as_str().unwrap().to_owned()
        };
        let (me, other, foreign) = (id(&owner).await, id(&editor).await, id(&stranger).await);
        let fields = json!([{"name": "owner", "type": "user", "indexed": true}, {"name": "title", "type": "text"}]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let mine = owner.post("/records/thing", &json!({"owner": me})).await.expect(201);
        assert_eq!(mine.body["owner"], me);
        owner.post("/records/thing", &json!({"owner": other})).await.expect(201);
        let nobody = "0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11";
        let told = |reply: insula_testkit::Reply| {
            let reply = reply.expect_problem(422, "no_such_record");
            reply.body["errors"].clone()
        };
        let refused = told(owner.post("/records/thing", &json!({"owner": foreign})).await);
        assert_eq!(refused, told(owner.post("/records/thing", &json!({"owner": nobody})).await));
        assert_eq!(refused[0]["pointer"], "/owner");
        owner.post("/records/thing", &json!({"owner": "ada"})).await.expect_problem(422, "invalid_format");
        let path = format!("/records/thing/{}", mine.id());
        told(owner.patch(&path, &json!({"owner": foreign})).await);
        let batch = json!({"create": [{"owner": me}, {"owner": nobody}]});
        let refused = told(owner.post("/records/thing/batch", &batch).await);
        assert_eq!(refused[0]["pointer"], "/create/1/owner");

        let found = editor.get(&format!("/records/thing?filter={}", filter("owner == caller.id"))).await.expect(200);
        assert_eq!(found.items().len(), 1);
        assert_eq!(found.items()[0]["owner"], other);
        owner.get("/records/thing?expand=owner").await.expect_problem(422, "not_supported");
        owner.get("/records/thing?sort=owner").await.expect(200);

        owner.patch(&format!("/users/{other}"), &json!({"active": false})).await.expect(200);
        told(owner.patch(&path, &json!({"owner": other})).await);
        // What names him already stays as it is.
        let kept = owner.get(&format!("/records/thing?filter={}", filter(&format!("owner == \"{other}\"")))).await;
        assert_eq!(kept.expect(200).items().len(), 1);
    }

    async fn a_user_who_has_left_stays_named(app: TestApp) {
        let owner = app.register("left").await;
        let editor = owner.user("editor").await;
        let me = editor.get("/auth/me").await.expect(200);
        let id = me.body["account"]["id"].as_str().unwrap();
        let fields = json!([
            {"name": "agent", "type": "user", "required": true, "unique": true}, {"name": "title", "type": "text"},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let made = owner.post("/records/thing", &json!({"agent": id})).await.expect(201);
        let path = format!("/records/thing/{}", made.id());
        owner.delete(&format!("/users/{id}")).await.expect(204);
        owner.get(&format!("/users/{id}")).await.expect(404);

        assert_eq!(owner.get(&path).await.expect(200).text, made.text);
        let found = owner.get(&format!("/records/thing?filter={}", filter(&format!("agent == \"{id}\"")))).await;
        assert_eq!(found.expect(200).items().len(), 1);
        // He stays where he is, and comes nowhere anew.
        let changed = owner.patch(&path, &json!({"agent": id, "title": "a"})).await.expect(200);
        assert_eq!((&changed.body["agent"], &changed.body["version"]), (&json!(id), &json!(2)));
        let put = owner.put(&path, &json!({"agent": id, "title": "b"})).await.expect(200);
        assert_eq!(put.body["agent"], id);
        let upsert = owner.post("/records/thing?upsert=agent", &json!({"agent": id, "title": "c"})).await.expect(200);
        assert_eq!((upsert.id(), &upsert.body["title"]), (made.id(), &json!("c")));
        owner.delete(&path).await.expect(204);
        let refused = owner.post("/records/thing", &json!({"agent": id})).await.expect_problem(422, "no_such_record");
        assert_eq!(refused.body["errors"][0]["pointer"], "/agent");
    }
}
