//! Every scope of a grant against every place of its holder and every scope of an entity, with the answer reckoned here.

use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{House, UNITS, account, at, filter, is_within, titles};

const SCOPES: [(&str, &str); 3] = [("company", "companies"), ("branch", "branches"), ("department", "departments")];

both_stores! {
    async fn a_grant_reaches_what_its_holder_stands_over(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        for (scope, kind) in SCOPES {
            let entity = json!({"name": format!("of_{scope}"), "scope": scope, "fields": [{"name": "title", "type": "text"}]});
            let made = house.owner.post("/entities", &entity).await.expect(201);
            assert_eq!(made.body["scope"], scope);
            assert_eq!(made.body["fields"][1]["type"], "unit");
            for (unit, ..) in UNITS.iter().filter(|(_, of, _)| *of == kind) {
                house.owner.post(&format!("/records/of_{scope}"), &json!({"title": unit, "unit": house.unit(unit)})).await.expect(201);
            }
            house.owner.post(&format!("/records/of_{scope}"), &json!({"title": "nowhere"})).await.expect(201);
        }
        let user = house.owner.user("viewer").await;
        let id = account(&user).await;
        for (reach, above) in SCOPES.into_iter().chain([("tenant", ""), ("own", "")]) {
            house.role(reach, json!([{"resource": "records:*", "actions": ["read", "admin"], "scope": reach}])).await;
            house.owner.patch(&format!("/users/{id}"), &json!({"roles": [reach]})).await.expect(200);
            for place in UNITS.map(|(unit, ..)| Some(unit)).into_iter().chain([None]) {
                house.place(&user, place).await;
                for (scope, kind) in SCOPES {
                    let all = UNITS.iter().filter(|(_, of, _)| *of == kind).map(|(unit, ..)| *unit);
                    let mut expected: Vec<&str> = match reach {
                        "tenant" => all.chain(["nowhere"]).collect(),
                        "own" => Vec::new(),
                        _ => {
                            let over = place.and_then(|place| at(place, above));
                            all.filter(|unit| over.is_some_and(|over| is_within(unit, over))).collect()
                        }
                    };
                    expected.sort_unstable();
                    let answer = user.get(&format!("/records/of_{scope}?count=exact")).await.expect(200);
                    assert_eq!(titles(answer.items()), expected, "{reach} at {place:?} in {scope}");
                    assert_eq!(answer.body["total"], expected.len(), "{reach} at {place:?} in {scope}");
                }
            }
        }
    }

    async fn what_is_given_on_all_records_keeps_to_the_entitys_own_scope(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        let field = json!([{"name": "title", "type": "text"}]);
        for (name, scope) in [("note", "department"), ("diary", "own"), ("news", "tenant")] {
            house.owner.post("/entities", &json!({"name": name, "scope": scope, "fields": field})).await.expect(201);
        }
        let editor = house.user("ada", "editor", Some("sales")).await;
        let other = house.user("bob", "editor", Some("works")).await;
        for (user, title) in [(&editor, "a"), (&other, "b")] {
            for entity in ["note", "diary", "news"] {
                user.post(&format!("/records/{entity}"), &json!({"title": title})).await.expect(201);
            }
        }
        for (entity, seen) in [("note", vec!["a"]), ("diary", vec!["a"]), ("news", vec!["a", "b"])] {
            assert_eq!(titles(editor.get(&format!("/records/{entity}")).await.expect(200).items()), seen, "{entity}");
            assert_eq!(titles(house.owner.get(&format!("/records/{entity}")).await.expect(200).items()), ["a", "b"]);
        }
    }

    async fn rules_ask_for_the_callers_units(app: TestApp) {
        let house = House::build(app.register("acme").await).await;
        let entity = json!({"name": "note", "fields": [{"name": "title", "type": "text"}, {"name": "region", "type": "text"}]});
        house.owner.post("/entities", &entity).await.expect(201);
        for (title, region) in [("n", json!("of north")), ("s", json!("of south")), ("none", json!(null))] {
            house.owner.post("/records/note", &json!({"title": title, "region": region})).await.expect(201);
        }
        let rule = |code: &str, rule: &str| (code.to_owned(), json!([{"resource": "records:note", "actions": ["read"], "scope": "tenant", "where": rule}]));
        for (code, grants) in [
            rule("region", "record.region == caller.branch.region"),
            rule("code", "title == 'n' && caller.branch.code == 'north'"),
            rule("mistyped", "record.region == caller.branch.regoin"),
            rule("not", "record.region != caller.branch.region"),
        ] {
            house.role(&code, grants).await;
        }
        let user = house.owner.user("viewer").await;
        let id = account(&user).await;
        for (role, place, expected) in [
            ("region", Some("sales"), vec!["n"]),
            ("region", Some("south"), vec!["s"]),
            ("region", Some("acme"), vec![]),
            ("region", None, vec![]),
            ("code", Some("works"), vec!["n"]),
            ("code", Some("fleet"), vec![]),
            ("mistyped", Some("north"), vec![]),
            ("not", Some("north"), vec!["none", "s"]),
            ("not", None, vec![]),
        ] {
            house.owner.patch(&format!("/users/{id}"), &json!({"roles": [role]})).await.expect(200);
            house.place(&user, place).await;
            assert_eq!(titles(user.get("/records/note").await.expect(200).items()), expected, "{role} at {place:?}");
        }
        house.place(&house.owner, Some("north")).await;
        let found = house.owner.get(&format!("/records/note?filter={}", filter("region == caller.branch.region"))).await.expect(200);
        assert_eq!(titles(found.items()), ["n"]);
        // Texts have no order here, and the tree no such level.
        for wrong in ["region < caller.branch.code", "caller.team.code == 'x'", "title == caller.branch.id", "caller.branch.name"] {
            house.owner.get(&format!("/records/note?filter={}", filter(wrong))).await.expect_problem(422, "invalid_expression");
        }
    }
}
