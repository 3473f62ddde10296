//! The product as a contender: started like an operator starts it, filled through its public API.

pub mod fill;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::Result;
use crate::http::{Connection, call};
use crate::server::Server;

/// What it takes to start it, once or again on the same data.
#[derive(Clone)]
pub struct Installation {
    pub binary: PathBuf,
    pub data: PathBuf,
    /// Absent: SQLite in `data`.
    pub database_url: Option<String>,
}

/// What a contender's requests are made of.
pub struct Session {
    /// Whole lines, with the credentials of whoever may do everything.
    pub headers: String,
    /// Of the items there are from the start.
    pub ids: Vec<String>,
    /// The same lines of somebody whose role has a condition.
    pub limited: String,
}

impl Installation {
    pub fn start(&self, log: &Path) -> Result<Server> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").env_clear();
        command.env("BIND_ADDRESS", "127.0.0.1:0").env("DATA_DIR", &self.data).env("REGISTRATION", "open");
        command.env("LOG_FORMAT", "json").env("LOG_LEVEL", "info");
        // A run outlives an access token of the usual age.
        command.env("ACCESS_TOKEN_EXPIRE_MIN", "1440");
        // A fifth more than usual: where a thousand are measured, those made meanwhile find room beside them.
        command.env("CELL_TENANT_LIMIT", "1200");
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

/// Both contenders must do the same work: the same pages of records, of the same fields, before anything is measured.
pub async fn agrees_with_floor(product: (SocketAddr, &Session), floor: (SocketAddr, &Session)) -> Result<()> {
    for (entity, rest, headers) in [
        ("item", "", (&product.1.headers, &floor.1.headers)),
        ("purchase", "&expand=supplier", (&product.1.limited, &floor.1.limited)),
    ] {
        let path = format!("/api/v1/records/{entity}?filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=25{rest}");
        let theirs = call(product.0, "GET", &path, headers.0, "").await?;
        let ours = call(floor.0, "GET", &path, headers.1, "").await?;
        let (theirs, ours) = (comparable(&theirs), comparable(&ours));
        if theirs != ours {
            return Err(format!("the product answers {path} unlike the floor: {theirs:?} against {ours:?}").into());
        }
    }
    Ok(())
}

/// The due days in order, the names of a record's keys and of its supplier's, and whether more follows. The order among
/// equal days follows ids, which differ.
fn comparable(page: &Value) -> (Vec<&Value>, [BTreeSet<&String>; 2], bool) {
    let items: Vec<&Value> = page.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    let dues = items.iter().filter_map(|item| item.get("due")).collect();
    let first = items.first().copied();
    let keys = [first, first.and_then(|item| item.get("supplier"))]
        .map(|of| of.and_then(Value::as_object).into_iter().flat_map(|of| of.keys()).collect());
    (dues, keys, page.get("next_cursor").is_some_and(Value::is_string))
}
