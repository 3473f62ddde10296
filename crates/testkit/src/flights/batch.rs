//! Records on their way to `POST /api/v1/records/{entity}/batch`.

use std::collections::HashMap;

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Error, Result};
use crate::client::Client;

/// The most records the API takes at once.
const FULL: usize = 1_000;
/// The next batch is written and sent while the server stores one; more would only queue there.
const AT_ONCE: usize = 2;

/// The body of one batch as it is written, with the keys others will know its records by.
pub(super) struct Batch {
    body: Vec<u8>,
    keys: Vec<String>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { body: br#"{"mode":"atomic","create":["#.to_vec(), keys: Vec::new() }
    }
}

impl Batch {
    pub(super) fn add(&mut self, key: String, record: &impl Serialize) -> Result<()> {
        if !self.keys.is_empty() {
            self.body.push(b',');
        }
        self.keys.push(key);
        serde_json::to_writer(&mut self.body, record).map_err(|error| Error::Data(error.to_string()))
    }

    pub(super) const fn is_full(&self) -> bool {
        self.keys.len() >= FULL
    }

    /// The body complete, and the keys in its order.
    pub(super) fn into_parts(mut self) -> (Vec<u8>, Vec<String>) {
        self.body.extend_from_slice(b"]}");
        (self.body, self.keys)
    }
}

#[derive(Deserialize)]
struct Answer {
    created: Vec<Created>,
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

/// The batches of one entity in flight, and what has come back of them.
pub(super) struct Lanes {
    client: Client,
    path: String,
    bar: ProgressBar,
    sent: JoinSet<Result<Vec<(String, Uuid)>>>,
    ids: HashMap<String, Uuid>,
}

impl Lanes {
    pub(super) fn new(client: &Client, entity: &str, bar: ProgressBar) -> Self {
        let path = format!("/api/v1/records/{entity}/batch");
        Self { client: client.clone(), path, bar, sent: JoinSet::new(), ids: HashMap::new() }
    }

    /// Waits for an earlier one first where enough are under way.
    pub(super) async fn send(&mut self, batch: Batch) -> Result<()> {
        if self.sent.len() >= AT_ONCE {
            self.receive().await?;
        }
        self.sent.spawn(send(self.client.clone(), self.path.clone(), batch));
        Ok(())
    }

    /// Sends what is left and gives the ids of all records by their keys.
    pub(super) async fn finish(mut self, rest: Batch) -> Result<HashMap<String, Uuid>> {
        if !rest.keys.is_empty() {
            self.send(rest).await?;
        }
        while !self.sent.is_empty() {
            self.receive().await?;
        }
        self.bar.finish();
        Ok(self.ids)
    }

    async fn receive(&mut self) -> Result<()> {
        let Some(done) = self.sent.join_next().await else { return Ok(()) };
        let created = done.map_err(|error| Error::Data(error.to_string()))??;
        self.bar.inc(u64::try_from(created.len()).unwrap_or(0));
        self.ids.extend(created);
        Ok(())
    }
}

async fn send(client: Client, path: String, batch: Batch) -> Result<Vec<(String, Uuid)>> {
    let (body, keys) = batch.into_parts();
    let answer: Answer = client.post(&path, body).await?;
    if answer.created.len() != keys.len() {
        let told = format!("{path} was given {} records and made {}", keys.len(), answer.created.len());
        return Err(crate::client::Error::Unexpected(told).into());
    }
    Ok(keys.into_iter().zip(answer.created.into_iter().map(|created| created.id)).collect())
}
