//! The audit trail of a tenant: one event for each change, in the change's own transaction (requirement F1).
//!
//! An event is its canonical bytes, fixed for good: a JSON object with its members in the order of their names and
//! nothing between them. It holds no personal data; that lies in the payload, of which the event has the salted
//! SHA-256. So a payload can be erased and the event still verifies.

mod event;
mod list;
mod shown;

pub(crate) use event::{Event, Outcome, Prepared, append, append_once, append_own, prepare, prepare_as};
pub use list::{AuditPage, AuditQuery};
