//! A whole run: both contenders on each store, in turn, round by round.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::load::{self, Figures, Requests, Span};
use crate::postgres::Cluster;
use crate::product::{self, Installation, Session};
use crate::report::{Footprint, Line, Part};
use crate::server::Server;
use crate::workload::{Store, Workload};
use crate::{Result, audit, machine, report, rows};

/// What of the bench to run; a part of it is printed, only a whole run is kept.
pub struct Selection {
    pub quick: bool,
    pub store: Option<Store>,
    pub workload: Option<Workload>,
    pub connections: Option<usize>,
}

impl Selection {
    fn is_whole(&self) -> bool {
        !self.quick && self.store.is_none() && self.workload.is_none() && self.connections.is_none()
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    fn span(&self) -> Span {
        span(self.quick)
    }
}

/// How long one measurement takes.
pub(crate) fn span(quick: bool) -> Span {
    let (warm_up, measured) = if quick { (200, 1_000) } else { (2_000, 5_000) };
    Span { warm_up: Duration::from_millis(warm_up), measured: Duration::from_millis(measured) }
}

pub async fn run(selection: &Selection) -> Result<()> {
    let binary = std::env::var_os("INSULA_BIN").map(PathBuf::from);
    if binary.is_none() {
        eprintln!("INSULA_BIN is not set: the floor alone");
    }
    let (mut lines, mut footprints) = (Vec::new(), Vec::new());
    for store in Store::ALL.into_iter().filter(|store| selection.store.is_none_or(|only| only == *store)) {
        let field = Field::prepare(store, binary.as_deref()).await?;
        lines.extend(field.measure(selection).await?);
        footprints.extend(field.finish().await?);
    }
    let Span { warm_up, measured } = selection.span();
    let how = format!(
        "{} round(s) per contender, interleaved, {} s each after {} s of warm-up.",
        selection.rounds(),
        measured.as_secs_f64(),
        warm_up.as_secs_f64(),
    );
    let page = report::page(&machine::describe(&root()), &how, &lines, &footprints);
    println!("{page}");
    if selection.is_whole() && binary.is_some() {
        report::save(&root().join("docs/performance.md"), Part::Floor, &page)?;
    }
    Ok(())
}

/// Both contenders on one store, filled and waiting.
struct Field {
    store: Store,
    folder: tempfile::TempDir,
    logs: tempfile::TempDir,
    cluster: Option<Cluster>,
    databases: Vec<String>,
    floor: Contender,
    product: Option<Product>,
}

struct Contender {
    server: Server,
    session: Session,
}

struct Product {
    installation: Installation,
    contender: Contender,
    idle_mib: f64,
}

impl Field {
    async fn prepare(store: Store, binary: Option<&Path>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let logs = log_folder()?;
        let cluster = Cluster::for_store(store).await?;
        let mut databases = Vec::new();
        let mut database = async |contender: &str| -> Result<Option<String>> {
            let Some(cluster) = &cluster else { return Ok(None) };
            let name = format!("insula_bench_{contender}_{}", std::process::id());
            let url = cluster.make(&name).await?;
            databases.push(name);
            Ok(Some(url))
        };
        eprintln!("{}: filling", store.title());
        let floor_url = database("floor").await?;
        let floor = start_floor(folder.path(), floor_url.as_deref(), &logs.path().join("floor"))?;
        let product = match binary {
            None => None,
            Some(binary) => {
                let data = folder.path().join("product");
                std::fs::create_dir(&data)?;
                let database_url = database("product").await?;
                let installation = Installation { binary: binary.to_owned(), data, database_url };
                let server = installation.start(&logs.path().join("product"))?;
                let idle_mib = server.resident_mib()?;
                let session = product::fill::fill(server.address).await?;
                let floor = (floor.server.address, &floor.session);
                product::agrees_with_floor((server.address, &session), floor).await?;
                Some(Product { installation, contender: Contender { server, session }, idle_mib })
            }
        };
        Ok(Self { store, folder, logs, cluster, databases, floor, product })
    }

    /// What was written so far is not cleaned up while the next workload is measured.
    async fn settle(&self) -> Result<()> {
        if let Some(cluster) = &self.cluster {
            for name in &self.databases {
                cluster.settle(name).await?;
            }
        }
        Ok(())
    }

    async fn measure(&self, selection: &Selection) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for workload in Workload::ALL.into_iter().filter(|w| selection.workload.is_none_or(|only| only == *w)) {
            self.settle().await?;
            let requests = |contender: &Contender| Arc::new(workload.requests(&contender.session, rows::COUNT));
            let floor_requests = requests(&self.floor);
            let product_requests = self.product.as_ref().map(|product| requests(&product.contender));
            let all = selection.connections.map_or(workload.connections().to_vec(), |only| vec![only]);
            for connections in all {
                let (mut floor, mut product) = (Vec::new(), Vec::new());
                for _ in 0..selection.rounds() {
                    let address = self.floor.server.address;
                    let run = load::run(address, &floor_requests, connections, selection.span()).await?;
                    floor.push(counted(workload, run.figures));
                    if let (Some(contender), Some(requests)) = (&self.product, &product_requests) {
                        product
                            .push(self.measure_product(contender, workload, requests, connections, selection).await?);
                    }
                }
                let line = Line {
                    store: self.store,
                    workload,
                    connections,
                    floor: load::medians(&floor),
                    product: (!product.is_empty()).then(|| load::medians(&product)),
                };
                let rate = |figures: Figures| format!("{:.0}", figures.per_second);
                let (ours, theirs) = (rate(line.floor), line.product.map_or("–".into(), rate));
                let (store, workload) = (self.store.title(), workload.title());
                eprintln!("{store}: {workload} × {connections}: floor {ours}, product {theirs} per second");
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// Every change must have left its audit event by the time it is answered.
    async fn measure_product(
        &self,
        product: &Product,
        workload: Workload,
        requests: &Arc<Requests>,
        connections: usize,
        selection: &Selection,
    ) -> Result<Figures> {
        let before = self.audit_events(product).await?;
        let run = load::run(product.contender.server.address, requests, connections, selection.span()).await?;
        let left = self.audit_events(product).await? - before;
        let due = run.sent * u64::from(workload.changes());
        if left != due {
            return Err(format!("void: {due} changes were answered, {left} audit events were left").into());
        }
        Ok(counted(workload, run.figures))
    }

    async fn audit_events(&self, product: &Product) -> Result<u64> {
        match &self.cluster {
            None => audit::in_files(&product.installation.data),
            Some(cluster) => audit::in_cluster(cluster).await,
        }
    }

    async fn finish(self) -> Result<Option<Footprint>> {
        let footprint = match self.product {
            None => None,
            Some(Product { installation, contender: Contender { server, session }, idle_mib }) => {
                let after_mib = server.resident_mib()?;
                server.stop()?;
                let log = self.logs.path().join("restarted");
                let first_answer = installation.start_to_first_answer(&log, &session).await?;
                Some(Footprint { store: self.store, idle_mib, after_mib, first_answer })
            }
        };
        self.floor.server.stop()?;
        if let Some(cluster) = &self.cluster {
            for name in &self.databases {
                cluster.remove(name).await?;
            }
        }
        self.folder.close()?;
        Ok(footprint)
    }
}

/// Requests per second; of batches the records in them.
fn counted(workload: Workload, figures: Figures) -> Figures {
    Figures { per_second: figures.per_second * f64::from(workload.changes().max(1)), ..figures }
}

fn start_floor(folder: &Path, database_url: Option<&str>, log: &Path) -> Result<Contender> {
    let mut command = Command::new(std::env::current_exe()?);
    match database_url {
        None => command.arg("floor-sqlite").arg("--file").arg(folder.join("floor.db")),
        Some(url) => command.args(["floor-postgres", "--url", url]),
    };
    let server = Server::start(command.arg("--rows").arg(rows::COUNT.to_string()), log)?;
    let headers = format!("Host: {}\r\n", server.address);
    let ids = (0..rows::COUNT).map(|number| rows::id(number).to_string()).collect();
    Ok(Contender { server, session: Session { limited: headers.clone(), headers, ids } })
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Logs go to memory where that is possible: written to the disk of the database, they would ride on its fsyncs.
pub(crate) fn log_folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?)
}
