//! What depth costs: the same lists of a million records and of ten thousand, and a page far down against the first, on
//! each store, of the product alone.

mod report;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::http::{Connection, refused};
use crate::load::{Latency, micros_since};
use crate::postgres::Cluster;
use crate::product::Installation;
use crate::product::fill::{create, item, register};
use crate::report::{Part, save};
use crate::rows::{self, Item};
use crate::run::{log_folder, root};
use crate::workload::Store;
use crate::{Result, machine};

use report::Outcome;

const FEW: u32 = 10_000;
/// A quick run shows that everything runs.
const MANY_QUICK: u32 = 30_000;
const MANY: u32 = 1_000_000;
/// So many have a category in common, in either entity: what depth costs is not that more is found.
const OF_A_CATEGORY: u32 = 100;
const PAGE: u32 = 1_000;
/// Of each kind.
const REQUESTS: usize = 500;
const WARM_UP: usize = 100;

pub struct Selection {
    pub quick: bool,
    pub store: Option<Store>,
}

impl Selection {
    const fn many(&self) -> u32 {
        if self.quick { MANY_QUICK } else { MANY }
    }
}

pub async fn run(selection: &Selection) -> Result<()> {
    let binary = std::env::var_os("INSULA_BIN").map(PathBuf::from).ok_or("INSULA_BIN is not set")?;
    let mut outcomes = Vec::new();
    for store in Store::ALL.into_iter().filter(|store| selection.store.is_none_or(|only| only == *store)) {
        outcomes.push(measure(selection, store, &binary).await?);
    }
    let how = format!("{REQUESTS} requests of each kind, one at a time and in turn, after {WARM_UP} of warm-up.");
    let section = report::section(&machine::describe(&root()), &how, &outcomes);
    println!("{section}");
    if !selection.quick && selection.store.is_none() {
        save(&root().join("docs/performance.md"), Part::Depth, &section)?;
    }
    Ok(())
}

async fn measure(selection: &Selection, store: Store, binary: &Path) -> Result<Outcome> {
    let (folder, logs) = (tempfile::tempdir()?, log_folder()?);
    let cluster = Cluster::for_store(store).await?;
    let name = format!("insula_bench_depth_{}", std::process::id());
    let database_url = match &cluster {
        Some(cluster) => Some(cluster.make(&name).await?),
        None => None,
    };
    let data = folder.path().to_owned();
    let server = Installation { binary: binary.to_owned(), data, database_url }.start(&logs.path().join("product"))?;
    let mut connection = Connection::open(server.address).await?;
    let headers = register(&mut connection, "bench").await?;
    let many = selection.many();
    for (entity, rows) in [("few", FEW), ("many", many)] {
        let begun = Instant::now();
        connection.call("POST", "/api/v1/entities", &headers, &item(entity).to_string()).await?;
        fill(&mut connection, &headers, entity, rows).await?;
        eprintln!("{}: {rows} records made in {:.0} s", store.title(), begun.elapsed().as_secs_f64());
    }
    if let Some(cluster) = &cluster {
        cluster.settle(&name).await?;
    }
    let far = cursor_before(&mut connection, &headers, PAGE).await?;
    let mut requests = Requests { headers: &headers, turn: 0 };
    let mut micros: [Vec<u32>; 5] = Default::default();
    for turn in 0..WARM_UP + REQUESTS {
        for (request, micros) in requests.next(many, &far).iter().zip(&mut micros) {
            let begun = Instant::now();
            let answer = connection.exchange(request.as_bytes()).await?;
            let took = micros_since(begun);
            if !answer.is_success() {
                return Err(refused("a list", &answer).into());
            }
            if turn >= WARM_UP {
                micros.push(took);
            }
        }
    }
    server.stop()?;
    if let Some(cluster) = &cluster {
        cluster.remove(&name).await?;
    }
    let [few_found, many_found, few_first, many_first, many_far] = micros.map(Latency::of);
    Ok(Outcome { store, many, few_found, many_found, few_first, many_first, many_far })
}

/// So many categories among so many rows.
const fn categories(rows: u32) -> u32 {
    rows / OF_A_CATEGORY
}

fn category(number: u32) -> String {
    format!("d{number:05}")
}

/// A thousand records a request: no more stand in memory here.
async fn fill(connection: &mut Connection, headers: &str, entity: &str, rows: u32) -> Result<()> {
    for first in (0..rows).step_by(1_000) {
        let body = |number| rows::body(&Item { category: category(number % categories(rows)), ..rows::item(number) });
        let bodies: Vec<String> = (first..first + 1_000).map(body).collect();
        create(connection, headers, entity, &bodies).await?;
    }
    Ok(())
}

/// The cursor that leads to this page, found by reading all before it.
async fn cursor_before(connection: &mut Connection, headers: &str, page: u32) -> Result<String> {
    let mut cursor = String::new();
    for _ in 1..page {
        let answer = connection.call("GET", &first_page("many", &cursor), headers, "").await?;
        let next = answer.get("next_cursor").and_then(Value::as_str).ok_or("the last page came too early")?;
        cursor = format!("&cursor={next}");
    }
    Ok(cursor)
}

/// The first page in the order of an indexed field, or the one behind a cursor.
fn first_page(entity: &str, cursor: &str) -> String {
    format!("/api/v1/records/{entity}?sort=-due&limit=25{cursor}")
}

struct Requests<'a> {
    headers: &'a str,
    turn: u64,
}

impl Requests<'_> {
    /// One of each kind: of a category and sorted, few and many; the first page, few and many; the page far down.
    fn next(&mut self, many: u32, far: &str) -> [String; 5] {
        self.turn += 1;
        let found = |entity: &str, rows: u32| {
            let number = rows::mix(self.turn) % u64::from(categories(rows));
            let category = category(u32::try_from(number).unwrap_or(0));
            format!("/api/v1/records/{entity}?filter=category%20%3D%3D%20%22{category}%22&sort=-due&limit=25")
        };
        let paths = [
            found("few", FEW),
            found("many", many),
            first_page("few", ""),
            first_page("many", ""),
            first_page("many", far),
        ];
        paths.map(|path| format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers))
    }
}
