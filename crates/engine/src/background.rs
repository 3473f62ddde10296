//! What a node does besides answering requests: it delivers the outbox, sends mails, finishes changes that were cut off,
//! runs jobs, and purges.
//! Every node does, and none is special; what is due is taken from the platform's store, so that two do not do the same.
//!
//! The platform's store and each cell have a lane of their own, and so have the jobs of a cell's tenants. Where a cell does
//! not answer, what waits for it waits, and nothing else does.

use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use insula_model::value::{Timestamp, Value};
use tokio::task::{Id, JoinSet};

use crate::engine::{Engine, Inner};
use crate::sql::Fixed;
use crate::store::{Placement, StoreError};
use crate::{identity, jobs, mail, outbox};

/// How long whoever took something has it for itself.
pub(crate) const LEASE_SECONDS: i64 = 15;
/// How often to look without being woken: for what another node left behind, or what failed before.
const POLL: Duration = Duration::from_secs(2);
/// The longest pause between two attempts.
const MAX_PAUSE_SECONDS: i64 = 60;

static DUE: Fixed = Fixed::new(
    "SELECT DISTINCT cell, CAST(0 AS bigint) FROM insula.tenant WHERE id IN ( \
     SELECT tenant_id FROM insula.outbox_queue WHERE due_at <= $1 \
     UNION SELECT tenant_id FROM insula.user_change WHERE due_at <= $1) \
     UNION SELECT cell, 1 FROM insula.tenant WHERE id IN (SELECT tenant_id FROM insula.job_queue WHERE due_at <= $1) \
     UNION SELECT 0, 0 FROM insula.chore WHERE due_at <= $1 \
     UNION SELECT 0, 1 FROM insula.mail WHERE due_at <= $1 \
     UNION SELECT 0, 0 FROM insula.refresh_token WHERE successor_sealed IS NOT NULL AND used_at < $2",
);

/// Something taken to be done for a tenant, for the n-th time.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) placement: Placement,
    pub(crate) number: i64,
}

/// When to try again after the n-th attempt failed: 1, 2, 4 … seconds later.
pub(crate) fn retry_at(now: Timestamp, attempt: i64) -> Timestamp {
    let doublings = (attempt - 1).clamp(0, 16);
    now.plus_seconds((1 << doublings).min(MAX_PAUSE_SECONDS))
}

impl Inner {
    /// Makes the background look at once. After a commit that left it something to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Engine {
    /// Works until `stopping` resolves, then finishes what is under way.
    pub async fn work_in_background(&self, stopping: impl Future<Output = ()>) {
        let mut stopping = pin!(stopping);
        let mut lanes = Lanes::default();
        loop {
            if let Err(error) = identity::read_keys_again(&self.0).await {
                tracing::warn!(%error, "the ring of signing keys cannot be read");
            }
            if let Err(error) = lanes.open(self).await {
                tracing::warn!(%error, "what is due is not known");
            }
            tokio::select! {
                () = &mut stopping => break,
                () = self.0.wake.notified() => {}
                () = lanes.ended() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        while lanes.tasks.join_next().await.is_some() {}
    }
}

/// For which store there is something to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Platform,
    /// Mails, which wait for somebody else's server.
    Mail,
    Cell(i64),
    /// The jobs of a cell's tenants, which take their time.
    Jobs(i64),
}

/// Where work goes on right now.
#[derive(Default)]
struct Lanes {
    tasks: JoinSet<()>,
    open: HashMap<Id, Lane>,
}

impl Lanes {
    /// Opens one for each store that has something due and none.
    async fn open(&mut self, engine: &Engine) -> Result<(), StoreError> {
        let mut tx = engine.0.stores.platform_read().await?;
        let now = engine.0.clock.now();
        let eldest_reply = Value::Timestamp(identity::eldest_reply(now));
        let due = tx.fixed(&DUE, &[&Value::Timestamp(now), &eldest_reply]).await?;
        tx.commit().await?;
        let mut lanes = Vec::with_capacity(due.len() + 1);
        if engine.0.identity.has_uses() {
            lanes.push(Lane::Platform);
        }
        for row in due {
            // Cells count from 1.
            lanes.push(match (row.int(0)?, row.int(1)?) {
                (0, 0) => Lane::Platform,
                (0, _) => Lane::Mail,
                (cell, 0) => Lane::Cell(cell),
                (cell, _) => Lane::Jobs(cell),
            });
        }
        for lane in lanes {
            if !self.open.values().any(|open| *open == lane) {
                let engine = engine.clone();
                let task = self.tasks.spawn(async move { empty(&engine, lane).await });
                self.open.insert(task.id(), lane);
            }
        }
        Ok(())
    }

    /// Resolves when one has closed. More may have come due behind its last look.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return pending().await,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
        };
        self.open.remove(&id);
    }
}

/// Works until nothing is due there.
async fn empty(engine: &Engine, lane: Lane) {
    loop {
        match do_some(engine, lane).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "the platform's store keeps work in the background waiting");
                return tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Whether there was something.
async fn do_some(engine: &Engine, lane: Lane) -> Result<bool, StoreError> {
    match lane {
        Lane::Platform => {
            identity::write_uses(&engine.0).await?;
            let erased = identity::erase_lost_replies(&engine.0).await?;
            Ok(identity::purge_sessions(&engine.0).await? || erased)
        }
        Lane::Mail => mail::drain(&engine.0).await,
        Lane::Cell(cell) => {
            let finished = identity::finish_user_changes(&engine.0, cell).await?;
            Ok(outbox::drain(&engine.0, cell).await? || finished)
        }
        // Opened anew for each turn, so that a long job does not keep the process from ending.
        Lane::Jobs(cell) => jobs::run_due(engine, cell).await.map(|()| false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let now = Timestamp::from_micros(0);
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (1000, 60), (i64::MAX, 60)] {
            assert_eq!(retry_at(now, attempt), now.plus_seconds(seconds), "{attempt}");
        }
    }
}
