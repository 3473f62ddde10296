//! Entities that keep what is deleted beside those that do not: what goes for good takes along what cannot be without it.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{add, delete, events, ids, restore};

/// Whether `a` keeps deleted records, whether `b` does, and how the relation from `b` to `a` is.
async fn pair(app: &TestApp, code: &str, keeps: [bool; 2], relation: Value) -> (Caller, String, String) {
    let owner = app.register(code).await;
    owner.post("/entities", &json!({"name": "a", "soft_delete": keeps[0], "fields": []})).await.expect(201);
    let mut field = json!({"name": "to", "type": "relation", "target": "a"});
    field.as_object_mut().unwrap().extend(relation.as_object().unwrap().clone());
    owner.post("/entities", &json!({"name": "b", "soft_delete": keeps[1], "fields": [field]})).await.expect(201);
    let a = add(&owner, "a", json!({})).await;
    let b = add(&owner, "b", json!({"to": a})).await;
    (owner, a, b)
}

both_stores! {
    async fn what_is_marked_takes_along_each_in_its_own_way(app: TestApp) {
        let (owner, a, b) = pair(&app, "one", [true, false], json!({"on_delete": "cascade"})).await;
        delete(&owner, "a", &a).await;
        assert_eq!(events(&owner, &b).await, ["record.create", "record.delete"]);
        restore(&owner, "b", &b).await.expect_problem(404, "not_found");
        restore(&owner, "a", &a).await.expect(200);
        let (owner, a, b) = pair(&app, "two", [true, true], json!({"on_delete": "cascade", "required": true})).await;
        delete(&owner, "a", &a).await;
        restore(&owner, "b", &b).await.expect_problem(409, "conflict");
        restore(&owner, "a", &a).await.expect(200);
        restore(&owner, "b", &b).await.expect(200);
    }

    async fn what_goes_for_good_takes_along_what_cannot_be_without_it(app: TestApp) {
        // Living: removed with it.
        let (owner, a, b) = pair(&app, "one", [false, true], json!({"on_delete": "cascade"})).await;
        delete(&owner, "a", &a).await;
        assert_eq!(events(&owner, &b).await, ["record.create", "record.delete"]);
        restore(&owner, "b", &b).await.expect_problem(404, "not_found");
        // Deleted before: held on to nothing, and is purged.
        for (code, relation, purged) in [
            ("two", json!({"on_delete": "cascade"}), true),
            ("third", json!({"on_delete": "restrict", "required": true}), true),
            ("four", json!({"on_delete": "restrict"}), false),
            ("five", json!({"on_delete": "set_null"}), false),
        ] {
            let (owner, a, b) = pair(&app, code, [false, true], relation.clone()).await;
            delete(&owner, "b", &b).await;
            delete(&owner, "a", &a).await;
            let last = events(&owner, &b).await.pop().unwrap();
            if purged {
                assert_eq!(last, "record.purge", "{relation}");
                restore(&owner, "b", &b).await.expect_problem(404, "not_found");
            } else {
                assert_eq!(last, "record.update", "{relation}");
                assert_eq!(restore(&owner, "b", &b).await.expect(200).body["to"], Value::Null);
            }
            assert_eq!(ids(&owner, "a", "").await.len(), 0);
        }
        // A living one holds it.
        let (owner, a, _) = pair(&app, "six", [false, true], json!({"on_delete": "restrict"})).await;
        owner.delete(&format!("/records/a/{a}")).await.expect_problem(409, "conflict");
    }

    async fn a_chain_of_both_kinds_ends_well(app: TestApp) {
        let owner = app.register("acme").await;
        let to = |name: &str, target: &str, on_delete: &str| json!({"name": name, "type": "relation", "target": target, "on_delete": on_delete});
        let mut required = to("hard", "hard", "restrict");
        required["required"] = json!(true);
        for (name, keeps, fields) in [
            ("root", true, json!([])),
            ("hard", false, json!([to("root", "root", "cascade")])),
            // Goes with the root and would hold on to what is removed.
            ("loose", true, json!([to("root", "root", "cascade"), to("hard", "hard", "restrict")])),
            ("tight", true, json!([to("root", "root", "cascade"), required])),
            // Was marked first and is removed since what it belongs to is.
            ("leaf", true, json!([to("root", "root", "cascade"), to("tight", "tight", "cascade")])),
        ] {
            owner.post("/entities", &json!({"name": name, "soft_delete": keeps, "fields": fields})).await.expect(201);
        }
        let root = add(&owner, "root", json!({})).await;
        let hard = add(&owner, "hard", json!({"root": root})).await;
        let loose = add(&owner, "loose", json!({"root": root, "hard": hard})).await;
        let tight = add(&owner, "tight", json!({"root": root, "hard": hard})).await;
        let leaf = add(&owner, "leaf", json!({"root": root, "tight": tight})).await;
        delete(&owner, "root", &root).await;
        restore(&owner, "root", &root).await.expect(200);
        let back = restore(&owner, "loose", &loose).await.expect(200);
        assert_eq!((&back.body["root"], &back.body["hard"]), (&json!(root), &Value::Null));
        for (entity, id) in [("hard", &hard), ("tight", &tight), ("leaf", &leaf)] {
            restore(&owner, entity, id).await.expect_problem(404, "not_found");
            assert_eq!(events(&owner, id).await, ["record.create", "record.delete"], "{entity}");
        }
    }
}
