//! An organisation with rows to measure, made through the product's API.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::Session;
use crate::http::Connection;
use crate::{Result, rows};

const HOST: &str = "Host: bench.example\r\n";
const PASSWORD: &str = "plover-granite-47-Oxbow-tundra";

/// Registers an organisation; the headers by which its owner is known from now on.
pub async fn register(connection: &mut Connection, code: &str) -> Result<String> {
    let owner = json!({
        "tenant": {"code": code, "name": "Bench"},
        "email": format!("owner@{code}.example"),
        "password": PASSWORD,
        "full_name": "Bench Owner",
    });
    let tokens = connection.call("POST", "/api/v1/auth/register", HOST, &owner.to_string()).await?;
    bearer(&tokens)
}

/// The headers of whoever was given these tokens.
fn bearer(tokens: &Value) -> Result<String> {
    let token = tokens.get("access_token").and_then(Value::as_str).ok_or("no access token was given")?;
    Ok(format!("{HOST}Authorization: Bearer {token}\r\n"))
}

/// The entity of an item, under this name.
pub fn item(name: &str) -> Value {
    json!({
        "name": name, "label": "Item", "plural_label": "Items", "title_field": "name",
        "fields": [
            {"name": "name", "label": "Name", "type": "text", "required": true, "max_length": 200},
            {"name": "category", "label": "Category", "type": "code", "indexed": true},
            {"name": "quantity", "label": "Quantity", "type": "integer"},
            {"name": "price", "label": "Price", "type": "decimal", "precision": 12, "scale": 2},
            {"name": "due", "label": "Due", "type": "date", "indexed": true},
        ],
    })
}

/// Makes records a thousand at once; answers them.
pub async fn create(connection: &mut Connection, headers: &str, entity: &str, bodies: &[String]) -> Result<Vec<Value>> {
    let mut records = Vec::with_capacity(bodies.len());
    for chunk in bodies.chunks(1_000) {
        let path = format!("/api/v1/records/{entity}/batch");
        let mut answer = connection.call("POST", &path, headers, &rows::batch_body(chunk)).await?;
        match answer.get_mut("created").map(Value::take) {
            Some(Value::Array(created)) => records.extend(created),
            _ => return Err("a batch without `created`".into()),
        }
    }
    if records.len() != bodies.len() {
        return Err(format!("{} rows were sent, {} came back", bodies.len(), records.len()).into());
    }
    Ok(records)
}

fn ids(records: &[Value]) -> Vec<String> {
    records.iter().filter_map(|record| Some(record.get("id")?.as_str()?.to_owned())).collect()
}

/// Registers a tenant, makes its entities and rows, and somebody who sees half of the purchases.
pub async fn fill(address: SocketAddr) -> Result<Session> {
    let mut connection = Connection::open(address).await?;
    let headers = register(&mut connection, "bench").await?;
    let supplier = json!({
        "name": "supplier", "label": "Supplier", "plural_label": "Suppliers", "title_field": "name",
        "fields": [
            {"name": "name", "label": "Name", "type": "text", "required": true, "max_length": 200},
            {"name": "city", "label": "City", "type": "text", "max_length": 200},
        ],
    });
    let mut purchase = item("purchase");
    if let Some(Value::Array(fields)) = purchase.get_mut("fields") {
        let relation = json!({"name": "supplier", "label": "Supplier", "type": "relation", "target": "supplier"});
        fields.push(relation);
    }
    for entity in [item("item"), supplier, purchase] {
        connection.call("POST", "/api/v1/entities", &headers, &entity.to_string()).await?;
    }
    let items: Vec<String> = (0..rows::COUNT).map(|number| rows::body(&rows::item(number))).collect();
    let items = ids(&create(&mut connection, &headers, "item", &items).await?);
    let suppliers: Vec<String> = (0..rows::SUPPLIERS).map(|n| rows::supplier_body(&rows::supplier(n))).collect();
    let suppliers = ids(&create(&mut connection, &headers, "supplier", &suppliers).await?);
    let purchase = |n| {
        let supplier = suppliers.get(rows::supplier_of(n) as usize).map_or("", String::as_str);
        rows::purchase_body(&rows::item(n), supplier)
    };
    let purchases: Vec<String> = (0..rows::COUNT).map(purchase).collect();
    create(&mut connection, &headers, "purchase", &purchases).await?;
    let limited = buyer(&mut connection, &headers).await?;
    Ok(Session { headers, ids: items, limited })
}

/// A user whose role is limited to the purchases that meet the rule.
async fn buyer(connection: &mut Connection, owner: &str) -> Result<String> {
    let email = "buyer@bench.example";
    let role = json!({"code": "buyer", "name": "Buyer", "grants": [
        {"resource": "records:purchase", "actions": ["read"], "scope": "tenant", "where": rows::RULE},
        {"resource": "records:supplier", "actions": ["read"], "scope": "tenant"},
    ]});
    connection.call("POST", "/api/v1/roles", owner, &role.to_string()).await?;
    let user = json!({"email": email, "full_name": "Bench Buyer", "password": PASSWORD, "roles": ["buyer"]});
    connection.call("POST", "/api/v1/users", owner, &user.to_string()).await?;
    let login = json!({"email": email, "password": PASSWORD});
    bearer(&connection.call("POST", "/api/v1/auth/login", HOST, &login.to_string()).await?)
}
