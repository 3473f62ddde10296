//! What a tenant costs: many of them against ten, each with entities and records of its own, on one store.
//!
//! All are made through the product's API, by a server that differs from the product in one thing: its password hash is
//! bcrypt's cheapest. What is measured afterwards is measured on the product itself, over the same data.

mod fill;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::http::{Connection, refused};
use crate::load::{self, Latency, Requests, Span, micros_since};
use crate::postgres::Cluster;
use crate::product::Installation;
use crate::report::Part;
use crate::run::{log_folder, root, span};
use crate::server::Server;
use crate::workload::Store;
use crate::{Result, machine};

use fill::Tenant;
use report::Outcome;

/// Against which the many are measured.
const FEW: u32 = 10;
const CONNECTIONS: usize = 16;
/// How many tenants are made per second while others are read.
const MADE_PER_SECOND: u32 = 5;

pub struct Selection {
    pub tenants: u32,
    pub quick: bool,
    pub store: Option<Store>,
}

impl Selection {
    const fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }
}

/// The product and its twin with the cheap hash.
struct Binaries {
    product: PathBuf,
    quick: PathBuf,
}

impl Binaries {
    fn given() -> Result<Self> {
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or(format!("{name} is not set"));
        Ok(Self { product: path("INSULA_BIN")?, quick: path("INSULA_QUICK_HASH_BIN")? })
    }
}

pub async fn run(selection: &Selection) -> Result<()> {
    if selection.tenants < FEW {
        return Err(format!("at least {FEW} tenants").into());
    }
    let binaries = Binaries::given()?;
    for store in Store::ALL.into_iter().filter(|store| selection.store.is_none_or(|only| only == *store)) {
        let outcome = measure(selection, store, &binaries).await?;
        let Span { warm_up, measured } = span(selection.quick);
        let how = format!(
            "Reads: {} round(s), interleaved, {} s each after {} s of warm-up, {CONNECTIONS} connections; medians.",
            selection.rounds(),
            measured.as_secs_f64(),
            warm_up.as_secs_f64(),
        );
        let section = report::section(&machine::describe(&root()), &how, &outcome);
        println!("{section}");
        if !selection.quick {
            crate::report::save(&root().join("docs/performance.md"), Part::Tenants(store), &section)?;
        }
    }
    Ok(())
}

async fn measure(selection: &Selection, store: Store, binaries: &Binaries) -> Result<Outcome> {
    let (folder, logs) = (tempfile::tempdir()?, log_folder()?);
    let cluster = Cluster::for_store(store).await?;
    let place = Place { store, binaries, folder: folder.path(), logs: logs.path(), cluster: cluster.as_ref() };
    let few = place.settle("few", FEW).await?;
    let many = place.settle("many", selection.tenants).await?;

    let few_server = few.installation.start(&logs.path().join("few"))?;
    let server = many.installation.start(&logs.path().join("many"))?;
    let (first_read, second_read) = open_in_turn(&server, &many.tenants).await?;
    let opened_mib = server.resident_mib()?;
    open_in_turn(&few_server, &few.tenants).await?;

    let [few_requests, many_requests] = [&few, &many].map(|side| side.requests());
    let span = span(selection.quick);
    let quick = match store {
        Store::Sqlite => None,
        // A node beside the product, on the same database.
        Store::Postgres => Some(many.quick(binaries).start(&logs.path().join("beside"))?),
    };
    let (mut of_few, mut of_many, mut while_made, mut made) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut next = selection.tenants;
    for round in 0..selection.rounds() {
        eprintln!("{}: reading, round {}", store.title(), round + 1);
        of_few.push(load::run(few_server.address, &few_requests, CONNECTIONS, span).await?.figures);
        of_many.push(load::run(server.address, &many_requests, CONNECTIONS, span).await?.figures);
        if let Some(quick) = &quick {
            let reads = load::run(server.address, &many_requests, CONNECTIONS, span);
            let creations = fill::steadily(quick.address, next, MADE_PER_SECOND, span.warm_up + span.measured);
            let (reads, creations) = tokio::join!(reads, creations);
            while_made.push(reads?.figures);
            let creations = creations?;
            next += creations.sent;
            made.push(creations.per_second);
        }
    }
    let after_mib = server.resident_mib()?;
    for server in [few_server, server].into_iter().chain(quick) {
        server.stop()?;
    }
    if let Some(cluster) = &cluster {
        for database in [few.database, many.database].iter().flatten() {
            cluster.remove(database).await?;
        }
    }
    made.sort_by(f64::total_cmp);
    Ok(Outcome {
        store,
        tenants: selection.tenants,
        made: many.made,
        first_read,
        second_read,
        opened_mib,
        after_mib,
        few: load::medians(&of_few),
        many: load::medians(&of_many),
        while_made: made.get(made.len() / 2).map(|per_second| (load::medians(&while_made), *per_second)),
    })
}

/// Where installations are made.
struct Place<'a> {
    store: Store,
    binaries: &'a Binaries,
    folder: &'a Path,
    logs: &'a Path,
    cluster: Option<&'a Cluster>,
}

/// An installation with its tenants, not running.
struct Side {
    installation: Installation,
    database: Option<String>,
    tenants: Vec<Tenant>,
    /// How long it took to make one of the last of them, alone.
    made: Latency,
}

impl Place<'_> {
    async fn settle(&self, name: &str, tenants: u32) -> Result<Side> {
        let data = self.folder.join(name);
        std::fs::create_dir(&data)?;
        let (mut database, mut database_url) = (None, None);
        if let Some(cluster) = self.cluster {
            let name = format!("insula_bench_{name}_{}", std::process::id());
            database_url = Some(cluster.make(&name).await?);
            database = Some(name);
        }
        let binary = self.binaries.product.clone();
        let mut side = Side {
            installation: Installation { binary, data, database_url },
            database,
            tenants: Vec::new(),
            made: Latency::of(Vec::new()),
        };
        let server = side.quick(self.binaries).start(&self.logs.join("filling"))?;
        let begun = Instant::now();
        (side.tenants, side.made) = fill::fill(server.address, tenants).await?;
        server.stop()?;
        let took = begun.elapsed().as_secs_f64();
        eprintln!("{}: {tenants} tenants made and filled in {took:.0} s", self.store.title());
        if let (Some(cluster), Some(database)) = (self.cluster, &side.database) {
            cluster.settle(database).await?;
        }
        Ok(side)
    }
}

impl Side {
    /// The same data under the twin.
    fn quick(&self, binaries: &Binaries) -> Installation {
        Installation { binary: binaries.quick.clone(), ..self.installation.clone() }
    }

    fn requests(&self) -> Arc<Requests> {
        Arc::new(Requests::of_tenants(self.tenants.iter().map(|tenant| tenant.reads.clone()).collect()))
    }
}

/// Two reads of each tenant, the first of which has everything to find out. Each must come from where it was asked of.
async fn open_in_turn(server: &Server, tenants: &[Tenant]) -> Result<(Latency, Latency)> {
    let mut connection = Connection::open(server.address).await?;
    let mut micros = [Vec::with_capacity(tenants.len()), Vec::with_capacity(tenants.len())];
    for tenant in tenants {
        for micros in &mut micros {
            let read = tenant.reads.first().ok_or("a tenant without records")?;
            let begun = Instant::now();
            let answer = connection.exchange(read).await?;
            micros.push(micros_since(begun));
            if !answer.is_success() {
                return Err(refused("a tenant's read", &answer).into());
            }
            let record: serde_json::Value = serde_json::from_slice(answer.body)?;
            if record.get("name").and_then(serde_json::Value::as_str) != Some(&tenant.first_name) {
                return Err(format!("void: {} was asked for, {record} came", tenant.first_name).into());
            }
        }
    }
    let [first, second] = micros;
    Ok((Latency::of(first), Latency::of(second)))
}
