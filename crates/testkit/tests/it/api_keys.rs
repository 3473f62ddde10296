//! API keys (requirement B8): what they reach, how they end, and that nothing keeps them.

mod ends;
mod made;
mod nowhere;
mod reach;
mod services;

use insula_testkit::{Caller, TestApp};
use serde_json::{Value, json};

/// A key of `caller`'s with these scopes: who calls with it, and its id.
async fn key_of(caller: &Caller, scopes: Value) -> (Caller, String) {
    let made = caller.post("/api-keys", &json!({"name": "robot", "scopes": scopes})).await.expect(201);
    (caller.with_token(made.body["key"].as_str().unwrap()), made.id().to_owned())
}

fn on(resource: &str, actions: &[&str]) -> Value {
    json!({"resource": resource, "actions": actions})
}

async fn account_of(caller: &Caller) -> String {
    caller.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned()
}

/// An organisation with tickets, one of each status.
async fn desk(app: &TestApp) -> Caller {
    let owner = app.register("acme").await;
    let fields = json!([
        {"name": "title", "type": "text", "required": true}, {"name": "status", "type": "text"},
        {"name": "cost", "type": "integer"},
    ]);
    owner.post("/entities", &json!({"name": "ticket", "fields": fields})).await.expect(201);
    for status in ["open", "done"] {
        let ticket = json!({"title": status, "status": status, "cost": 5});
        owner.post("/records/ticket", &ticket).await.expect(201);
    }
    owner
}
