//! The server tried by its own documents: schemathesis makes requests that fit them and requests that do not, and holds
//! every answer to what is documented.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use insula_testkit::openapi::operations;
use insula_testkit::{Caller, Store, TestApp};
use serde_json::{Value, json};

/// Of a hundred operations, so many must succeed at least once: what is always refused was never tried.
const REACHED_PERCENT: usize = 80;
/// No request that is made up succeeds here: they have tests of their own.
const NEED_A_CODE: [&str; 3] = ["confirmAuthenticator", "removeAuthenticator", "verifySecondFactor"];

/// An organisation with something to work on, and a member to be signed out.
async fn world(app: &TestApp) -> (Caller, Caller) {
    let owner = app.register("acme").await;
    for entity in [
        json!({"name": "customer", "fields": [{"name": "name", "type": "text", "required": true, "max_length": 80}]}),
        json!({"name": "ticket", "fields": [
            {"name": "title", "type": "text", "required": true, "min_length": 2, "max_length": 40},
            {"name": "key", "type": "code", "unique": true},
            {"name": "priority", "type": "integer", "min": 1, "max": 5, "default": 3, "required": true},
            {"name": "price", "type": "decimal", "precision": 9, "scale": 2, "min": "0.00", "max": "9999999.99"},
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
        ]}),
        json!({"name": "spare", "fields": []}),
    ] {
        owner.post("/entities", &entity).await.expect(201);
    }
    let customer = owner.post("/records/customer", &json!({"name": "Acme"})).await.expect(201).id().to_owned();
    owner.post("/records/ticket", &json!({"title": "The roof leaks", "customer": customer})).await.expect(201);
    let spare = owner.user("editor").await;
    (owner, spare)
}

async fn try_tenant(store: Store) {
    let app = TestApp::start(store).await;
    let (owner, spare) = world(&app).await;
    let document = owner.get("/openapi.json").await.expect(200).body;
    // What an entity's definition may hold is one code for both stores, and most of the cases.
    let phases = if store == Store::Sqlite { "examples,coverage,fuzzing" } else { "examples,fuzzing" };
    check(&app, &owner, &spare, document, phases).await;
}

async fn try_platform(store: Store) {
    let app = TestApp::start(store).await;
    let (owner, spare) = world(&app).await;
    let mut document = app.anonymous().get("/api/openapi.json").await.expect(200).body;
    // A name made up at random is no entity's; which there are, an organisation's own document tells.
    name_the_entity(&mut document);
    check(&app, &owner, &spare, document, "examples,fuzzing").await;
}

fn name_the_entity(document: &mut Value) {
    let paths = document["paths"].as_object_mut().unwrap();
    for item in paths.iter_mut().filter(|(path, _)| path.starts_with("/api/v1/records/")).map(|(_, item)| item) {
        for operation in item.as_object_mut().unwrap().values_mut() {
            for parameter in
                operation["parameters"].as_array_mut().unwrap().iter_mut().filter(|p| p["name"] == "entity")
            {
                parameter["schema"] = json!({"type": "string", "maxLength": 8, "enum": ["customer"]});
            }
        }
    }
}

/// Nothing that is described makes a job: one is made by a request with a key.
async fn name_the_job(document: &mut Value, owner: &Caller) {
    let request = owner.request(reqwest::Method::POST, "/records/customer").header("idempotency-key", "k");
    owner.send(request.json(&json!({"name": "Best"}))).await.expect(201);
    let jobs = owner.get("/jobs").await.expect(200);
    let paths = document["paths"].as_object_mut().unwrap();
    for item in paths.iter_mut().filter(|(path, _)| path.starts_with("/api/v1/jobs/")).map(|(_, item)| item) {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let parameters = operation["parameters"].as_array_mut().unwrap();
            for parameter in parameters.iter_mut().filter(|parameter| parameter["name"] == "id") {
                parameter["schema"] = json!({"type": "string", "maxLength": 36, "enum": [jobs.items()[0]["id"]]});
            }
        }
    }
}

async fn check(app: &TestApp, owner: &Caller, spare: &Caller, mut document: Value, phases: &str) {
    name_the_job(&mut document, owner).await;
    // To be changed: the document knows nothing of their records.
    for name in ["renamed", "drawn"] {
        let fields = json!([{"name": "note", "type": "text"}, {"name": "gone", "type": "text"}]);
        owner.post("/entities", &json!({"name": name, "fields": fields})).await.expect(201);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let program = std::env::var_os("INSULA_SCHEMATHESIS").expect("no INSULA_SCHEMATHESIS: run `cargo xtask test`");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/schemathesis.toml");
    let mut command = Command::new(program);
    command.args(["--no-color", "--config-file", config, "run"]).arg(&path);
    command.args(["--url", app.url(), "--phases", phases, "--seed", "7", "--no-shrink", "--continue-on-failure"]);
    command.args(["--report", "ndjson", "--report-ndjson-path", "report"]).current_dir(folder.path());
    command.env("INSULA_TOKEN", owner.token.as_deref().unwrap());
    command.env("INSULA_SPARE_TOKEN", spare.token.as_deref().unwrap());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("schemathesis runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));

    let seen = statuses(&folder.path().join("report"));
    let all: BTreeSet<String> = operations(&document)
        .into_values()
        // Found by superusers alone, and the token is a member's.
        .filter(|operation| !operation.path.starts_with("/api/v1/platform/"))
        // Only an authenticator knows what these ask for.
        .filter(|operation| !NEED_A_CODE.contains(&operation.id.as_str()))
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    let reached =
        |label: &&String| seen.get(*label).is_some_and(|statuses| statuses.iter().any(|s| (200..300).contains(s)));
    let missed: Vec<_> = all.iter().filter(|label| !reached(label)).collect();
    let enough = missed.len() * 100 <= all.len() * (100 - REACHED_PERCENT);
    assert!(enough, "{} of {} operations never succeeded: {missed:?}", missed.len(), all.len());
}

/// The statuses each operation answered, from the report.
fn statuses(report: &Path) -> BTreeMap<String, BTreeSet<u64>> {
    let mut seen: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in std::fs::read_to_string(report).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(label) = recorder["label"].as_str() else { continue };
        let interactions = recorder["interactions"].as_object().into_iter().flat_map(|all| all.values());
        let statuses = interactions.filter_map(|interaction| interaction["response"]["status_code"].as_u64());
        seen.entry(label.to_owned()).or_default().extend(statuses);
    }
    seen
}

runs! {
    req_g1_a_tenants_document_is_kept_on_sqlite: try_tenant on Sqlite;
    req_g1_a_tenants_document_is_kept_on_postgres: try_tenant on Postgres;
    req_g1_the_platform_document_is_kept_on_sqlite: try_platform on Sqlite;
    req_g1_the_platform_document_is_kept_on_postgres: try_platform on Postgres;
}
