//! What Insula itself does in the background for one tenant: long, again and again, or later. A job lies in the tenant's
//! store, and so does what comes of it.
//!
//! Whoever takes a job raises its fence. All work is done in transactions that begin by looking whether the job is still
//! held under that number ([`Work`]), and that end by noting how far it got: what a job did and what is told of it are
//! never apart, and whoever was taken for dead cannot write any more. The platform keeps a row for each tenant that has
//! jobs ([`queue`]), by which a node knows whose store to open; it may say too much, never too little.
//!
//! Knows when and how often. What a job does is in the module whose matter it is.

mod ask;
mod cancel;
mod kind;
mod list;
mod plan;
mod queue;
mod show;
mod state;
mod stored;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod work;

pub(crate) use ask::{announce, ask, rouse};
pub use cancel::cancel;
pub use kind::Kind;
pub use list::list;
pub(crate) use plan::{Plan, Planned};
pub(crate) use queue::run_due;
pub use show::show;
pub use state::State;
pub use stored::JobView;
pub(crate) use work::{Step, Then, Work};
