//! Changes of the schema: what becomes of records, rights and names when entities and fields change, on both stores.

mod conversions;
mod dry_run;
mod fields;
mod kept;
mod later;
mod moved;
mod refused;
mod rights;
mod storm;

use insula_testkit::{Caller, Reply};
use serde_json::{Value, json};

/// An owner with an entity `thing` of these fields.
async fn thing(owner: &Caller, fields: Value) {
    owner.post("/entities", &json!({"name": "thing", "fields": fields})).await.expect(201);
}

/// Makes a record of `thing` and gives its id.
async fn record(owner: &Caller, values: &Value) -> String {
    owner.post("/records/thing", values).await.expect(201).id().to_owned()
}

async fn read(owner: &Caller, id: &str) -> Value {
    owner.get(&format!("/records/thing/{id}")).await.expect(200).body
}

async fn patch_field(owner: &Caller, field: &str, patch: Value) -> Reply {
    owner.patch(&format!("/entities/thing/fields/{field}"), &patch).await
}

async fn add_field(owner: &Caller, field: Value) -> Reply {
    owner.post("/entities/thing/fields", &field).await
}

/// The version of the schema.
async fn version(owner: &Caller) -> i64 {
    owner.get("/schema").await.expect(200).body["version"].as_i64().unwrap()
}
