//! Changes of the schema whose values a job takes over, because there are more records than everybody should wait for.
//!
//! The columns that are to come are there from the beginning, and no model knows of them: whoever reads and writes goes on
//! with those that were. The job fills them record by record and notes beside them, in `converted`, the version of the
//! record it has read. Whoever changes a record makes another version of it, and so the note is worth nothing without his
//! knowing of it. In the end the job is alone on the tenant, takes over what no note holds of, and makes the change by the
//! same steps, and with the same rights, as it would have been made at once.

mod asked;
mod begin;
mod conclude;
mod convert;

use insula_model::entity::{Entity, Revision};
use insula_model::id::JobId;
use insula_model::problem::{Problem, Result};
use insula_model::rights::{Action, Resource};

pub(crate) use conclude::{clear, conclude};
pub(crate) use convert::convert;

use super::survey::TakeOver;
use crate::attempt::Outcome;
use crate::tx::{Mode, Tx};

/// What came of a change that somebody asked for.
#[derive(Debug)]
pub enum Change<T> {
    Made(T),
    /// This job will make it.
    Later(JobId),
}

impl<T> Change<T> {
    pub(super) fn try_map<S>(self, map: impl FnOnce(T) -> Result<S>) -> Result<Change<S>> {
        Ok(match self {
            Self::Made(made) => Change::Made(map(made)?),
            Self::Later(job) => Change::Later(job),
        })
    }
}

impl<T: Outcome> Outcome for Change<T> {
    /// No note of what was made at once is an object with a job.
    fn note(&self) -> serde_json::Value {
        match self {
            Self::Made(made) => made.note(),
            Self::Later(job) => serde_json::json!({ "job": job }),
        }
    }

    async fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> Result<Self> {
        let Some(job) = note.get("job") else { return T::again(tx, note).await.map(Self::Made) };
        tx.require(Resource::Entities, Action::Update)?;
        serde_json::from_value(job.clone()).map(Self::Later).map_err(Problem::internal)
    }
}

/// The entities of which values come to have other columns: as they are, and as they are to be.
fn converted(revisions: &[Revision]) -> impl Iterator<Item = (&Entity, &Entity)> {
    revisions.iter().filter_map(|revision| match revision {
        Revision::Alter { before, after } => {
            let converts = TakeOver::all(before, after).any(|change| change.has_new_column());
            converts.then_some((&**before, after))
        }
        _ => None,
    })
}
