//! Making tenants through the product's API: an owner, entities, a few records in each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::load::{Latency, micros_since};
use crate::product::fill::{create, item, register};
use crate::{Result, rows};

const ENTITIES: u32 = 10;
const RECORDS: u32 = 20;
/// Tenants made at once.
const WORKERS: usize = 8;
/// The last so many are made one at a time and timed.
const TIMED: u32 = 100;

/// What is needed to read it.
pub(super) struct Tenant {
    /// One whole request for each entity, of one record.
    pub(super) reads: Vec<Box<[u8]>>,
    /// The name of the record that the first of them is for.
    pub(super) first_name: String,
}

/// Makes `count` tenants; how long the registration of one took, made alone when nearly all are there.
pub(super) async fn fill(address: SocketAddr, count: u32) -> Result<(Vec<Tenant>, Latency)> {
    let timed = TIMED.min(count / 2);
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let next = Arc::clone(&next);
        workers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count - timed {
                    return Ok::<_, crate::Error>(made);
                }
                if number > 0 && number.is_multiple_of(100) {
                    eprintln!("  {number} of {count} tenants");
                }
                let mut connection = Connection::open(address).await?;
                let headers = register(&mut connection, &code(number)).await?;
                made.push((number, furnish(&mut connection, &headers, number).await?));
            }
        });
    }
    let mut tenants = Vec::new();
    while let Some(worker) = workers.join_next().await {
        tenants.extend(worker??);
    }
    let mut micros = Vec::new();
    for number in count - timed..count {
        let mut connection = Connection::open(address).await?;
        let begun = Instant::now();
        let headers = register(&mut connection, &code(number)).await?;
        micros.push(micros_since(begun));
        tenants.push((number, furnish(&mut connection, &headers, number).await?));
    }
    tenants.sort_unstable_by_key(|(number, _)| *number);
    Ok((tenants.into_iter().map(|(_, tenant)| tenant).collect(), Latency::of(micros)))
}

fn code(number: u32) -> String {
    format!("t{number:06}")
}

/// Entities and records of the tenant of this number, which the records' names tell.
async fn furnish(connection: &mut Connection, headers: &str, number: u32) -> Result<Tenant> {
    let (mut reads, mut first_name) = (Vec::new(), String::new());
    for entity in 0..ENTITIES {
        let name = format!("item_{entity}");
        connection.call("POST", "/api/v1/entities", headers, &item(&name).to_string()).await?;
        let first = (number * ENTITIES + entity) * RECORDS;
        let bodies: Vec<String> = (first..first + RECORDS).map(|row| rows::body(&rows::item(row))).collect();
        let created = create(connection, headers, &name, &bodies).await?;
        // Not the same place in each entity, as callers would not look for it there.
        let at = (number + entity) % RECORDS;
        let record = created.get(at as usize).ok_or("a batch with fewer records than were sent")?;
        let id = record.get("id").and_then(Value::as_str).ok_or("a record without an id")?;
        reads.push(format!("GET /api/v1/records/{name}/{id} HTTP/1.1\r\n{headers}\r\n").into_bytes().into());
        if entity == 0 {
            first_name = rows::item(first + at).name;
        }
    }
    Ok(Tenant { reads, first_name })
}

pub(super) struct Creations {
    pub(super) sent: u32,
    /// Finished in time.
    pub(super) per_second: f64,
}

/// Registers `per_second` tenants a second for `time`, numbered from `first`, none waiting for another.
pub(super) async fn steadily(address: SocketAddr, first: u32, per_second: u32, time: Duration) -> Result<Creations> {
    let until = Instant::now() + time;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let mut under_way = JoinSet::new();
    let mut sent = 0;
    while Instant::now() < until {
        ticks.tick().await;
        let code = code(first + sent);
        sent += 1;
        under_way.spawn(async move {
            register(&mut Connection::open(address).await?, &code).await?;
            Ok::<_, crate::Error>(Instant::now())
        });
    }
    let mut in_time = 0u32;
    while let Some(finished) = under_way.join_next().await {
        in_time += u32::from(finished?? <= until);
    }
    Ok(Creations { sent, per_second: f64::from(in_time) / time.as_secs_f64() })
}
