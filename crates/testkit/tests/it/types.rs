//! Every type of field through the API: what is taken, how it comes back, what is refused, and how it is found, put in
//! an order and kept unique.

mod numbers;
mod relations;
mod users;

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

/// One type with the values it takes and refuses.
struct Case {
    /// The field's definition but for its name, `value`.
    field: Value,
    /// What is sent, and how it is read again; in ascending order, all different.
    good: Vec<(Value, Value)>,
    /// What is sent, and the code of the refusal.
    bad: Vec<(Value, &'static str)>,
    /// A filter and how many of the good records it finds; one more record has no value.
    filters: Vec<(&'static str, usize)>,
}

fn filter(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn check(app: &TestApp, code: &str, case: Case) {
    let owner = app.register(code).await;
    let mut field = case.field.clone();
    field["name"] = json!("value");
    owner.post("/entities", &json!({"name": "thing", "fields": [field]})).await.expect(201);
    owner.post("/records/thing", &json!({})).await.expect(201);
    for (sent, back) in &case.good {
        let made = owner.post("/records/thing", &json!({"value": sent})).await.expect(201);
        assert_eq!(made.body["value"], *back, "{code}: {sent}");
        let read = owner.get(&format!("/records/thing/{}", made.id())).await.expect(200);
        assert_eq!(read.body["value"], *back, "{code}: {sent}");
    }
    let events = owner.get("/audit?entity=thing&limit=1000").await.expect(200).items().len();
    for (sent, problem) in &case.bad {
        let refused = owner.post("/records/thing", &json!({"value": sent})).await.expect_problem(422, problem);
        assert_eq!(refused.body["errors"][0]["pointer"], "/value", "{code}: {sent}");
    }
    assert_eq!(owner.get("/audit?entity=thing&limit=1000").await.expect(200).items().len(), events, "{code}");
    for (source, count) in &case.filters {
        let found = owner.get(&format!("/records/thing?filter={}", filter(source))).await.expect(200);
        assert_eq!(found.items().len(), *count, "{code}: {source}: {found:?}");
    }
    let expect: Vec<Value> = [Value::Null].into_iter().chain(case.good.into_iter().map(|(_, back)| back)).collect();
    assert_eq!(in_order(&owner, "value").await, expect, "{code}");
    let backwards: Vec<Value> = expect.into_iter().rev().collect();
    assert_eq!(in_order(&owner, "-value").await, backwards, "{code}");
}

/// All values, page by page of two.
async fn in_order(owner: &Caller, sort: &str) -> Vec<Value> {
    let (mut values, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = owner.get(&format!("/records/thing?sort={sort}&limit=2{cursor}")).await.expect(200);
        values.extend(page.items().iter().map(|record| record["value"].clone()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return values,
        }
    }
}

/// A unique field takes a value once, however it is written.
async fn check_unique(app: &TestApp, code: &str, ty: &str, spellings: [&str; 2]) {
    let owner = app.register(code).await;
    let field = json!({"name": "value", "type": ty, "unique": true, "default": spellings[0]});
    owner.post("/entities", &json!({"name": "thing", "fields": [field]})).await.expect(201);
    let first = owner.post("/records/thing", &json!({})).await.expect(201);
    let again = json!({"value": spellings[1]});
    let upsert = owner.post("/records/thing?upsert=value", &again).await.expect(200);
    assert_eq!(upsert.body, first.body, "the same value is no change");
    let path = format!("/records/thing/{}", first.id());
    assert_eq!(owner.put(&path, &again).await.expect(200).body, first.body);
    assert_eq!(owner.put(&path, &json!({})).await.expect(200).body, first.body, "the default is the same value");
    let taken = owner.post("/records/thing", &json!({"value": spellings[1]})).await.expect_problem(409, "conflict");
    assert_eq!(taken.body["errors"][0]["pointer"], "/value");
    for _ in 0..2 {
        owner.post("/records/thing", &json!({"value": null})).await.expect(201);
    }
}

both_stores! {
    async fn req_c3_email(app: TestApp) {
        check(&app, "email", Case {
            field: json!({"type": "email"}),
            good: vec![
                (json!("Ada.L@Example.ORG"), json!("Ada.L@example.org")),
                (json!("a@MÜNCHEN.de"), json!("a@xn--mnchen-3ya.de")),
                (json!("o'brien+tag@a-b.co"), json!("o'brien+tag@a-b.co")),
            ],
            bad: vec![
                (json!("ada"), "invalid_format"),
                (json!("a\r\nBcc: b@x.org"), "invalid_format"),
                (json!("<a@x.org>"), "invalid_format"),
                (json!(5), "invalid_type"),
            ],
            filters: vec![
                ("value == \"Ada.L@EXAMPLE.org\"", 1),
                ("value in [\"a@münchen.de\", \"x\"]", 1),
                ("value == null", 1),
                ("value != \"x\"", 4),
                ("value > \"a\"", 2),
            ],
        }).await;
        check_unique(&app, "email2", "email", ["ada@example.org", "ada@EXAMPLE.org"]).await;
    }

    async fn req_c6_url(app: TestApp) {
        check(&app, "url", Case {
            field: json!({"type": "url"}),
            good: vec![
                (json!("http://münchen.de/ä"), json!("http://xn--mnchen-3ya.de/%C3%A4")),
                (json!("HTTPS://Example.org"), json!("https://example.org/")),
                (json!("mailto:ada@example.org"), json!("mailto:ada@example.org")),
            ],
            bad: vec![
                (json!("javascript:alert(1)"), "invalid_format"),
                (json!("JAVA\tSCRIPT:alert(1)"), "invalid_format"),
                (json!("data:text/html,x"), "invalid_format"),
                (json!("example.org"), "invalid_format"),
                (json!(true), "invalid_type"),
            ],
            filters: vec![("value == \"https://EXAMPLE.org\"", 1), ("value == null", 1), ("!(value == \"a\")", 4)],
        }).await;
        check_unique(&app, "url2", "url", ["https://example.org", "HTTPS://example.org/"]).await;
    }

    async fn phone(app: TestApp) {
        check(&app, "phone", Case {
            field: json!({"type": "phone"}),
            good: vec![(json!("+1 415 555-2671"), json!("+14155552671")), (json!("+493012345678"), json!("+493012345678"))],
            bad: vec![
                (json!("030 123456"), "invalid_format"),
                (json!("+49 (0)30 1234567"), "invalid_format"),
                (json!(49), "invalid_type"),
            ],
            filters: vec![("value == \"+1.415.555.2671\"", 1), ("value == null", 1)],
        }).await;
        check_unique(&app, "phone2", "phone", ["+493012345678", "+49 30 12345678"]).await;
    }

    async fn time(app: TestApp) {
        check(&app, "time", Case {
            field: json!({"type": "time"}),
            good: vec![
                (json!("00:00"), json!("00:00:00")),
                (json!("09:30:00.5"), json!("09:30:00.500000")),
                (json!("23:59:59.999999"), json!("23:59:59.999999")),
            ],
            bad: vec![
                (json!("24:00"), "invalid_format"),
                (json!("9:30"), "invalid_format"),
                (json!("09:30Z"), "invalid_format"),
                (json!(930), "invalid_type"),
            ],
            filters: vec![
                ("value < \"12:00\"", 2),
                ("value >= \"23:59:59.999999\"", 1),
                ("value == \"00:00:00\"", 1),
                ("value == null", 1),
                ("!(value < \"12:00\")", 2),
                ("value in [\"00:00\", \"01:00\"]", 1),
            ],
        }).await;
        check_unique(&app, "time2", "time", ["09:30", "09:30:00"]).await;
    }

    async fn duration(app: TestApp) {
        check(&app, "duration", Case {
            field: json!({"type": "duration", "min": "-P1D", "max": "P30D"}),
            good: vec![
                (json!("-PT5M"), json!("-PT5M")),
                (json!("PT0S"), json!("PT0S")),
                (json!("PT0.000001S"), json!("PT0.000001S")),
                (json!("PT90M"), json!("PT1H30M")),
                (json!("P1W"), json!("P7D")),
            ],
            bad: vec![
                (json!("P1M"), "invalid_format"),
                (json!("P1Y"), "invalid_format"),
                (json!("1h"), "invalid_format"),
                (json!("P31D"), "out_of_range"),
                (json!("-P2D"), "out_of_range"),
                (json!(3600), "invalid_type"),
            ],
            filters: vec![("value > \"PT1H\"", 2), ("value == \"PT168H\"", 1), ("value == null", 1), ("value < \"PT0S\"", 1)],
        }).await;
        check_unique(&app, "duration2", "duration", ["P7D", "P1W"]).await;
    }

    async fn uuid(app: TestApp) {
        let (small, large) = ("0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11", "f190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11");
        check(&app, "uuid", Case {
            field: json!({"type": "uuid"}),
            good: vec![(json!(small.to_uppercase()), json!(small)), (json!(large), json!(large))],
            bad: vec![
                (json!(small.replace('-', "")), "invalid_format"),
                (json!(format!("{{{small}}}")), "invalid_format"),
                (json!(format!("urn:uuid:{small}")), "invalid_format"),
                (json!(1), "invalid_type"),
            ],
            filters: vec![("value == \"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\"", 1), ("value == null", 1)],
        }).await;
        check_unique(&app, "uuid2", "uuid", [small, small]).await;
    }

    async fn long_text(app: TestApp) {
        let owner = app.register("long").await;
        let field = |more: Value| {
            let mut field = json!({"name": "value", "type": "long_text"});
            field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"name": "thing", "fields": [field]})
        };
        for key in ["unique", "indexed"] {
            let refused = owner.post("/entities", &field(json!({key: true}))).await.expect_problem(422, "out_of_range");
            assert_eq!(refused.body["errors"][0]["pointer"], format!("/fields/0/{key}"));
        }
        owner.post("/entities", &field(json!({"max_length": 200_000}))).await.expect(201);
        let text = format!("{}\n\tä😀 <b> ' \" \\ end", "x".repeat(150_000));
        let made = owner.post("/records/thing", &json!({"value": text})).await.expect(201);
        assert_eq!(owner.get(&format!("/records/thing/{}", made.id())).await.expect(200).body["value"], json!(text));
        let longer = json!({"value": "x".repeat(200_001)});
        owner.post("/records/thing", &longer).await.expect_problem(422, "too_long");
        owner.post("/records/thing", &json!({"value": "a\u{0}"})).await.expect_problem(422, "invalid_format");
        owner.get("/records/thing?sort=value").await.expect_problem(422, "invalid_type");
        let found = owner.get(&format!("/records/thing?filter={}", filter("value > \"x\" && value != null"))).await;
        assert_eq!(found.expect(200).items().len(), 1);
    }

    async fn what_has_no_order_is_part_of_no_key(app: TestApp) {
        let owner = app.register("index").await;
        for (ty, rule, of) in [
            ("long_text", "max_length", json!(10)),
            ("rich_text", "max_length", json!(10)),
            ("json", "help", json!("")),
            ("multi_choice", "options", json!(["x"])),
            ("relations", "target", json!("thing")),
        ] {
            let fields = json!([{"name": "a", "type": "code"}, {"name": "b", "type": ty, rule: of}]);
            let keyed = json!({"name": "thing", "fields": fields, "unique": [["a", "b"]]});
            let refused = owner.post("/entities", &keyed).await.expect_problem(422, "out_of_range");
            assert_eq!(refused.body["errors"][0]["pointer"], "/unique/0/1");
        }
        // Together they are more than an index entry holds.
        let fields = json!([{"name": "a", "type": "url"}, {"name": "b", "type": "text"}, {"name": "c", "type": "email"}]);
        let keyed = |key: Value| json!({"name": "thing", "fields": fields, "unique": [key]});
        let refused = owner.post("/entities", &keyed(json!(["a", "b"]))).await.expect_problem(422, "out_of_range");
        assert_eq!(refused.body["errors"][0]["pointer"], "/unique/0");
        owner.post("/entities", &keyed(json!(["a", "c"]))).await.expect(201);
    }

    async fn filters_look_into_texts_and_reckon_from_now(app: TestApp) {
        let owner = app.register("now").await;
        let fields = json!([
            {"name": "title", "type": "text", "indexed": true}, {"name": "due", "type": "date"},
            {"name": "starts", "type": "datetime"}, {"name": "takes", "type": "duration"},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let records = json!({"create": [
            {"title": "A_b%c", "due": "2013-01-31", "starts": "2013-01-31T10:00:00Z", "takes": "PT1H"},
            {"title": "a_B%C", "due": "9999-12-30", "starts": "9999-12-30T10:00:00Z", "takes": "PT2H"},
            {"title": "Äb"},
            {},
        ]});
        owner.post("/records/thing/batch", &records).await.expect(200);
        for (source, count) in [
            ("title.contains(\"_b%\")", 1),
            ("title.contains(\"a\")", 1),
            ("!title.contains(\"a\")", 3),
            ("title.contains(\"b\")", 2),
            ("title.contains(\"\")", 3),
            ("title.startsWith(\"A\")", 1),
            ("title.startsWith(\"Ä\")", 1),
            ("!title.startsWith(\"A\")", 3),
            ("title.endsWith(\"%c\")", 1),
            ("title.endsWith(\"Äb\")", 1),
            ("!title.endsWith(\"b\")", 3),
            ("title.endsWith(\"A_b%cc\")", 0),
            ("due < now() - duration(\"168h\")", 1),
            ("due > now()", 1),
            ("!(due > now())", 3),
            ("starts < now()", 1),
            ("starts + duration(\"1h\") == timestamp(\"2013-01-31T11:00:00Z\")", 1),
            ("created_at > now() - duration(\"1h\") && created_at <= now()", 4),
            ("takes > duration(\"1h\")", 1),
            ("now() > timestamp(\"2013-01-31T11:00:00Z\") && now() > date(\"2013-01-31\")", 4),
        ] {
            let found = owner.get(&format!("/records/thing?filter={}&count=exact", filter(source))).await.expect(200);
            assert_eq!(found.body["total"], count, "{source}: {found:?}");
            assert_eq!(found.items().len(), count, "{source}: {found:?}");
            // A plan that is kept has to ask for the time anew.
            let again = owner.get(&format!("/records/thing?filter={}&count=exact", filter(source))).await.expect(200);
            assert_eq!(again.text, found.text);
        }
        let page = owner.get(&format!("/records/thing?filter={}&limit=1", filter("created_at <= now()"))).await.expect(200);
        let next = format!("&limit=1&cursor={}", page.body["next_cursor"].as_str().unwrap());
        let page = owner.get(&format!("/records/thing?filter={}{next}", filter("created_at <= now()"))).await.expect(200);
        assert_eq!(page.items().len(), 1);
    }

    async fn json_comes_back_as_it_was_written(app: TestApp) {
        let owner = app.register("json").await;
        let field = json!({"name": "value", "type": "json"});
        for key in ["unique", "indexed"] {
            let mut wrong = field.clone();
            wrong[key] = json!(true);
            owner.post("/entities", &json!({"name": "x", "fields": [wrong]})).await.expect_problem(422, "out_of_range");
        }
        let fields = json!([field, {"name": "given", "type": "json", "default": {"a": [1]}}]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        for (sent, back) in [
            (r#"{ "z": 1, "a": [true, null, -0.5, "ä\u00e4\n"] }"#, r#"{"z":1,"a":[true,null,-0.5,"ää\n"]}"#),
            (r#"{"__proto__": {"constructor": 1}}"#, r#"{"__proto__":{"constructor":1}}"#),
            ("[]", "[]"),
            ("\"<b>'; DROP TABLE t; --\"", "\"<b>'; DROP TABLE t; --\""),
            ("9007199254740992", "9007199254740992"),
            ("false", "false"),
        ] {
            let made = owner.post_raw("/records/thing", format!("{{\"value\":{sent}}}")).await.expect(201);
            assert!(made.text.contains(&format!("\"value\":{back},\"given\":{{\"a\":[1]}}")), "{made:?}");
            let read = owner.get(&format!("/records/thing/{}", made.id())).await.expect(200);
            assert_eq!(read.text, made.text);
        }
        for (sent, code) in [
            ("9007199254740993", "out_of_range"),
            ("{\"a\":{\"b\":1,\"b\":2}}", "invalid_format"),
            ("\"\\u0000\"", "invalid_format"),
        ] {
            let body = format!("{{\"value\":{sent}}}");
            owner.post_raw("/records/thing", body).await.expect_problem(422, code);
        }
        owner.post("/records/thing", &json!({"value": "x".repeat(70_000)})).await.expect_problem(422, "too_long");
        let made = owner.post("/records/thing", &json!({"value": {"a": 1, "b": 2}})).await.expect(201);
        let path = format!("/records/thing/{}", made.id());
        // One value, which a change replaces as a whole.
        let changed = owner.patch(&path, &json!({"value": {"b": null}})).await.expect(200);
        assert_eq!(changed.body["value"], json!({"b": null}));
        let event = owner.get("/audit?entity=thing&limit=1").await.expect(200).items()[0].clone();
        assert_eq!((&event["before"]["value"], &event["after"]["value"]), (&json!({"a": 1, "b": 2}), &json!({"b": null})));
        owner.patch(&path, &json!({"value": null})).await.expect(200);
        for (source, count) in [("value == null", 1), ("value != null", 6)] {
            let found = owner.get(&format!("/records/thing?filter={}", filter(source))).await.expect(200);
            assert_eq!(found.items().len(), count, "{source}");
        }
        let refused = owner.get(&format!("/records/thing?filter={}", filter("value == \"a\""))).await;
        refused.expect_problem(422, "invalid_expression");
        owner.get("/records/thing?sort=value").await.expect_problem(422, "invalid_type");
    }

    async fn multi_choice(app: TestApp) {
        let owner = app.register("multi").await;
        let options = json!(["low", ",", "\",\"", "Ä'"]);
        let fields = json!([
            {"name": "value", "type": "multi_choice", "options": options, "default": ["low"]},
            {"name": "must", "type": "multi_choice", "options": options, "required": true},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let shown = owner.get("/entities/thing").await.expect(200);
        assert_eq!(shown.body["fields"][0]["options"], options);
        for (sent, back) in [
            (json!(["Ä'", "low"]), json!(["low", "Ä'"])),
            (json!(["\",\""]), json!(["\",\""])),
            (json!([]), json!([])),
            (json!(null), json!(null)),
        ] {
            let made = owner.post("/records/thing", &json!({"value": sent, "must": [","]})).await.expect(201);
            assert_eq!(made.body["value"], back);
            let read = owner.get(&format!("/records/thing/{}", made.id())).await.expect(200);
            assert_eq!(read.text, made.text);
        }
        let made = owner.post("/records/thing", &json!({"must": [","]})).await.expect(201);
        assert_eq!(made.body["value"], json!(["low"]));
        for (sent, code) in [
            (json!(["high"]), "out_of_range"),
            (json!(["low", "low"]), "not_unique"),
            (json!([1]), "invalid_type"),
            (json!("low"), "invalid_type"),
        ] {
            let body = json!({"value": sent, "must": [","]});
            let refused = owner.post("/records/thing", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], "/value");
        }
        owner.post("/records/thing", &json!({"must": []})).await.expect_problem(422, "required");
        for (source, count) in [
            ("\"low\" in value", 2),
            ("!(\"low\" in value)", 3),
            ("\",\" in value", 0),
            (r#""\",\"" in value"#, 1),
            ("\"Ä'\" in value && \"low\" in value", 1),
            ("value == null", 1),
            ("\",\" in must", 5),
            ("!(\",\" in must)", 0),
        ] {
            let found = owner.get(&format!("/records/thing?filter={}", filter(source))).await.expect(200);
            assert_eq!(found.items().len(), count, "{source}");
        }
        let unknown = owner.get(&format!("/records/thing?filter={}", filter("\"high\" in value"))).await;
        unknown.expect_problem(422, "invalid_expression");
        let path = format!("/records/thing/{}", made.id());
        owner.patch(&path, &json!({"value": ["Ä'"]})).await.expect(200);
        let event = owner.get("/audit?entity=thing&limit=1").await.expect(200).items()[0].clone();
        assert_eq!(event["diff"]["value"], json!({"before": ["low"], "after": ["Ä'"]}));
        owner.get("/records/thing?sort=value").await.expect_problem(422, "invalid_type");
    }

    async fn req_c4_rich_text_keeps_what_formats(app: TestApp) {
        let owner = app.register("rich").await;
        let fields = json!([{"name": "value", "type": "rich_text", "max_length": 100}]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        for (sent, back) in [
            ("<p>a <b>b</b></p>", "<p>a <b>b</b></p>"),
            ("a<script>alert(1)</script><img src=x onerror=alert(1)>b", "ab"),
            ("<a href=\"javascript:alert(1)\" onclick=\"x()\">a</a>", "<a rel=\"noopener noreferrer\">a</a>"),
            ("<svg onload=alert(1)>", ""),
        ] {
            let made = owner.post("/records/thing", &json!({"value": sent})).await.expect(201);
            assert_eq!(made.body["value"], back);
            let path = format!("/records/thing/{}", made.id());
            assert_eq!(owner.get(&path).await.expect(200).body["value"], back);
            let changed = owner.patch(&path, &json!({"value": sent})).await.expect(200);
            assert_eq!(changed.body["value"], back);
        }
        owner.post("/records/thing", &json!({"value": "a".repeat(101)})).await.expect_problem(422, "too_long");
        owner.post("/records/thing", &json!({"value": "<".repeat(50)})).await.expect_problem(422, "too_long");
        owner.post("/records/thing", &json!({"value": 1})).await.expect_problem(422, "invalid_type");
    }

    async fn expansion_reaches_three_deep(app: TestApp) {
        let owner = app.register("deep").await;
        let to = |name: &str, target: &str| json!({"name": name, "type": "relation", "target": target});
        let name = json!({"name": "name", "type": "text"});
        for (entity, fields) in [
            ("country", json!([name, to("neighbour", "country")])),
            ("person", json!([name, to("country", "country")])),
            ("customer", json!([name, to("owner", "person"), {"name": "agent", "type": "user"}])),
            ("ticket", json!([name, to("customer", "customer"), to("origin", "country")])),
        ] {
            owner.post("/entities", &json!({"name": entity, "fields": fields})).await.expect(201);
        }
        let make = async |entity: &str, body: Value| {
            owner.post(&format!("/records/{entity}"), &body).await.expect(201).id().to_owned()
        };
        let at = make("country", json!({"name": "at"})).await;
        let de = make("country", json!({"name": "de", "neighbour": at})).await;
        let ada = make("person", json!({"name": "ada", "country": de})).await;
        let acme = make("customer", json!({"name": "acme", "owner": ada})).await;
        let ticket = make("ticket", json!({"name": "t", "customer": acme, "origin": de})).await;
        make("ticket", json!({"name": "u", "customer": make("customer", json!({"name": "x"})).await})).await;

        let path = format!("/records/ticket/{ticket}?expand=");
        let one = owner.get(&format!("{path}customer.owner.country")).await.expect(200);
        let customer = &one.body["customer"];
        assert_eq!((&customer["name"], &customer["owner"]["name"]), (&json!("acme"), &json!("ada")));
        assert_eq!(customer["owner"]["country"]["name"], "de");
        assert_eq!(customer["owner"]["country"]["neighbour"], at, "what is not named stays an id");
        assert_eq!(one.body["origin"], de);
        let two = owner.get(&format!("{path}customer.owner,origin.neighbour")).await.expect(200);
        assert_eq!(two.body["customer"]["owner"]["country"], de);
        assert_eq!(two.body["origin"]["neighbour"]["name"], "at");
        assert_eq!(two.body["origin"]["neighbour"]["neighbour"], Value::Null);
        let list = owner.get("/records/ticket?sort=name&expand=customer.owner.country,customer&fields=name").await.expect(200);
        assert_eq!(list.items()[0]["customer"], *customer);
        assert_eq!(list.items()[1]["customer"]["owner"], Value::Null);
        let filtered = owner.get(&format!("/records/ticket?expand=customer.owner&filter={}", filter("customer.owner.country.name == \"de\""))).await;
        assert_eq!(filtered.expect(200).items().len(), 1);

        for (expand, code) in [
            ("customer.owner.country.neighbour", "out_of_range"),
            ("customer.zz", "unknown_field"),
            ("zz.owner", "unknown_field"),
            ("customer.name", "invalid_type"),
            ("customer.id", "invalid_type"),
            ("customer.created_by", "invalid_type"),
            ("customer.agent", "not_supported"),
            ("customer.", "unknown_field"),
            ("customer,customer", "invalid_format"),
        ] {
            owner.get(&format!("{path}{expand}")).await.expect_problem(422, code);
        }
    }

    async fn parameters_are_read_as_their_fields_are(app: TestApp) {
        let owner = app.register("params").await;
        let fields = json!([
            {"name": "mail", "type": "email"}, {"name": "at", "type": "time"}, {"name": "takes", "type": "duration"},
            {"name": "due", "type": "date"}, {"name": "extra", "type": "json"},
            {"name": "tags", "type": "multi_choice", "options": ["a"]}, {"name": "others", "type": "relations", "target": "thing"},
        ]);
        owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
        let one = json!({"mail": "ada@example.org", "at": "09:30", "takes": "PT1H", "due": "2013-01-31"});
        owner.post("/records/thing", &one).await.expect(201);
        owner.post("/records/thing", &json!({})).await.expect(201);
        for (filter, params) in [
            ("mail == params.x", json!("ada@EXAMPLE.org")),
            ("mail in params.x", json!(["ada@EXAMPLE.org", "b@example.org"])),
            ("at == params.x", json!("09:30:00")),
            ("at in params.x", json!(["09:30", "10:00"])),
            ("takes <= params.x", json!("PT60M")),
            ("takes in params.x", json!(["PT60M"])),
            ("due < now() && due == params.x", json!("2013-01-31")),
        ] {
            let body = json!({"filter": filter, "params": {"x": params}, "count": "exact"});
            let found = owner.post("/records/thing/query", &body).await.expect(200);
            assert_eq!((found.items().len(), &found.body["total"]), (1, &json!(1)), "{filter}");
        }
        for filter in ["extra == params.x", "tags == params.x", "others in params.x", "due + duration(\"24h\") == params.x"] {
            let body = json!({"filter": filter, "params": {"x": "a"}});
            owner.post("/records/thing/query", &body).await.expect_problem(422, "invalid_expression");
        }
    }

    async fn types_to_come_are_named_and_refused(app: TestApp) {
        let owner = app.register("later").await;
        for ty in ["file", "formula", "rollup", "lookup", "secret"] {
            let body = json!({"name": "thing", "fields": [{"name": "value", "type": ty}]});
            let refused = owner.post("/entities", &body).await.expect_problem(422, "not_supported");
            let error = &refused.body["errors"][0];
            assert_eq!(error["pointer"], "/fields/0/type");
            assert!(error["message"].as_str().unwrap().contains(&format!("`{ty}`")), "{error}");
        }
        let body = json!({"name": "thing", "fields": [{"name": "value", "type": "text", "encrypted": true}]});
        owner.post("/entities", &body).await.expect_problem(422, "not_supported");
    }
}
