//! The kinds of jobs: all that a new one needs is said here, but for its work.

use insula_model::id::{JobId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::schedule::Schedule;
use insula_model::value::Timestamp;

use super::work::{Step, Work};
use crate::engine::Engine;
use crate::store::{StoreError, Tx};
use crate::{attempt, entity, record};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Removes the notes of keyed requests that nobody can repeat any more.
    PurgeIdempotencyKeys,
    /// Removes for good what was deleted long ago.
    PurgeDeletedRecords,
    /// Takes the values of many records over for a change of the schema, and makes it.
    ConvertRecords,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::PurgeIdempotencyKeys, Self::PurgeDeletedRecords, Self::ConvertRecords];

    pub const fn name(self) -> &'static str {
        match self {
            Self::PurgeIdempotencyKeys => "purge_idempotency_keys",
            Self::PurgeDeletedRecords => "purge_deleted_records",
            Self::ConvertRecords => "convert_records",
        }
    }

    /// The kind of this name; `None` where a newer program knows it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// When it is due again and again, in UTC; `None` for what is done when somebody asks for it.
    const fn cron(self) -> Option<&'static str> {
        match self {
            Self::PurgeIdempotencyKeys => Some("17 3 * * *"),
            Self::PurgeDeletedRecords => Some("41 3 * * *"),
            Self::ConvertRecords => None,
        }
    }

    /// The first time of its schedule after `now`.
    pub(super) fn next_slot(self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let Some(cron) = self.cron() else { return Ok(None) };
        let schedule: Schedule = cron.parse().map_err(|error| StoreError::Other(Box::new(error)))?;
        Ok(schedule.next_after(now))
    }

    /// Does a part of the work: as much as others of the tenant can wait for.
    pub(super) async fn step(self, work: &mut Work) -> Result<Step, StoreError> {
        match self {
            Self::PurgeIdempotencyKeys => attempt::purge(work).await,
            Self::PurgeDeletedRecords => record::purge(work).await,
            Self::ConvertRecords => entity::convert(work).await,
        }
    }

    /// Whether it changes the tables of entities: then it ends alone on the tenant, well or not.
    pub(super) const fn is_designing(self) -> bool {
        matches!(self, Self::ConvertRecords)
    }

    /// Does what is left after [`Step::Alone`].
    pub(super) async fn conclude(self, work: Work, engine: &Engine) -> Result<Work> {
        match self {
            Self::ConvertRecords => entity::conclude(work, engine).await,
            Self::PurgeIdempotencyKeys | Self::PurgeDeletedRecords => {
                Err(Problem::internal("a job asked to be alone for nothing"))
            }
        }
    }

    /// Takes away what a job that comes to nothing has made on its way.
    pub(super) async fn clear(self, tx: &mut Tx, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        match self {
            Self::ConvertRecords => entity::clear(tx, tenant, job).await,
            Self::PurgeIdempotencyKeys | Self::PurgeDeletedRecords => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_is_sound() {
        let now = Timestamp::parse("2026-02-28T03:17:00Z").unwrap();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.cron().is_some()) {
            assert!(kind.next_slot(now).unwrap().is_some_and(|next| next > now), "{kind:?}");
        }
    }
}
