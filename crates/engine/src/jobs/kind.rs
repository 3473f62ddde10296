//! The kinds of jobs: all that a new one needs is said here, but for its work.

use insula_model::schedule::Schedule;
use insula_model::value::Timestamp;

use super::work::{Step, Work};
use crate::attempt;
use crate::record;
use crate::store::StoreError;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Removes the notes of keyed requests that nobody can repeat any more.
    PurgeIdempotencyKeys,
    /// Removes for good what was deleted long ago.
    PurgeDeletedRecords,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::PurgeIdempotencyKeys, Self::PurgeDeletedRecords];

    pub const fn name(self) -> &'static str {
        match self {
            Self::PurgeIdempotencyKeys => "purge_idempotency_keys",
            Self::PurgeDeletedRecords => "purge_deleted_records",
        }
    }

    /// The kind of this name; `None` where a newer program knows it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// When it is due again and again, in UTC; `None` for what is done when somebody asks for it.
    #[expect(clippy::unnecessary_wraps, reason = "what is asked for has no schedule, and none of it is here yet")]
    const fn cron(self) -> Option<&'static str> {
        match self {
            Self::PurgeIdempotencyKeys => Some("17 3 * * *"),
            Self::PurgeDeletedRecords => Some("41 3 * * *"),
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
