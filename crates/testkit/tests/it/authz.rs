//! Custom roles, held to their promises through the API: rows, fields, sums, escalation, groups, and the policy as a
//! whole.

mod adding_up;
mod escalation;
mod fields;
mod groups;
mod policy;
mod roles;
mod rows;
mod writes;

use insula_testkit::{Caller, Reply, TestApp};
use serde_json::{Value, json};

/// Two customers, `de` and `fr`, and a ticket of each.
struct Desk {
    owner: Caller,
    de: String,
    fr: String,
    de_ticket: String,
    fr_ticket: String,
}

async fn desk(app: &TestApp) -> Desk {
    let owner = app.register("acme").await;
    let customer = json!({"name": "customer", "fields": [
        {"name": "name", "type": "text", "required": true},
        {"name": "country", "type": "text"},
        {"name": "rating", "type": "integer"},
    ]});
    owner.post("/entities", &customer).await.expect(201);
    let ticket = json!({"name": "ticket", "title_field": "title", "fields": [
        {"name": "title", "type": "text", "required": true},
        {"name": "status", "type": "choice", "options": ["open", "done"]},
        {"name": "cost", "type": "integer"},
        {"name": "number", "type": "code", "unique": true},
        {"name": "customer", "type": "relation", "target": "customer", "on_delete": "restrict"},
        {"name": "parent", "type": "relation", "target": "ticket", "on_delete": "cascade"},
        {"name": "seen_at", "type": "relation", "target": "customer", "on_delete": "set_null"},
    ]});
    owner.post("/entities", &ticket).await.expect(201);
    let de = made(&owner, "customer", json!({"name": "Dorn", "country": "DE", "rating": 5})).await;
    let fr = made(&owner, "customer", json!({"name": "Fleur", "country": "FR", "rating": 7})).await;
    let ticket = |title: &str, cost: i64, number: &str, customer: &str| json!({"title": title, "status": "open", "cost": cost, "number": number, "customer": customer});
    let de_ticket = made(&owner, "ticket", ticket("of de", 10, "T-1", &de)).await;
    let fr_ticket = made(&owner, "ticket", ticket("of fr", 20, "T-2", &fr)).await;
    Desk { owner, de, fr, de_ticket, fr_ticket }
}

async fn made(caller: &Caller, entity: &str, body: Value) -> String {
    caller.post(&format!("/records/{entity}"), &body).await.expect(201).id().to_owned()
}

/// Makes a role and gives its id.
async fn role(owner: &Caller, code: &str, grants: Value) -> String {
    owner.post("/roles", &json!({"code": code, "name": code, "grants": grants})).await.expect(201).id().to_owned()
}

/// Makes a role and a user who has it alone.
async fn user_with(owner: &Caller, code: &str, grants: Value) -> Caller {
    role(owner, code, grants).await;
    owner.user(code).await
}

fn titles(reply: Reply) -> Vec<String> {
    let reply = reply.expect(200);
    reply.items().iter().map(|record| record["title"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a trail tells but of sessions, which arrives in its own time.
async fn changes(caller: &Caller) -> Vec<Value> {
    let trail = caller.get("/audit?limit=1000").await.expect(200);
    trail.items().iter().filter(|event| !event["action"].as_str().unwrap().starts_with("session.")).cloned().collect()
}

fn keys(record: &Value) -> Vec<&str> {
    record.as_object().map(|record| record.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// A refusal without what differs from request to request.
fn masked(reply: &Reply, written: &str) -> String {
    let (id, path) = (reply.header("x-request-id"), reply.body["instance"].as_str().unwrap_or_default());
    reply.text.replace(id, "").replace(path, "").replace(written, "…")
}
