//! The API's documents: sound by the specification, equal to what is committed and to the router, and each caller's own
//! only as wide as his rights.

use std::collections::BTreeSet;

use insula::router::routes;
use insula_testkit::openapi::{breaches, operations};
use insula_testkit::{Caller, TestApp, both_stores};
use reqwest::Method;
use serde_json::{Value, json};

const COMMITTED: &str = include_str!("../../../../docs/openapi.json");

/// Entities with a field of every type, one that refers to itself and one that nothing refers to.
async fn design(owner: &Caller) {
    let customer = json!({"name": "customer", "label": "Customer", "plural_label": "Customers", "fields": [
        {"name": "name", "type": "text", "required": true, "unique": true, "max_length": 80},
        {"name": "parent", "type": "relation", "target": "customer", "on_delete": "set_null"},
    ]});
    owner.post("/entities", &customer).await.expect(201);
    let ticket = json!({"name": "ticket", "label": "Ticket", "plural_label": "Tickets", "title_field": "title", "fields": [
        {"name": "title", "type": "text", "required": true, "min_length": 2, "max_length": 40, "help": "In one line."},
        {"name": "key", "type": "code", "indexed": true},
        {"name": "priority", "type": "integer", "min": 1, "max": 5, "default": 3, "required": true},
        {"name": "price", "type": "decimal", "precision": 9, "scale": 2, "min": "0.00", "max": "99.50"},
        {"name": "urgent", "type": "boolean"},
        {"name": "due", "type": "date"},
        {"name": "seen_at", "type": "datetime"},
        {"name": "status", "type": "choice", "options": ["open", "done"], "default": "open"},
        {"name": "customer", "type": "relation", "target": "customer", "on_delete": "cascade"},
        {"name": "body", "type": "long_text", "max_length": 300},
        {"name": "page", "type": "rich_text", "max_length": 300},
        {"name": "mail", "type": "email"},
        {"name": "site", "type": "url"},
        {"name": "tel", "type": "phone"},
        {"name": "number", "type": "auto_number"},
        {"name": "opens", "type": "time"},
        {"name": "takes", "type": "duration", "min": "PT0S"},
        {"name": "foreign", "type": "uuid"},
        {"name": "extra", "type": "json"},
        {"name": "tags", "type": "multi_choice", "options": ["a", "b"]},
        {"name": "others", "type": "relations", "target": "customer"},
        {"name": "agent", "type": "user"},
    ], "unique": [["title", "key"]]});
    owner.post("/entities", &ticket).await.expect(201);
    owner.post("/entities", &json!({"name": "vault", "fields": []})).await.expect(201);
}

async fn document(caller: &Caller) -> Value {
    caller.get("/openapi.json").await.expect(200).body
}

fn ids(document: &Value) -> BTreeSet<String> {
    operations(document).into_keys().collect()
}

#[test]
fn req_g1_the_document_and_the_router_agree_both_ways() {
    let document: Value = serde_json::from_str(COMMITTED).unwrap();
    let described: BTreeSet<_> = operations(&document).into_values().map(|o| (o.method, o.path)).collect();
    let routed: BTreeSet<_> = routes().into_iter().map(|r| (r.method.to_string(), r.path.to_owned())).collect();
    assert_eq!(described, routed);
}

#[test]
fn req_g1_the_committed_document_is_the_served_one() {
    assert!(insula::openapi::platform() == COMMITTED, "docs/openapi.json is old: run `cargo xtask openapi`");
}

#[test]
fn req_c2_the_platform_document_is_sound() {
    assert_eq!(breaches(&serde_json::from_str(COMMITTED).unwrap()), Vec::<String>::new());
}

both_stores! {
    async fn req_g1_the_platform_document_is_for_everybody(app: TestApp) {
        let served = app.anonymous().get("/api/openapi.json").await.expect(200);
        assert!(served.text == COMMITTED, "docs/openapi.json is old: run `cargo xtask openapi`");
        assert_eq!(served.header("content-type"), "application/json");
        let again = app.anonymous().request(Method::GET, "/api/openapi.json").header("if-none-match", served.header("etag"));
        assert_eq!(app.anonymous().send(again).await.expect(304).text, "");
    }

    async fn req_c2_a_tenants_document_is_sound_and_typed(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let document = document(&owner).await;
        assert_eq!(breaches(&document), Vec::<String>::new());
        let schemas = &document["components"]["schemas"];
        let new = &schemas["NewRecord_ticket"];
        assert_eq!(new["required"], json!(["title"]));
        assert_eq!(new["properties"]["title"]["maxLength"], 40);
        assert_eq!(new["properties"]["price"]["type"], json!(["string", "null"]));
        assert_eq!(new["properties"]["status"]["enum"], json!(["open", "done", null]));
        assert_eq!(new["properties"]["priority"], json!({"type": "integer", "minimum": 1, "maximum": 5, "default": 3, "title": "priority"}));
        let text = |max: u32| json!({"type": ["string", "null"], "maxLength": max});
        for (field, own, more) in [
            ("body", text(300), json!({})),
            ("page", text(300), json!({"description": "HTML; what is not allowed is taken out."})),
            ("mail", text(254), json!({"format": "email"})),
            ("site", text(2000), json!({"format": "uri", "description": "An absolute URL: http, https, ftp, sftp, mailto or tel."})),
            ("tel", text(40), json!({"pattern": r"^\+[1-9][0-9 ./-]*[0-9]$", "description": "`+`, the country code, and 7 to 15 digits in all."})),
            ("opens", text(18), json!({"pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?$"})),
            ("takes", text(100), json!({
                "pattern": r"^-?P([0-9]{1,9}W)?([0-9]{1,9}D)?(T([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}(\.[0-9]{1,9})?S)?)?$",
                "description": "ISO 8601 without years and months, such as P1DT2H30M.",
            })),
            ("foreign", text(36), json!({"format": "uuid"})),
            ("agent", text(36), json!({"format": "uuid"})),
            ("extra", json!({"type": ["object", "array", "string", "number", "boolean", "null"]}), json!({
                "maxLength": 65_536, "additionalProperties": true,
                "description": "Any JSON value, at most 65536 bytes and 32 levels.",
            })),
            ("tags", json!({"type": ["array", "null"], "uniqueItems": true}), json!({
                "items": {"type": "string", "enum": ["a", "b"], "maxLength": 1},
            })),
            ("others", json!({"type": ["array", "null"], "uniqueItems": true}), json!({
                "items": {"type": "string", "format": "uuid", "maxLength": 36}, "maxItems": 1000,
                "description": "The ids of records of `customer`.",
            })),
        ] {
            let mut expect = own;
            expect.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            expect["title"] = field.into();
            assert_eq!(new["properties"][field], expect, "{field}");
        }
        let shown = &schemas["Record_ticket"]["properties"];
        assert_eq!(shown["number"], json!({"type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_992_i64, "readOnly": true, "title": "number"}));
        for written in ["NewRecord_ticket", "RecordPatch_ticket"] {
            assert!(schemas[written]["properties"]["number"].is_null(), "{written}");
        }
        assert!(document["paths"]["/api/v1/records/ticket/{id}"]["patch"].is_object());
        assert!(document["paths"]["/api/v1/records/{entity}"].is_null());
    }

    async fn a_document_is_made_anew_when_the_schema_changes_and_only_then(app: TestApp) {
        let owner = app.register("acme").await;
        let known = async |etag: &str| {
            let request = owner.request(Method::GET, "/openapi.json").header("if-none-match", etag);
            owner.send(request).await
        };
        let first = owner.get("/openapi.json").await.expect(200).header("etag").to_owned();
        assert_eq!(known(&first).await.expect(304).text, "");
        design(&owner).await;
        let second = known(&first).await.expect(200).header("etag").to_owned();
        assert_ne!(first, second);
        known(&second).await.expect(304);
    }

    async fn a_document_shows_what_its_caller_may_use(app: TestApp) {
        let owner = app.register("acme").await;
        design(&owner).await;
        let stranger = app.register("other").await;
        let of_owner = ids(&document(&owner).await);
        for id in ["createRecord_ticket", "changeRecords_vault", "listUsers", "createEntity", "getMe", "login"] {
            assert!(of_owner.contains(id), "{id}: {of_owner:?}");
        }
        // The roles' own permissions, in operations.
        for (role, has, lacks) in [
            ("editor", &["createRecord_ticket", "deleteRecord_vault", "listEntities"][..], &["createEntity", "listUsers", "listAuditEvents"][..]),
            ("viewer", &["listRecords_ticket", "getRecord_vault", "getEntity"], &["createRecord_ticket", "changeRecords_ticket", "deleteEntity", "createUser"]),
        ] {
            let shown = document(&owner.user(role).await).await;
            assert_eq!(breaches(&shown), Vec::<String>::new(), "{role}");
            let shown = ids(&shown);
            assert!(has.iter().all(|id| shown.contains(*id)), "{role}: {shown:?}");
            assert!(!lacks.iter().any(|id| shown.contains(*id)), "{role}: {shown:?}");
            assert!(shown.is_subset(&of_owner), "{role}: {shown:?}");
        }
        let foreign = ids(&document(&stranger).await);
        assert!(!foreign.iter().any(|id| id.ends_with("_ticket")), "{foreign:?}");
        app.anonymous().get("/openapi.json").await.expect_problem(401, "unauthenticated");
        owner.get("/openapi.json?x=1").await.expect_problem(422, "unknown_parameter");
    }
}
