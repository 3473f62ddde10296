//! The cells this node has opened. One that does not open is tried again when it is next asked for, by one request at a
//! time and not at once, so that a server that is down is neither flooded nor keeps anyone waiting for long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::owner::Cell;
use crate::store::StoreError;

/// How long a cell that did not open counts as down without asking.
const PAUSE: Duration = Duration::from_secs(1);

/// When opening failed last. Held by whoever tries.
type Attempt = Arc<tokio::sync::Mutex<Option<Instant>>>;

#[derive(Default)]
pub(super) struct Cells {
    open: ArcSwap<BTreeMap<i64, Arc<Cell>>>,
    attempts: Mutex<BTreeMap<i64, Attempt>>,
}

impl Cells {
    /// The cell, opened by `open` if it is not.
    pub(super) async fn get<F>(&self, id: i64, open: impl FnOnce() -> F) -> Result<Arc<Cell>, StoreError>
    where
        F: Future<Output = Result<Cell, StoreError>>,
    {
        if let Some(cell) = self.known(id) {
            return Ok(cell);
        }
        let attempt = Arc::clone(self.attempts.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default());
        let mut failed = attempt.lock().await;
        // Whoever was before may have opened it, or found that it cannot be.
        if let Some(cell) = self.known(id) {
            return Ok(cell);
        }
        if failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(StoreError::Unavailable("the cell did not open a moment ago".into()));
        }
        // Rare, and no part of every transaction's size.
        match Box::pin(open()).await {
            Ok(cell) => {
                let cell = Arc::new(cell);
                self.open.rcu(|cells| {
                    let mut cells = BTreeMap::clone(cells);
                    cells.insert(id, Arc::clone(&cell));
                    cells
                });
                Ok(cell)
            }
            Err(error) => {
                *failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    fn known(&self, id: i64) -> Option<Arc<Cell>> {
        self.open.load().get(&id).map(Arc::clone)
    }

    pub(super) fn close(&self) {
        for cell in self.open.load().values() {
            cell.serving.close();
            cell.owner.close();
        }
    }
}
