//! The command: a bench run, or (as a child of one) a floor server.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use insula_bench::floor::{postgres, sqlite};
use insula_bench::run::{self, Selection};
use insula_bench::workload::{Store, Workload};
use insula_bench::{depth, tenants};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the product against the floor", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// One round of one second: shows that everything runs, measures nothing worth keeping
    #[arg(long)]
    quick: bool,
    /// Only this store
    #[arg(long)]
    store: Option<Store>,
    /// What so many tenants cost, in place of the usual: made on each store, read, and compared with ten
    #[arg(long, conflicts_with_all = ["workload", "connections"], value_parser = clap::value_parser!(u32).range(10..=10_000))]
    tenants: Option<u32>,
    /// What depth costs, in place of the usual: lists of a million records against ten thousand, far pages against the first
    #[arg(long, conflicts_with_all = ["workload", "connections", "tenants"])]
    depth: bool,
    /// Only this workload
    #[arg(long)]
    workload: Option<Workload>,
    /// Only this many connections
    #[arg(long)]
    connections: Option<usize>,
    #[command(subcommand)]
    floor: Option<Floor>,
}

#[derive(Subcommand)]
enum Floor {
    /// Serves the floor on an SQLite file
    FloorSqlite {
        #[arg(long)]
        file: PathBuf,
        #[command(flatten)]
        common: FloorOptions,
    },
    /// Serves the floor on a PostgreSQL database of its own
    FloorPostgres {
        #[arg(long)]
        url: String,
        #[command(flatten)]
        common: FloorOptions,
    },
}

#[derive(clap::Args)]
struct FloorOptions {
    /// 0 picks a free one; the line `listening` on standard output says which
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Rows to make where the table is empty
    #[arg(long, default_value_t = 0)]
    rows: u32,
}

fn main() -> insula_bench::Result<()> {
    let arguments = Arguments::parse();
    // Two workers for the servers, as the product on the same machine; the load generator has as many.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match arguments.floor {
            Some(Floor::FloorSqlite { file, common }) => sqlite::serve(&file, common.port, common.rows).await,
            Some(Floor::FloorPostgres { url, common }) => postgres::serve(&url, common.port, common.rows).await,
            None => {
                let Arguments { quick, store, tenants, depth, workload, connections, .. } = arguments;
                match tenants {
                    Some(tenants) => tenants::run(&tenants::Selection { tenants, quick, store }).await,
                    None if depth => depth::run(&depth::Selection { quick, store }).await,
                    None => run::run(&Selection { quick, store, workload, connections }).await,
                }
            }
        }
    })
}
