//! Every way to a record keeps to the reach of a department: reading, finding, changing, and the trail.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{House, filter, titles};

/// A clerk of `sales`, a record of hers, and one of `works`.
struct Scene {
    house: House,
    clerk: Caller,
    own: String,
    other: String,
}

async fn scene(app: &TestApp) -> Scene {
    let house = House::build(app.register("acme").await).await;
    let note = json!({"name": "note", "scope": "department", "soft_delete": true, "fields": [
        {"name": "title", "type": "text"}, {"name": "number", "type": "integer"},
    ]});
    house.owner.post("/entities", &note).await.expect(201);
    let link = json!({"name": "link", "fields": [
        {"name": "title", "type": "text"},
        {"name": "note", "type": "relation", "target": "note", "on_delete": "set_null"},
        {"name": "notes", "type": "relations", "target": "note"},
    ]});
    house.owner.post("/entities", &link).await.expect(201);
    let grants = json!([
        {"resource": "records:note", "actions": ["create", "read", "update", "delete"], "scope": "department"},
        {"resource": "records:link", "actions": ["create", "read"], "scope": "tenant"},
        {"resource": "audit", "actions": ["read"], "scope": "tenant"},
    ]);
    house.role("clerk", grants).await;
    let clerk = house.user("clerk", "clerk", Some("sales")).await;
    let own = clerk.post("/records/note", &json!({"title": "own", "number": 1})).await.expect(201);
    assert_eq!(own.body["unit"], house.unit("sales"), "a record belongs to its author's unit");
    let body = json!({"title": "other", "number": 2, "unit": house.unit("works")});
    let other = house.owner.post("/records/note", &body).await.expect(201).id().to_owned();
    let own = own.id().to_owned();
    Scene { house, clerk, own, other }
}

both_stores! {
    async fn req_org_reads_keep_to_the_department(app: TestApp) {
        let Scene { house, clerk, own, other } = scene(&app).await;
        let nobody = "0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11";
        let hidden = clerk.get(&format!("/records/note/{other}")).await.expect_problem(404, "not_found");
        let absent = clerk.get(&format!("/records/note/{nobody}")).await.expect_problem(404, "not_found");
        assert_eq!(hidden.body["detail"], absent.body["detail"]);
        for query in ["", "?sort=-number", "?limit=1", &format!("?filter={}", filter("number >= 0")), "?fields=title"] {
            let page = clerk.get(&format!("/records/note{query}")).await.expect(200);
            assert_eq!(titles(page.items()), ["own"], "{query}");
            assert_eq!(page.body["next_cursor"], json!(null), "{query}");
        }
        let found = clerk.get(&format!("/records/note?count=exact&filter={}", filter("title == 'other'"))).await.expect(200);
        assert_eq!((found.items().len(), &found.body["total"]), (0, &json!(0)));
        let found = clerk.get(&format!("/records/note?filter={}", filter(&format!("unit == \"{}\"", house.unit("works"))))).await;
        assert_eq!(found.expect(200).items().len(), 0);
        // A page that somebody else began goes on with one's own rows.
        let begun = house.owner.get("/records/note?limit=1&sort=-number").await.expect(200);
        let cursor = begun.body["next_cursor"].as_str().unwrap();
        let page = clerk.get(&format!("/records/note?limit=1&sort=-number&cursor={cursor}")).await.expect(200);
        assert_eq!(titles(page.items()), ["own"]);
        // Over relations.
        let body = json!({"title": "l", "note": other, "notes": [own, other]});
        house.owner.post("/records/link", &body).await.expect(201);
        let shown = clerk.get("/records/link?expand=note,notes").await.expect(200);
        assert_eq!(shown.items()[0]["note"], json!(null));
        assert_eq!(titles(shown.items()[0]["notes"].as_array().unwrap()), ["own"]);
        let found = clerk.get(&format!("/records/link?filter={}", filter("note.title == 'other'"))).await.expect(200);
        assert_eq!(found.items().len(), 0);
        let refused = clerk.post("/records/link", &json!({"title": "x", "note": other})).await;
        refused.expect_problem(422, "no_such_record");
        // The trail shows no values where rows are limited.
        let trail = clerk.get("/audit?entity=note&limit=100").await.expect(200);
        let values = |event: &Value| event.get("before").is_some() || event.get("after").is_some() || event.get("diff").is_some();
        assert!(trail.items().iter().filter(|event| event["action"].as_str().unwrap().starts_with("record.")).all(|event| !values(event)));
    }

    async fn req_org_writes_keep_to_the_department(app: TestApp) {
        let Scene { house, clerk, own, other } = scene(&app).await;
        let (sales, works) = (house.unit("sales"), house.unit("works"));
        let path = format!("/records/note/{own}");
        // Not to be made, moved or found elsewhere.
        clerk.post("/records/note", &json!({"title": "x", "unit": works})).await.expect_problem(403, "forbidden");
        clerk.post("/records/note", &json!({"title": "x", "unit": null})).await.expect_problem(403, "forbidden");
        clerk.patch(&path, &json!({"unit": works})).await.expect_problem(403, "forbidden");
        clerk.patch(&path, &json!({"unit": null})).await.expect_problem(403, "forbidden");
        clerk.patch(&format!("/records/note/{other}"), &json!({"title": "x"})).await.expect_problem(404, "not_found");
        clerk.delete(&format!("/records/note/{other}")).await.expect_problem(404, "not_found");
        for batch in [
            json!({"create": [{"title": "x"}, {"title": "x", "unit": works}]}),
            json!({"update": [{"id": own, "unit": works}]}),
        ] {
            clerk.post("/records/note/batch", &batch).await.expect_problem(403, "forbidden");
        }
        clerk.post("/records/note/batch", &json!({"update": [{"id": other, "title": "x"}]})).await.expect_problem(404, "not_found");
        clerk.post("/records/note/batch", &json!({"delete": [other]})).await.expect_problem(404, "not_found");
        let operation = json!({"operations": [{"op": "update", "entity": "note", "id": other, "data": {"title": "x"}}]});
        clerk.post("/batch", &operation).await.expect_problem(404, "not_found");
        // Only a unit of the entity's kind, whoever writes.
        for wrong in [house.unit("north"), "0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11"] {
            let refused = house.owner.post("/records/note", &json!({"title": "x", "unit": wrong})).await;
            let refused = refused.expect_problem(422, "no_such_record");
            assert_eq!(refused.body["errors"][0]["message"], "There is no such department.");
        }
        // A whole record that does not name it stays where it is.
        let put = clerk.put(&path, &json!({"title": "put"})).await.expect(200);
        assert_eq!((&put.body["unit"], &put.body["title"]), (&json!(sales), &json!("put")));
        let batch = clerk.post("/records/note/batch", &json!({"create": [{"title": "b"}]})).await.expect(200);
        assert_eq!(batch.body["created"][0]["unit"], sales);
        // Who writes wider may move it, and then it is gone for her.
        house.owner.patch(&path, &json!({"unit": works})).await.expect(200);
        clerk.get(&path).await.expect_problem(404, "not_found");
        // Of what is deleted too.
        house.owner.delete(&path).await.expect(204);
        assert!(clerk.get("/records/note?deleted=only").await.expect(200).items().is_empty());
        clerk.post(&format!("{path}/restore"), &json!({})).await.expect_problem(404, "not_found");
    }

    async fn req_org_an_upsert_finds_only_what_its_caller_reaches(app: TestApp) {
        let Scene { house, clerk, .. } = scene(&app).await;
        house.owner.post("/entities/note/fields", &json!({"name": "code", "type": "code", "unique": true})).await.expect(201);
        let mine = clerk.post("/records/note?upsert=code", &json!({"code": "A", "title": "first"})).await.expect(201);
        let again = clerk.post("/records/note?upsert=code", &json!({"code": "A", "title": "again"})).await.expect(200);
        assert_eq!((again.id(), &again.body["title"]), (mine.id(), &json!("again")));
        let body = json!({"title": "theirs", "code": "B", "unit": house.unit("works")});
        let theirs = house.owner.post("/records/note", &body).await.expect(201);
        // Out of reach it stands in the way, and that is all that is told of it.
        let told = clerk.post("/records/note?upsert=code", &json!({"code": "B", "title": "x"})).await.expect_problem(409, "conflict");
        assert!(!told.text.contains(theirs.id()) && !told.text.contains("theirs"), "{told:?}");
        let path = format!("/records/note/{}", theirs.id());
        assert_eq!(house.owner.get(&path).await.expect(200).text, theirs.text);
    }

    async fn the_field_that_says_the_unit_stays(app: TestApp) {
        let Scene { house, .. } = scene(&app).await;
        let owner = &house.owner;
        owner.delete("/entities/note/fields/unit").await.expect_problem(409, "conflict");
        owner.patch("/entities/note/fields/unit", &json!({"name": "place"})).await.expect_problem(409, "conflict");
        let fields = json!([{"name": "unit", "type": "text"}]);
        let refused = owner.post("/entities", &json!({"name": "x", "scope": "branch", "fields": fields})).await;
        assert_eq!(refused.expect_problem(422, "out_of_range").body["errors"][0]["pointer"], "/fields/0/type");
        owner.post("/entities", &json!({"name": "x", "scope": "planet", "fields": []})).await.expect_problem(422, "out_of_range");
        let plan = owner.patch("/entities/note?dry_run=true", &json!({"scope": "tenant"})).await.expect(200);
        assert_eq!(plan.body["warnings"][0]["kind"], "widened_rights");
        // Roles that went by it reach nothing once it is gone, and a new one is refused.
        owner.patch("/entities/note", &json!({"scope": "tenant"})).await.expect(200);
        let clerk = house.user("other", "clerk", Some("sales")).await;
        clerk.get("/records/note").await.expect_problem(403, "forbidden");
        let grant = json!([{"resource": "records:note", "actions": ["read"], "scope": "branch"}]);
        let refused = owner.post("/roles", &json!({"code": "b", "name": "b", "grants": grant})).await;
        assert_eq!(refused.expect_problem(422, "out_of_range").body["errors"][0]["pointer"], "/grants/0/scope");
        // It comes back with what it held.
        let back = owner.patch("/entities/note", &json!({"scope": "department"})).await.expect(200);
        assert_eq!(back.body["scope"], "department");
        assert_eq!(titles(clerk.get("/records/note").await.expect(200).items()), ["own"]);
    }
}
