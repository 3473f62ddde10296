//! Each kind of change, with the values before and after.

use insula_testkit::{TestApp, both_stores};
use serde_json::{Value, json};

use super::{add_field, patch_field, read, record, thing, version};

both_stores! {
    async fn names_and_labels_change_and_values_stay(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "title", "type": "text", "required": true}, {"name": "of", "type": "relation", "target": "thing"}])).await;
        let first = record(&owner, &json!({"title": "one"})).await;
        let second = record(&owner, &json!({"title": "two", "of": first})).await;
        let before = owner.get("/entities/thing").await.expect(200).body;

        let changed = owner.patch("/entities/thing", &json!({"name": "case", "label": "Case"})).await.expect(200).body;
        assert_eq!((&changed["id"], &changed["name"], &changed["label"]), (&before["id"], &json!("case"), &json!("Case")));
        assert_eq!(changed["fields"][1]["target"], "case");
        owner.get("/records/thing").await.expect_problem(404, "not_found");
        let field = owner.patch("/entities/case/fields/title", &json!({"name": "subject"})).await.expect(200).body;
        assert_eq!((&field["id"], &field["name"]), (&before["fields"][0]["id"], &json!("subject")));
        assert_eq!(field, owner.get("/entities/case").await.expect(200).body["fields"][0]);

        let found = owner.get("/records/case?filter=of.subject%20%3D%3D%20%22one%22&expand=of").await.expect(200);
        assert_eq!(found.items().len(), 1);
        assert_eq!((&found.items()[0]["id"], &found.items()[0]["of"]["subject"]), (&json!(second), &json!("one")));
        let unknown = owner.post("/records/case", &json!({"title": "x"})).await.expect_problem(422, "invalid");
        assert!(unknown.text.contains("unknown_field"), "{unknown:?}");
    }

    async fn names_change_hands(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}, {"name": "b", "type": "text"}])).await;
        let id = record(&owner, &json!({"a": "1", "b": "2"})).await;
        let mut fields = owner.get("/entities/thing").await.expect(200).body["fields"].clone();
        fields[0]["name"] = json!("b");
        fields[1]["name"] = json!("a");
        owner.patch("/entities/thing", &json!({"fields": fields})).await.expect(200);
        let now = read(&owner, &id).await;
        assert_eq!((&now["a"], &now["b"]), (&json!("2"), &json!("1")));
    }

    async fn fields_come_in_the_order_they_are_given(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}, {"name": "b", "type": "text"}, {"name": "c", "type": "text"}])).await;
        let id = record(&owner, &json!({"a": "1", "b": "2", "c": "3"})).await;
        let names = async || {
            let entity = owner.get("/entities/thing").await.expect(200).body;
            entity["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("")
        };
        patch_field(&owner, "c", json!({"position": 0})).await.expect(200);
        assert_eq!(names().await, "cab");
        add_field(&owner, json!({"name": "d", "type": "text", "position": 1})).await.expect(201);
        assert_eq!(names().await, "cdab");
        patch_field(&owner, "c", json!({"position": 3})).await.expect(200);
        assert_eq!(names().await, "dabc");
        let now = read(&owner, &id).await;
        assert_eq!((&now["a"], &now["b"], &now["c"], &now["d"]), (&json!("1"), &json!("2"), &json!("3"), &Value::Null));
        for position in [4, -1] {
            patch_field(&owner, "a", json!({"position": position})).await.expect_problem(422, "out_of_range");
        }
    }

    async fn a_new_field_gives_records_its_default(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}])).await;
        let old = record(&owner, &json!({"a": "1"})).await;
        for (kind, default) in [
            (json!({"type": "text"}), json!("x")),
            (json!({"type": "decimal", "scale": 2}), json!("1.50")),
            (json!({"type": "date"}), json!("2013-01-31")),
            (json!({"type": "datetime"}), json!("2013-01-31T10:00:00Z")),
            (json!({"type": "boolean"}), json!(true)),
            (json!({"type": "multi_choice", "options": ["a", "b"]}), json!(["b"])),
            (json!({"type": "json"}), json!({"a": [1]})),
            (json!({"type": "relation", "target": "thing"}), json!(old)),
            (json!({"type": "relations", "target": "thing"}), json!([old])),
        ] {
            for required in [false, true] {
                let mut field = kind.clone();
                field["name"] = json!("more");
                field["default"] = default.clone();
                field["required"] = json!(required && kind["type"] != "relations");
                let made = add_field(&owner, field).await.expect(201);
                assert_eq!(read(&owner, &old).await["more"], default, "{kind}");
                let new = record(&owner, &json!({"a": "2"})).await;
                assert_eq!(read(&owner, &new).await["more"], default, "{kind}");
                assert_eq!(made.header("location"), "/api/v1/entities/thing");
                owner.delete(&format!("/records/thing/{new}")).await.expect(204);
                owner.delete("/entities/thing/fields/more").await.expect(204);
                assert_eq!(read(&owner, &old).await.get("more"), None);
            }
        }
    }

    async fn a_required_field_needs_a_default_only_where_records_are(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([])).await;
        add_field(&owner, json!({"name": "a", "type": "text", "required": true})).await.expect(201);
        owner.post("/records/thing", &json!({})).await.expect_problem(422, "required");
        record(&owner, &json!({"a": "1"})).await;
        let refused = add_field(&owner, json!({"name": "b", "type": "text", "required": true})).await;
        assert!(refused.expect_problem(409, "conflict").text.contains("`default`"));
        let nowhere = json!({"name": "b", "type": "relation", "target": "thing", "default": "0190f4a2-0000-7000-8000-000000000001"});
        add_field(&owner, nowhere).await.expect_problem(409, "conflict");
    }

    async fn numbers_are_given_to_what_is_there(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}])).await;
        let mut ids = Vec::new();
        for i in 0..3 {
            ids.push(record(&owner, &json!({"a": i.to_string()})).await);
        }
        add_field(&owner, json!({"name": "number", "type": "auto_number"})).await.expect(201);
        ids.push(record(&owner, &json!({})).await);
        for (number, id) in (1..).zip(&ids) {
            assert_eq!(read(&owner, id).await["number"], number);
        }
        // As a plain number it is written by hand, and still unique.
        patch_field(&owner, "number", json!({"type": "integer"})).await.expect(200);
        let taken = owner.post("/records/thing", &json!({"number": 4})).await;
        taken.expect_problem(409, "conflict");
        let five = record(&owner, &json!({"number": 5})).await;
        assert_eq!(read(&owner, &five).await["number"], 5);
    }

    async fn a_dropped_field_leaves_nothing_to_another_of_its_name(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text", "unique": true}, {"name": "links", "type": "relations", "target": "thing"}])).await;
        let id = record(&owner, &json!({"a": "1"})).await;
        owner.patch(&format!("/records/thing/{id}"), &json!({"links": [id]})).await.expect(200);
        for field in ["a", "links"] {
            let before = owner.get("/entities/thing").await.expect(200).body;
            let was = before["fields"].as_array().unwrap().iter().find(|f| f["name"] == field).unwrap().clone();
            owner.delete(&format!("/entities/thing/fields/{field}")).await.expect(204);
            owner.delete(&format!("/entities/thing/fields/{field}")).await.expect_problem(404, "not_found");
            let mut again = was.clone();
            again.as_object_mut().unwrap().remove("id");
            let made = add_field(&owner, again).await.expect(201).body;
            assert_ne!(made["id"], was["id"]);
        }
        let now = read(&owner, &id).await;
        assert_eq!((&now["a"], &now["links"]), (&Value::Null, &json!([])));
    }

    async fn what_a_field_was_part_of_goes_with_it(app: TestApp) {
        let owner = app.register("acme").await;
        let fields = json!([{"name": "a", "type": "text"}, {"name": "b", "type": "text"}, {"name": "c", "type": "text"}]);
        let entity = json!({"name": "thing", "fields": fields, "title_field": "a", "unique": [["a", "b"], ["b", "c"]]});
        owner.post("/entities", &entity).await.expect(201);
        owner.delete("/entities/thing/fields/a").await.expect(204);
        let now = owner.get("/entities/thing").await.expect(200).body;
        assert_eq!((&now["title_field"], &now["unique"]), (&Value::Null, &json!([["b", "c"]])));
        record(&owner, &json!({"b": "1", "c": "1"})).await;
        owner.post("/records/thing", &json!({"b": "1", "c": "1"})).await.expect_problem(409, "conflict");
    }

    async fn rules_are_drawn_tighter_and_looser(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text", "max_length": 10}, {"name": "n", "type": "integer", "indexed": true}])).await;
        let id = record(&owner, &json!({"a": "12345", "n": 5})).await;
        patch_field(&owner, "a", json!({"max_length": 5, "min_length": 2, "required": true})).await.expect(200);
        owner.post("/records/thing", &json!({"a": "123456"})).await.expect_problem(422, "too_long");
        owner.post("/records/thing", &json!({"n": 1})).await.expect_problem(422, "required");
        patch_field(&owner, "a", json!({"required": false, "max_length": 6, "unique": true})).await.expect(200);
        record(&owner, &json!({"n": 1})).await;
        owner.post("/records/thing", &json!({"a": "12345"})).await.expect_problem(409, "conflict");
        patch_field(&owner, "a", json!({"unique": false})).await.expect(200);
        record(&owner, &json!({"a": "12345"})).await;
        patch_field(&owner, "n", json!({"min": 0, "max": 5, "indexed": false})).await.expect(200);
        owner.post("/records/thing", &json!({"n": 6})).await.expect_problem(422, "out_of_range");
        patch_field(&owner, "n", json!({"min": null})).await.expect(200);
        record(&owner, &json!({"n": -6})).await;
        assert_eq!(read(&owner, &id).await["a"], "12345");
    }

    async fn a_record_that_breaches_two_keys_is_refused_for_the_older(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text", "unique": true}, {"name": "b", "type": "text"}])).await;
        record(&owner, &json!({"a": "1", "b": "1"})).await;
        patch_field(&owner, "b", json!({"unique": true})).await.expect(200);
        let pointer = async || {
            let refused = owner.post("/records/thing", &json!({"a": "1", "b": "1"})).await.expect_problem(409, "conflict");
            refused.body["errors"][0]["pointer"].as_str().unwrap().to_owned()
        };
        assert_eq!(pointer().await, "/a");
        // The older one is made again with another column, and stays the older one.
        patch_field(&owner, "a", json!({"type": "long_text"})).await.expect_problem(422, "out_of_range");
        patch_field(&owner, "a", json!({"type": "integer"})).await.expect(200);
        let refused = owner.post("/records/thing", &json!({"a": 1, "b": "1"})).await.expect_problem(409, "conflict");
        assert_eq!(refused.body["errors"][0]["pointer"], "/a");
        patch_field(&owner, "b", json!({"position": 0})).await.expect(200);
        let refused = owner.post("/records/thing", &json!({"a": 1, "b": "1"})).await.expect_problem(409, "conflict");
        assert_eq!(refused.body["errors"][0]["pointer"], "/a");
    }

    async fn what_a_deletion_does_changes_with_the_relation(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "of", "type": "relation", "target": "thing"}])).await;
        let parent = record(&owner, &json!({})).await;
        let child = record(&owner, &json!({"of": parent})).await;
        owner.delete(&format!("/records/thing/{parent}")).await.expect_problem(409, "conflict");
        patch_field(&owner, "of", json!({"on_delete": "set_null"})).await.expect(200);
        owner.delete(&format!("/records/thing/{parent}")).await.expect(204);
        assert_eq!(read(&owner, &child).await["of"], Value::Null);
        patch_field(&owner, "of", json!({"on_delete": "cascade"})).await.expect(200);
        let grandchild = record(&owner, &json!({"of": child})).await;
        owner.delete(&format!("/records/thing/{child}")).await.expect(204);
        owner.get(&format!("/records/thing/{grandchild}")).await.expect_problem(404, "not_found");
    }

    async fn others_go_on_referring_to_what_is_made_anew(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}, {"name": "of", "type": "relation", "target": "thing", "on_delete": "cascade"}])).await;
        let fields = json!([
            {"name": "thing", "type": "relation", "target": "thing", "on_delete": "cascade"},
            {"name": "things", "type": "relations", "target": "thing"},
        ]);
        owner.post("/entities", &json!({"name": "other", "fields": fields})).await.expect(201);
        let first = record(&owner, &json!({"a": "1"})).await;
        let second = record(&owner, &json!({"a": "2", "of": first})).await;
        let other = owner.post("/records/other", &json!({"thing": second, "things": [first, second]})).await.expect(201);
        patch_field(&owner, "a", json!({"required": true})).await.expect(200);
        patch_field(&owner, "a", json!({"type": "integer"})).await.expect(200);
        let path = format!("/records/other/{}", other.id());
        let now = owner.get(&path).await.expect(200).body;
        assert_eq!((&now["thing"], now["things"].as_array().unwrap().len()), (&json!(second), 2));
        assert_eq!(read(&owner, &second).await["of"], json!(first));
        let nowhere = json!({"thing": "0190f4a2-0000-7000-8000-000000000001"});
        owner.post("/records/other", &nowhere).await.expect_problem(422, "no_such_record");
        // The references still do what they say.
        owner.delete(&format!("/records/thing/{first}")).await.expect(204);
        owner.get(&path).await.expect_problem(404, "not_found");
        assert_eq!(owner.get("/records/thing").await.expect(200).items().len(), 0);
    }

    async fn every_change_is_a_version_with_its_event(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([{"name": "a", "type": "text"}])).await;
        let start = version(&owner).await;
        patch_field(&owner, "a", json!({"name": "b", "label": "B"})).await.expect(200);
        assert_eq!(version(&owner).await, start + 1);
        // What changes nothing is no version.
        patch_field(&owner, "b", json!({"name": "b"})).await.expect(200);
        owner.patch("/entities/thing", &json!({})).await.expect(200);
        assert_eq!(version(&owner).await, start + 1);
        owner.delete("/entities/thing/fields/b").await.expect(204);
        let events = owner.get("/audit?action=entity.update").await.expect(200);
        assert_eq!(events.items().len(), 2);
        let fields = |event: &Value, side: &str| event[side]["fields"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect::<Vec<_>>();
        assert_eq!((fields(&events.items()[1], "before"), fields(&events.items()[1], "after")), (vec![json!("a")], vec![json!("b")]));
        assert_eq!(fields(&events.items()[0], "after"), Vec::<Value>::new());

        let history = owner.get("/schema/history").await.expect(200);
        let told: Vec<(i64, Vec<&str>)> = history.items().iter().map(|item| {
            let steps = item["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
            (item["version"].as_i64().unwrap(), steps)
        }).collect();
        assert_eq!(told, [
            (start + 2, vec!["drop_field"]),
            (start + 1, vec!["rename_field", "alter_field"]),
            (start, vec!["create_entity"]),
        ]);
        let me = owner.get("/auth/me").await.expect(200).body["account"]["id"].clone();
        assert!(history.items().iter().all(|item| item["account_id"] == me && item["id"].is_string()));
        let page = owner.get("/schema/history?limit=1").await.expect(200);
        assert_eq!(page.items()[0]["version"], start + 2);
        let next = page.body["next_cursor"].as_str().unwrap();
        let page = owner.get(&format!("/schema/history?limit=1&cursor={next}")).await.expect(200);
        assert_eq!(page.items()[0]["version"], start + 1);
        owner.get("/schema/history?version=1").await.expect_problem(422, "unknown_parameter");
    }

    async fn a_field_is_added_once_for_one_key(app: TestApp) {
        let owner = app.register("acme").await;
        thing(&owner, json!([])).await;
        let add = async |name: &str| {
            let request = owner.request(reqwest::Method::POST, "/entities/thing/fields").header("idempotency-key", "k");
            owner.send(request.json(&json!({"name": name, "type": "text"}))).await
        };
        let first = add("a").await.expect(201);
        let again = add("a").await.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
        add("b").await.expect_problem(422, "idempotency_key_reused");
        assert_eq!(owner.get("/entities/thing").await.expect(200).body["fields"].as_array().unwrap().len(), 1);
    }
}
