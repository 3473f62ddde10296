//! Rights add up, row by row and field by field: a second role takes nothing away, and opens no field that none of the
//! roles which reach the row opens.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{desk, made, role, titles, user_with};

/// Sees all of his own tickets, and the titles of everybody's.
async fn clerk(owner: &Caller) -> Caller {
    let all = json!(["create", "read", "update"]);
    role(owner, "own", json!([{"resource": "records:ticket", "actions": all, "scope": "own"}])).await;
    role(owner, "titles", json!([
        {"resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant", "fields": {"read": ["title", "status"], "write": ["status"]}},
        {"resource": "records:customer", "actions": ["read"], "scope": "tenant"},
        {"resource": "audit", "actions": ["read"], "scope": "tenant"},
    ])).await;
    let clerk = owner.user("own").await;
    let id = clerk.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
    owner.patch(&format!("/users/{id}"), &json!({"roles": ["own", "titles"]})).await.expect(200);
    clerk
}

both_stores! {
    async fn req_h3_two_roles_show_each_row_as_the_roles_that_reach_it(app: TestApp) {
        let desk = desk(&app).await;
        let user = clerk(&desk.owner).await;
        let mine = made(&user, "ticket", json!({"title": "mine", "cost": 15, "customer": desk.de})).await;
        let costs = |reply: insula_testkit::Reply| -> Vec<Value> { reply.expect(200).items().iter().map(|r| r["cost"].clone()).collect() };

        assert_eq!(costs(user.get("/records/ticket?sort=title").await), [json!(15), Value::Null, Value::Null]);
        let of_other = user.get(&format!("/records/ticket/{}", desk.de_ticket)).await.expect(200);
        assert_eq!((&of_other.body["title"], &of_other.body["cost"], &of_other.body["customer"]), (&json!("of de"), &Value::Null, &Value::Null));
        assert_eq!(user.get(&format!("/records/ticket/{mine}")).await.expect(200).body["cost"], 15);
        // Neither filter nor order nor a path over it tells of a value where it is not open.
        for (filter, expected) in [
            ("cost > 0", vec!["mine"]), ("cost == 10", vec![]), ("cost != 10", vec!["mine", "of de", "of fr"]),
            ("cost == null", vec!["of de", "of fr"]), ("!(cost > 0)", vec!["of de", "of fr"]),
            ("customer.country == \"DE\"", vec!["mine"]), ("customer != null", vec!["mine"]),
        ] {
            let query = filter.replace(' ', "%20").replace('"', "%22").replace('=', "%3D").replace('>', "%3E");
            assert_eq!(titles(user.get(&format!("/records/ticket?filter={query}&sort=title")).await), expected, "{filter}");
        }
        assert_eq!(titles(user.get("/records/ticket?sort=-cost,title").await), ["mine", "of de", "of fr"]);
        assert_eq!(titles(user.get("/records/ticket?sort=cost,title").await), ["of de", "of fr", "mine"]);
        let expanded = user.get("/records/ticket?expand=customer&sort=title").await.expect(200);
        let names: Vec<_> = expanded.items().iter().map(|record| record["customer"]["name"].clone()).collect();
        assert_eq!(names, [json!("Dorn"), Value::Null, Value::Null]);
        // Page by page in an order that is not open everywhere.
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = user.get(&format!("/records/ticket?sort=-cost,title&limit=1&count=exact{cursor}")).await.expect(200);
            assert_eq!(page.body["total"], 3);
            seen.extend(page.items().iter().map(|record| record["title"].clone()));
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ["mine", "of de", "of fr"]);
    }

    async fn req_h3_two_roles_write_each_row_as_the_roles_that_reach_it(app: TestApp) {
        let desk = desk(&app).await;
        let user = clerk(&desk.owner).await;
        let mine = made(&user, "ticket", json!({"title": "mine", "cost": 15})).await;
        let (mine, other) = (format!("/records/ticket/{mine}"), format!("/records/ticket/{}", desk.de_ticket));
        let changed = user.patch(&other, &json!({"status": "done"})).await.expect(200);
        assert_eq!((&changed.body["status"], &changed.body["cost"]), (&json!("done"), &Value::Null));
        user.patch(&other, &json!({"cost": 1})).await.expect_problem(403, "forbidden");
        user.patch(&other, &json!({"status": "open", "title": "x"})).await.expect_problem(403, "forbidden");
        let batch = json!({"update": [{"id": mine.rsplit('/').next(), "cost": 2}, {"id": desk.de_ticket, "cost": 2}]});
        let refused = user.post("/records/ticket/batch", &batch).await.expect_problem(403, "forbidden");
        assert_eq!(refused.body["errors"][0]["pointer"], "/update/1");
        assert_eq!(user.patch(&mine, &json!({"cost": 3, "status": "open"})).await.expect(200).body["cost"], 3);
        // Unique, and not open to be read everywhere: its refusals would tell of the others.
        user.patch(&mine, &json!({"number": "T-1"})).await.expect_problem(422, "unknown_field");
        let trail = user.get("/audit?limit=1000").await.expect(200);
        assert!(!trail.text.contains("cost"), "{trail:?}");
    }

    /// Links are no column that could be null on some records: open on some only, they are closed.
    async fn req_h3_links_are_read_on_every_row_or_on_none(app: TestApp) {
        let owner = app.register("acme").await;
        owner.post("/entities", &json!({"name": "tag", "fields": [{"name": "name", "type": "text"}]})).await.expect(201);
        let fields = json!([{"name": "title", "type": "text"}, {"name": "tags", "type": "relations", "target": "tag"}]);
        owner.post("/entities", &json!({"name": "note", "fields": fields})).await.expect(201);
        let tag = made(&owner, "tag", json!({"name": "secret"})).await;
        let foreign = made(&owner, "note", json!({"title": "owner's", "tags": [tag]})).await;
        let read = |scope: &str, fields: Value| json!({"resource": "records:note", "actions": ["read"], "scope": scope, "fields": fields});
        let tags = json!({"resource": "records:tag", "actions": ["read"], "scope": "tenant"});
        role(&owner, "linked", json!([read("tenant", json!({"read": ["title", "tags"]})), tags])).await;
        role(&owner, "partly", json!([read("tenant", json!({"read": ["title"]})), read("own", json!({})), tags])).await;
        let filter = format!("/records/note?filter=%22{tag}%22%20in%20tags");
        let linked = owner.user("linked").await;
        assert_eq!(linked.get(&filter).await.expect(200).items().len(), 1);
        let partly = owner.user("partly").await;
        let shown = partly.get(&format!("/records/note/{foreign}")).await.expect(200);
        assert_eq!((&shown.body["title"], shown.body.get("tags")), (&json!("owner's"), None));
        partly.get(&filter).await.expect_problem(422, "unknown_field");
        partly.get("/records/note?expand=tags").await.expect_problem(422, "unknown_field");
    }

    async fn a_second_role_takes_nothing_away(app: TestApp) {
        let desk = desk(&app).await;
        let reads = |more: Value| {
            let mut grant = json!({"resource": "records:ticket", "actions": ["read"], "scope": "tenant"});
            grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([grant])
        };
        let parts = [
            ("a", reads(json!({"where": "cost > 10"}))),
            ("b", reads(json!({"where": "cost > 10", "fields": {"read": ["title"]}}))),
            ("c", reads(json!({"where": "customer.country == \"DE\"", "fields": {"read": ["title", "cost"]}}))),
            ("d", reads(json!({"fields": {"read": ["status"]}}))),
        ];
        let mut alone = Vec::new();
        for (code, grants) in parts {
            let user = user_with(&desk.owner, code, grants).await;
            alone.push((code, user.get("/records/ticket").await.expect(200).body));
        }
        let user = desk.owner.user_named("both", "a").await;
        let id = user.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
        for (first, of_first) in &alone {
            for (second, of_second) in &alone {
                if first == second {
                    continue;
                }
                desk.owner.patch(&format!("/users/{id}"), &json!({"roles": [first, second]})).await.expect(200);
                let both = user.get("/records/ticket").await.expect(200);
                let row = |page: &Value, id: &Value| page["items"].as_array().unwrap().iter().find(|r| r["id"] == *id).cloned();
                for record in both.items() {
                    let parts: Vec<Value> = [of_first, of_second].into_iter().filter_map(|page| row(page, &record["id"])).collect();
                    assert!(!parts.is_empty(), "{first} {second} {record}");
                    for (name, value) in record.as_object().unwrap() {
                        let shown = parts.iter().filter_map(|part| part.get(name)).find(|value| !value.is_null());
                        assert_eq!(value, shown.unwrap_or(&Value::Null), "{first} {second} {name}");
                    }
                }
                for page in [of_first, of_second] {
                    for record in page["items"].as_array().unwrap() {
                        let both = row(&both.body, &record["id"]).unwrap_or_else(|| panic!("{first} {second} lost {record}"));
                        assert!(record.as_object().unwrap().iter().all(|(name, value)| both.get(name) == Some(value)), "{first} {second}");
                    }
                }
            }
        }
    }
}
