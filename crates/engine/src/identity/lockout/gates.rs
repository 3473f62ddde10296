//! How many attempts of one kind a node looks at at once: the others wait, in the order they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use insula_model::problem::{Problem, Result};
use insula_model::value::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// From so many on, those nobody waits at are swept away.
const SWEPT_FROM: usize = 1024;

#[derive(Default)]
pub(in crate::identity) struct Gates(Mutex<HashMap<Vec<u8>, Weak<Semaphore>>>);

/// A way through, until it is dropped.
pub(super) struct Gate {
    _permit: OwnedSemaphorePermit,
}

impl Gates {
    /// Passes the gate of a subject, through which `width` go at once.
    pub(super) async fn pass(&self, subject: &Value, width: usize) -> Result<Gate> {
        let permit = self.at(subject, width).acquire_owned().await.map_err(Problem::internal)?;
        Ok(Gate { _permit: permit })
    }

    fn at(&self, subject: &Value, width: usize) -> Arc<Semaphore> {
        let Value::Bytes(key) = subject else { return Arc::new(Semaphore::new(width)) };
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(key).and_then(Weak::upgrade) {
            return gate;
        }
        if gates.len() >= SWEPT_FROM {
            gates.retain(|_, gate| gate.strong_count() > 0);
        }
        let gate = Arc::new(Semaphore::new(width));
        gates.insert(key.clone(), Arc::downgrade(&gate));
        gate
    }
}
