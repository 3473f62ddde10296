//! Rows outside of a rule do not exist, whatever is asked of them; and nobody writes a row out of his own reach.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{Desk, changes, desk, keys, made, masked, titles, user_with};

const NOBODY: &str = "01a20c5a-1b00-7001-8c65-6a83a146c52b";

/// Who works on tickets of German customers, found over the relation, and sees all customers.
async fn german(desk: &Desk) -> Caller {
    user_with(
        &desk.owner,
        "german",
        json!([
            {"resource": "records:ticket", "actions": ["create", "read", "update", "delete"], "scope": "tenant",
             "where": "record.customer.country == \"DE\""},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant"},
        ]),
    )
    .await
}

async fn total(owner: &Caller) -> Value {
    owner.get("/records/ticket?count=exact").await.expect(200).body["total"].clone()
}

both_stores! {
    async fn req_h3_rows_outside_of_a_rule_are_not_there_to_read(app: TestApp) {
        let desk = desk(&app).await;
        let user = german(&desk).await;
        let de = user.get(&format!("/records/ticket/{}", desk.de_ticket)).await.expect(200);
        assert_eq!(de.body["title"], "of de");
        let hidden = user.get(&format!("/records/ticket/{}", desk.fr_ticket)).await.expect_problem(404, "not_found");
        let nobody = user.get(&format!("/records/ticket/{NOBODY}")).await.expect_problem(404, "not_found");
        assert_eq!(masked(&hidden, &desk.fr_ticket), masked(&nobody, NOBODY));
        for query in ["", "filter=true", "filter=cost%20%3E%3D%200", "sort=-cost", "fields=title", "expand=customer",
            "filter=customer.country%20%3D%3D%20%22FR%22%20%7C%7C%20true"]
        {
            assert_eq!(titles(user.get(&format!("/records/ticket?{query}&limit=10")).await), ["of de"], "{query}");
        }
        let counted = user.get("/records/ticket?count=exact").await.expect(200);
        assert_eq!(counted.body["total"], 1);
        assert_eq!(titles(user.get("/records/ticket?filter=customer.country%20%3D%3D%20%22FR%22").await), [""; 0]);
        // A page that somebody else began goes on with one's own rows.
        for (title, customer) in [("of de 2", &desk.de), ("of fr 2", &desk.fr)] {
            made(&desk.owner, "ticket", json!({"title": title, "customer": customer})).await;
        }
        for sort in ["id", "-title"] {
            let page = desk.owner.get(&format!("/records/ticket?sort={sort}&limit=1")).await.expect(200);
            let next = user.get(&format!("/records/ticket?sort={sort}&limit=1&cursor={}", page.body["next_cursor"].as_str().unwrap())).await;
            assert!(titles(next).iter().all(|title| title.starts_with("of de")));
        }
    }

    async fn req_h3_rows_outside_of_a_rule_are_not_there_to_write(app: TestApp) {
        let desk = desk(&app).await;
        let user = german(&desk).await;
        let (de, fr) = (format!("/records/ticket/{}", desk.de_ticket), format!("/records/ticket/{}", desk.fr_ticket));
        let events = changes(&desk.owner).await.len();
        user.patch(&fr, &json!({"title": "x"})).await.expect_problem(404, "not_found");
        user.patch_if(&fr, "\"9-0\"", &json!({"title": "x"})).await.expect_problem(404, "not_found");
        user.delete(&fr).await.expect_problem(404, "not_found");
        for batch in [json!({"update": [{"id": desk.fr_ticket, "title": "x"}]}), json!({"delete": [desk.de_ticket, desk.fr_ticket]})] {
            user.post("/records/ticket/batch", &batch).await.expect_problem(404, "not_found");
        }
        // Nor is a row moved out of reach, or made beyond it, not even to hear that a value is taken there.
        user.patch(&de, &json!({"customer": desk.fr})).await.expect_problem(403, "forbidden");
        user.patch(&de, &json!({"customer": null})).await.expect_problem(403, "forbidden");
        user.patch(&de, &json!({"customer": desk.fr, "number": "T-2"})).await.expect_problem(403, "forbidden");
        user.post("/records/ticket", &json!({"title": "x", "customer": desk.fr})).await.expect_problem(403, "forbidden");
        user.post("/records/ticket", &json!({"title": "x", "customer": desk.fr, "number": "T-1"})).await.expect_problem(403, "forbidden");
        user.post("/records/ticket", &json!({"title": "x"})).await.expect_problem(403, "forbidden");
        let batch = json!({"create": [{"title": "y", "customer": desk.de}, {"title": "x", "customer": desk.fr}]});
        let refused = user.post("/records/ticket/batch", &batch).await.expect_problem(403, "forbidden");
        assert_eq!(refused.body["errors"][0]["pointer"], "/create/1");
        assert_eq!(changes(&desk.owner).await.len(), events);

        user.post("/records/ticket", &json!({"title": "y", "customer": desk.de, "number": "T-1"})).await.expect_problem(409, "conflict");
        let made = user.post("/records/ticket", &json!({"title": "y", "customer": desk.de})).await.expect(201);
        assert_eq!(made.body["title"], "y");
        let changed = user.patch_if(&de, "\"1-0\"", &json!({"title": "z"})).await.expect(200);
        assert_eq!((&changed.body["title"], &changed.body["version"]), (&json!("z"), &json!(2)));
        user.delete(&de).await.expect(204);
        assert_eq!(total(&desk.owner).await, 2);
    }

    async fn req_h3_hidden_targets_are_none(app: TestApp) {
        let desk = desk(&app).await;
        let user = user_with(&desk.owner, "half", json!([
            {"resource": "records:ticket", "actions": ["create", "read", "update"], "scope": "tenant"},
            {"resource": "records:customer", "actions": ["read", "delete"], "scope": "tenant", "where": "country == \"DE\""},
        ])).await;
        let shown = user.get("/records/ticket?expand=customer&sort=title").await.expect(200);
        assert_eq!(shown.items()[0]["customer"]["name"], "Dorn");
        assert_eq!(shown.items()[1]["customer"], Value::Null);
        assert_eq!(titles(user.get("/records/ticket?filter=customer.name%20!%3D%20null").await), ["of de"]);
        assert_eq!(titles(user.get("/records/ticket?filter=customer.name%20%3D%3D%20null").await), ["of fr"]);
        // To refer to what one cannot see is to refer to nothing.
        let lost = json!({"title": "x", "customer": desk.fr});
        let hidden = user.post("/records/ticket", &lost).await.expect_problem(422, "no_such_record");
        let nobody = user.post("/records/ticket", &json!({"title": "x", "customer": NOBODY})).await.expect_problem(422, "no_such_record");
        assert_eq!(masked(&hidden, &desk.fr), masked(&nobody, NOBODY));
        user.patch(&format!("/records/ticket/{}", desk.de_ticket), &json!({"seen_at": desk.fr})).await.expect_problem(422, "no_such_record");
        user.post("/records/ticket", &json!({"title": "x", "customer": desk.de})).await.expect(201);
        user.delete(&format!("/records/customer/{}", desk.fr)).await.expect_problem(404, "not_found");
    }

    async fn req_h3_a_path_over_a_relation_is_a_read_of_what_it_leads_to(app: TestApp) {
        let desk = desk(&app).await;
        // Of customers: their ratings where they are German, and the names of all others but France.
        let user = user_with(&desk.owner, "half", json!([
            {"resource": "records:ticket", "actions": ["read"], "scope": "tenant"},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "where": "country == \"DE\"", "fields": {"read": ["name", "rating"]}},
            {"resource": "records:customer", "actions": ["read"], "scope": "tenant", "where": "country == \"IT\"", "fields": {"read": ["name"]}},
        ])).await;
        let it = made(&desk.owner, "customer", json!({"name": "Rossi", "country": "IT", "rating": 9})).await;
        made(&desk.owner, "ticket", json!({"title": "of it", "customer": it, "parent": desk.fr_ticket})).await;
        let shown = user.get("/records/ticket?expand=customer&sort=title").await.expect(200);
        let customers: Vec<_> = shown.items().iter().map(|record| json!([record["customer"]["name"], record["customer"]["rating"]])).collect();
        assert_eq!(customers, [json!(["Dorn", 5]), json!([null, null]), json!(["Rossi", null])]);
        assert!(shown.items().iter().all(|record| record["customer"].get("country").is_none()), "{shown:?}");
        assert_eq!((&shown.items()[1]["customer"], shown.text.contains("Fleur")), (&Value::Null, false));
        let query = async |filter: &str, params: Value| {
            titles(user.post("/records/ticket/query", &json!({"filter": filter, "params": params, "sort": "title"})).await)
        };
        for (filter, params, expected) in [
            ("customer.rating > params.x", json!({"x": 0}), vec!["of de"]),
            ("customer.rating in params.x", json!({"x": [5, 7, 9]}), vec!["of de"]),
            ("!(customer.rating in params.x)", json!({"x": [5]}), vec!["of fr", "of it"]),
            ("customer.name in params.x", json!({"x": ["Dorn", "Fleur", "Rossi"]}), vec!["of de", "of it"]),
            // The id is the ticket's own to hold.
            ("customer.id == params.x", json!({"x": desk.fr}), vec!["of fr"]),
            ("parent.customer.name == params.x", json!({"x": "Fleur"}), vec![]),
            ("parent.customer.name == null && parent != null", json!({}), vec!["of it"]),
        ] {
            assert_eq!(query(filter, params).await, expected, "{filter}");
        }
        for filter in ["customer.country == \"DE\"", "parent.customer.country in params.x"] {
            let hidden = json!({"filter": filter, "params": {"x": ["DE"]}});
            let hidden = user.post("/records/ticket/query", &hidden).await.expect_problem(422, "unknown_field");
            assert!(hidden.text.contains("is not a field of"), "{hidden:?}");
        }
        // Orders are over the record's own fields, whoever asks.
        for caller in [&user, &desk.owner] {
            caller.get("/records/ticket?sort=customer.rating").await.expect_problem(422, "unknown_field");
        }
    }

    async fn req_h3_a_deletion_tells_nothing_of_hidden_rows(app: TestApp) {
        let desk = desk(&app).await;
        let rule = "record.customer.country == \"DE\"";
        let user = user_with(&desk.owner, "keeper", json!([
            {"resource": "records:customer", "actions": ["read", "delete"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["read", "delete"], "scope": "tenant", "where": rule},
        ])).await;
        let refused = |reply: insula_testkit::Reply| reply.expect_problem(409, "conflict").body["detail"].as_str().unwrap().to_owned();
        assert!(refused(user.delete(&format!("/records/customer/{}", desk.de)).await).contains("`ticket`"));
        assert!(!refused(user.delete(&format!("/records/customer/{}", desk.fr)).await).contains("ticket"));

        // What a relation says goes with it goes, seen or not: that is the relation's to say.
        let third = made(&desk.owner, "customer", json!({"name": "Third"})).await;
        let loose = made(&desk.owner, "ticket", json!({"title": "loose", "customer": desk.fr, "seen_at": third})).await;
        user.delete(&format!("/records/customer/{third}")).await.expect(204);
        assert_eq!(desk.owner.get(&format!("/records/ticket/{loose}")).await.expect(200).body["seen_at"], Value::Null);
        let child = made(&desk.owner, "ticket", json!({"title": "child", "customer": desk.fr, "parent": desk.de_ticket})).await;
        user.get(&format!("/records/ticket/{child}")).await.expect_problem(404, "not_found");
        user.delete(&format!("/records/ticket/{}", desk.de_ticket)).await.expect(204);
        desk.owner.get(&format!("/records/ticket/{child}")).await.expect_problem(404, "not_found");
    }

    async fn req_h3_own_is_what_one_made(app: TestApp) {
        let desk = desk(&app).await;
        let grants = json!([{"resource": "records:*", "actions": ["create", "read", "update", "delete"], "scope": "own"}]);
        let a = user_with(&desk.owner, "mine", grants).await;
        let b = desk.owner.user_named("b", "mine").await;
        let of_a = made(&a, "ticket", json!({"title": "of a"})).await;
        let of_b = made(&b, "ticket", json!({"title": "of b", "parent": null})).await;
        assert_eq!(titles(a.get("/records/ticket").await), ["of a"]);
        assert_eq!(titles(b.get("/records/ticket").await), ["of b"]);
        a.patch(&format!("/records/ticket/{of_b}"), &json!({"title": "x"})).await.expect_problem(404, "not_found");
        a.delete(&format!("/records/ticket/{of_b}")).await.expect_problem(404, "not_found");
        a.patch(&format!("/records/ticket/{of_a}"), &json!({"parent": of_b})).await.expect_problem(422, "no_such_record");
        a.patch(&format!("/records/ticket/{of_a}"), &json!({"title": "still a"})).await.expect(200);
        a.delete(&format!("/records/ticket/{of_a}")).await.expect(204);
        assert_eq!(total(&desk.owner).await, 3);
    }

    async fn a_rule_that_comes_back_to_the_record_sees_its_change(app: TestApp) {
        let desk = desk(&app).await;
        let user = user_with(&desk.owner, "chain", json!([
            {"resource": "records:ticket", "actions": ["read", "update"], "scope": "tenant", "where": "record.parent.status == \"open\""},
        ])).await;
        let path = format!("/records/ticket/{}", desk.de_ticket);
        desk.owner.patch(&path, &json!({"parent": desk.de_ticket})).await.expect(200);
        user.patch(&path, &json!({"title": "x"})).await.expect(200);
        user.patch(&path, &json!({"status": "done"})).await.expect_problem(403, "forbidden");
        assert_eq!(desk.owner.get(&path).await.expect(200).body["status"], "open");
    }

    async fn who_may_only_create_hears_the_id_of_what_he_made(app: TestApp) {
        let desk = desk(&app).await;
        let user = user_with(&desk.owner, "letter-box", json!([
            {"resource": "records:ticket", "actions": ["create"], "scope": "tenant"},
            {"resource": "records:ticket", "actions": ["read"], "scope": "tenant", "where": "status == \"done\""},
        ])).await;
        let open = user.post("/records/ticket", &json!({"title": "x", "status": "open"})).await.expect(201);
        assert_eq!(keys(&open.body), ["id", "version"]);
        let done = user.post("/records/ticket", &json!({"title": "x", "status": "done"})).await.expect(201);
        assert_eq!(done.body["title"], "x");
    }
}
