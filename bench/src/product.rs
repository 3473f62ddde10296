//! The product as a contender: started like an operator starts it, filled through its public API.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::http::{Connection, call};
use crate::rows;
use crate::server::Server;

/// What it takes to start it, once or again on the same data.
pub struct Installation {
    pub binary: PathBuf,
    pub data: PathBuf,
    /// Absent: SQLite in `data`.
    pub database_url: Option<String>,
}

/// Credentials and the ids of the rows it holds.
pub struct Session {
    pub headers: String,
    pub ids: Vec<String>,
}

impl Installation {
    pub fn start(&self, log: &Path) -> Result<Server> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").env_clear();
        command.env("BIND_ADDRESS", "127.0.0.1:0").env("DATA_DIR", &self.data).env("REGISTRATION", "open");
        command.env("LOG_FORMAT", "json").env("LOG_LEVEL", "info");
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        Server::start(&mut command, log)
    }

    /// From asking for the process to the first 200 of a record, on the data as it is.
    pub async fn start_to_first_answer(&self, log: &Path, session: &Session) -> Result<Duration> {
        let server = self.start(log)?;
        let id = session.ids.first().ok_or("no record to read")?;
        let request = format!("GET /api/v1/records/item/{id} HTTP/1.1\r\n{}\r\n", session.headers);
        let mut connection = Connection::open(server.address).await?;
        let answer = connection.exchange(request.as_bytes()).await?;
        if answer.status != 200 {
            return Err(crate::http::refused("the first request after a restart", &answer).into());
        }
        let took = server.asked.elapsed();
        server.stop()?;
        Ok(took)
    }
}

/// Registers a tenant, makes the entity `item` and its rows.
pub async fn fill(address: SocketAddr) -> Result<Session> {
    let host = format!("Host: {address}\r\n");
    let owner = json!({
        "tenant": {"code": "bench", "name": "Bench"},
        "email": "owner@bench.example",
        "password": "plover-granite-47-Oxbow-tundra",
        "full_name": "Bench Owner",
    });
    let tokens = call(address, "POST", "/api/v1/auth/register", &host, &owner.to_string()).await?;
    let token = tokens.get("access_token").and_then(Value::as_str).ok_or("registering gave no access token")?;
    let headers = format!("{host}Authorization: Bearer {token}\r\n");

    let entity = json!({
        "name": "item", "label": "Item", "plural_label": "Items", "title_field": "name",
        "fields": [
            {"name": "name", "label": "Name", "type": "text", "required": true, "max_length": 200},
            {"name": "category", "label": "Category", "type": "code", "indexed": true},
            {"name": "quantity", "label": "Quantity", "type": "integer"},
            {"name": "price", "label": "Price", "type": "decimal", "precision": 12, "scale": 2},
            {"name": "due", "label": "Due", "type": "date", "indexed": true},
        ],
    });
    call(address, "POST", "/api/v1/entities", &headers, &entity.to_string()).await?;

    let mut ids = Vec::with_capacity(rows::COUNT as usize);
    let numbers: Vec<u32> = (0..rows::COUNT).collect();
    for chunk in numbers.chunks(1_000) {
        let records: Vec<String> = chunk.iter().map(|number| rows::body(&rows::item(*number))).collect();
        let batch = format!(r#"{{"create":[{}],"mode":"atomic"}}"#, records.join(","));
        let answer = call(address, "POST", "/api/v1/records/item/batch", &headers, &batch).await?;
        let created = answer.get("created").and_then(Value::as_array).ok_or("a batch without `created`")?;
        ids.extend(created.iter().filter_map(|record| Some(record.get("id")?.as_str()?.to_owned())));
    }
    if ids.len() != numbers.len() {
        return Err(format!("{} rows were sent, {} ids came back", numbers.len(), ids.len()).into());
    }
    Ok(Session { headers, ids })
}

/// Both contenders must do the same work: the same page of records, of the same fields, before anything is measured.
pub async fn agrees_with_floor(product: (SocketAddr, &str), floor: (SocketAddr, &str)) -> Result<()> {
    let path = "/api/v1/records/item?filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=25";
    let theirs = call(product.0, "GET", path, product.1, "").await?;
    let ours = call(floor.0, "GET", path, floor.1, "").await?;
    let (theirs, ours) = (comparable(&theirs), comparable(&ours));
    if theirs != ours {
        return Err(format!("the product answers a list unlike the floor: {theirs:?} against {ours:?}").into());
    }
    Ok(())
}

/// The due days in order, the names of a record's keys, and whether more follows. The order among equal days follows ids, which differ.
fn comparable(page: &Value) -> (Vec<&Value>, BTreeSet<&String>, bool) {
    let items: Vec<&Value> = page.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    let dues = items.iter().filter_map(|item| item.get("due")).collect();
    let keys = items.first().and_then(|item| item.as_object()).into_iter().flat_map(|item| item.keys()).collect();
    (dues, keys, page.get("next_cursor").is_some_and(Value::is_string))
}
