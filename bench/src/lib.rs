//! The bench: bare floor servers, a load generator, and the product measured against the floor in one run.
//!
//! Knows the product only through its HTTP interface, its command line and the number of its audit rows; it must not
//! link the product's engine or server, so that both contenders are processes like any other.

pub mod audit;
pub mod depth;
pub mod floor;
pub mod http;
pub mod load;
pub mod machine;
pub mod postgres;
pub mod product;
pub mod report;
pub mod rows;
pub mod run;
pub mod server;
pub mod tenants;
pub mod workload;

/// A bench stops at the first thing that goes wrong and says it; no caller tells errors apart.
pub type Result<T> = std::result::Result<T, Error>;
pub type Error = Box<dyn std::error::Error + Send + Sync>;
