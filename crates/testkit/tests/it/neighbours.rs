//! Two tenants that know each other's ids, cursors and names, and get nowhere with them; and the trail each leaves.

use insula_testkit::{Caller, Reply, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

/// A tenant with `item` and one record of it: its owner, the tenant's id, the record's.
async fn tenant(app: &TestApp, code: &str) -> (Caller, String, String) {
    let owner = app.register(code).await;
    let fields = json!([
        {"name": "name", "type": "text"},
        {"name": "next", "type": "relation", "target": "item", "on_delete": "set_null"},
    ]);
    owner.post("/entities", &json!({"name": "item", "fields": fields})).await.expect(201);
    let record = owner.post("/records/item", &json!({"name": code})).await.expect(201).id().to_owned();
    let me = owner.get("/auth/me").await.expect(200);
    (owner, me.body["tenant"]["id"].as_str().unwrap().to_owned(), record)
}

/// Without those of sessions, which arrive in their own time.
async fn events(owner: &Caller, query: &str) -> Vec<Value> {
    let reply = owner.get(&format!("/audit?limit=1000{query}")).await.expect(200);
    reply.items().iter().filter(|event| !event["action"].as_str().unwrap().starts_with("session.")).cloned().collect()
}

fn names(reply: &Reply) -> Vec<&str> {
    reply.items().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

both_stores! {
    async fn req_f3_a_foreign_record_is_out_of_every_reach(app: TestApp) {
        let ((a, _, own), (b, _, foreign)) = (tenant(&app, "acme").await, tenant(&app, "best").await);
        b.post("/records/item", &json!({"name": "best"})).await.expect(201);
        let (of_b, records) = (events(&b, "").await, b.get("/records/item").await.expect(200).text);
        let path = format!("/records/item/{foreign}");
        let nobody = "/records/item/01a20c5a-1b00-7001-8c65-6a83a146c52b";
        for method in [Method::GET, Method::PATCH, Method::DELETE] {
            let mut answers = Vec::new();
            for path in [&path, nobody] {
                let refused = a.send(a.request(method.clone(), path).json(&json!({"name": "x"}))).await;
                let refused = refused.expect_problem(404, "not_found");
                let text = refused.text.replace(refused.header("x-request-id"), "");
                answers.push(text.replace(refused.body["instance"].as_str().unwrap(), ""));
            }
            assert_eq!(answers[0], answers[1], "{method}");
        }
        for batch in [json!({"update": [{"id": foreign, "name": "x"}]}), json!({"delete": [foreign]})] {
            a.post("/records/item/batch", &batch).await.expect_problem(404, "not_found");
        }
        for body in [json!({"next": foreign}), json!({"next": "01a20c5a-1b00-7001-8c65-6a83a146c52b"})] {
            a.post("/records/item", &body).await.expect_problem(422, "no_such_record");
            a.patch(&format!("/records/item/{own}"), &body).await.expect_problem(422, "no_such_record");
        }
        let page = b.get("/records/item?limit=1").await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        a.get(&format!("/records/item?limit=1&cursor={cursor}")).await.expect_problem(422, "invalid_format");
        assert_eq!(names(&a.get("/records/item").await.expect(200)), ["acme"]);

        assert_eq!(b.get("/records/item").await.expect(200).text, records);
        assert_eq!(events(&b, "").await, of_b);
        assert_eq!(events(&a, &format!("&record={foreign}")).await.iter().filter(|e| e["outcome"] == "ok").count(), 0);
        let told = json!(events(&a, "").await).to_string();
        for word in ["best", of_b[0]["id"].as_str().unwrap()] {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }

    async fn req_a7_nothing_but_the_token_names_the_tenant(app: TestApp) {
        let ((a, _, own), (b, of_b, _)) = (tenant(&app, "acme").await, tenant(&app, "best").await);
        let (before, records) = (events(&b, "").await, b.get("/records/item").await.expect(200).text);
        for (name, value) in [
            ("x-tenant-id", of_b.clone()),
            ("x-tenant", "best".to_owned()),
            ("cookie", format!("tenant_id={of_b}; tenant=best")),
            ("host", "best.example".to_owned()),
            ("x-forwarded-host", "best.example".to_owned()),
            ("forwarded", "host=best.example".to_owned()),
        ] {
            let send = |method, path: &str, body: Value| a.send(a.request(method, path).header(name, &value).json(&body));
            let page = send(Method::GET, "/records/item", json!({})).await.expect(200);
            assert!(names(&page).iter().all(|item| *item != "best"), "{name}: {page:?}");
            let me = send(Method::GET, "/auth/me", json!({})).await.expect(200);
            assert_eq!(me.body["tenant"]["code"], "acme", "{name}");
            send(Method::POST, "/records/item", json!({"name": "more"})).await.expect(201);
            send(Method::PATCH, &format!("/records/item/{own}"), json!({"name": name})).await.expect(200);
            send(Method::POST, "/records/item/batch", json!({"create": [{"name": "more"}]})).await.expect(200);
        }
        let with_tenant = |path: &str| format!("{path}?tenant_id={of_b}");
        for path in ["/records/item", "/audit", "/users", "/entities", "/auth/me"] {
            a.get(&with_tenant(path)).await.expect_problem(422, "unknown_parameter");
        }
        for (path, body) in [
            ("/records/item", json!({"name": "x", "tenant_id": of_b})),
            ("/records/item/batch", json!({"create": [{"name": "x", "tenant_id": of_b}]})),
            ("/records/item/batch", json!({"create": [{"name": "x"}], "tenant_id": of_b})),
            ("/entities", json!({"name": "other", "tenant_id": of_b})),
        ] {
            a.post(path, &body).await.expect_problem(422, "unknown_field");
        }
        a.post(&with_tenant("/records/item"), &json!({"name": "x"})).await.expect_problem(422, "unknown_parameter");
        a.patch(&format!("/records/item/{own}"), &json!({"tenant_id": of_b})).await.expect_problem(422, "unknown_field");
        assert_eq!(b.get("/records/item").await.expect(200).text, records);
        assert_eq!(events(&b, "").await, before);
    }

    async fn req_f2_the_trail_is_found_by_who_what_and_when(app: TestApp) {
        let (owner, _, first) = tenant(&app, "acme").await;
        owner.post("/entities", &json!({"name": "other", "fields": []})).await.expect(201);
        let editor = owner.user("editor").await;
        let second = editor.post("/records/item", &json!({"name": "b"})).await.expect(201).id().to_owned();
        editor.post("/records/other", &json!({})).await.expect(201);
        let editor_id = editor.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
        let subjects = |events: &[Value]| events.iter().map(|e| e["record_id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();

        let his = events(&owner, &format!("&actor={editor_id}&action=record.create")).await;
        assert_eq!(his.len(), 2);
        assert!(his.iter().all(|event| event["actor"]["account_id"] == *editor_id), "{his:?}");
        let of_item = events(&owner, "&entity=item&action=record.create").await;
        assert_eq!(subjects(&of_item), [&*second, &*first]);
        assert!(of_item.iter().all(|event| event["entity"] == "item"));

        let at = |event: &Value| event["at"].as_str().unwrap().to_owned();
        let (newer, older) = (at(&of_item[0]), at(&of_item[1]));
        assert_ne!(newer, older);
        let since = events(&owner, &format!("&entity=item&action=record.create&from={newer}")).await;
        assert_eq!(subjects(&since), [&*second]);
        let until = events(&owner, &format!("&entity=item&action=record.create&to={older}")).await;
        assert_eq!(subjects(&until), [&*first]);
        let both = events(&owner, &format!("&entity=item&action=record.create&from={older}&to={newer}")).await;
        assert_eq!(both, of_item);
        assert_eq!(events(&owner, &format!("&from={newer}&to={older}")).await, [Value::Null; 0]);
    }

    async fn req_f1_sign_ins_leave_their_trail_on_the_platform(app: TestApp) {
        let owner = app.register("acme").await;
        let login = |email: &str, password: &str| json!({"email": email, "password": password});
        let sent = app.anonymous().post("/auth/login", &login(&owner.email, "wrong and long")).await.expect(401);
        app.anonymous().post("/auth/login", &login("nobody@acme.example", "wrong and long")).await.expect(401);
        let again = app.anonymous().login(&owner.email).await;
        again.post("/auth/logout", &json!({})).await.expect(204);
        let sql = "SELECT p.action, p.outcome, a.email, t.code FROM insula.platform_event p \
                   LEFT JOIN insula.account a ON a.id = p.account_id LEFT JOIN insula.tenant t ON t.id = p.tenant_id \
                   ORDER BY p.id";
        let rows = app.sql(sql).await;
        let told: Vec<String> = rows.iter().map(|row| row.iter().map(|c| c.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(told, [
            "tenant.create ok owner@acme.example acme",
            "session.login ok owner@acme.example acme",
            "session.refused denied owner@acme.example acme",
            "session.refused denied - -",
            "session.login ok owner@acme.example acme",
            "session.logout ok owner@acme.example acme",
        ]);
        let sql = "SELECT count(*) FROM insula.platform_event WHERE action = 'session.refused' AND address = '127.0.0.1'";
        assert_eq!(app.sql(sql).await, [[Some("2".to_owned())]]);
        assert!(!sent.header("x-request-id").is_empty());
    }

    async fn req_a2_no_two_tokens_have_one_jti(app: TestApp) {
        let owner = app.register("acme").await;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..20 {
            let token = app.anonymous().login(&owner.email).await.token.unwrap();
            let claims = token.split('.').nth(1).unwrap();
            let claims: Value = serde_json::from_slice(&base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap()).unwrap();
            let jti = claims["jti"].as_str().unwrap().to_owned();
            // 128 bits in hex, of which none stands still.
            assert_eq!(jti.len(), 32, "{claims}");
            assert!(seen.insert(jti));
        }
        for place in 0..32 {
            let digits: std::collections::HashSet<_> = seen.iter().map(|jti| jti.as_bytes()[place]).collect();
            assert!(digits.len() > 2, "digit {place} stands still: {seen:?}");
        }
    }
}
