//! Records: reading and writing them under a grant, and the plans behind both.
//!
//! A read is: raw query → [`ValidQuery`] (a plan, kept by role set, entity and query text) → one statement whose
//! columns go straight into the reply. A write is: JSON → [`ValidRecord`] → statements in one transaction with its
//! audit events.

mod again;
mod among;
mod batch;
mod consequences;
mod cursor;
mod delete;
mod expand;
mod get;
mod insert;
mod life;
mod linked;
mod links;
mod list;
mod numbers;
mod operations;
mod order;
mod params;
mod plan;
mod purge;
mod references;
mod restore;
mod rule;
mod select;
mod source;
mod stored;
mod update;
mod upsert;
mod validate;
mod visible;

pub use batch::Batch;
pub use get::ValidSelection;
pub use insert::ValidRecord;
pub use list::ValidQuery;
pub use operations::Operations;
pub(crate) use plan::{Plans, small};
pub(crate) use purge::purge;
pub use update::{Precondition, ValidPatch};
pub use upsert::UpsertKey;
pub use visible::{Refusal, Saved, VisibleBatch, VisiblePage, VisibleRecord, VisibleResults};
