//! Hashing in a bounded number of slots (requirement B1).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use insula_model::problem::{Problem, Result};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Password;
use super::hasher::{self, Hasher};

/// How many may wait for a slot; a wait longer than that helps nobody.
const MAX_WAITING: usize = 256;
/// A hash takes a quarter of a second of one core and is meant to. So many are made at once as there are cores, off the
/// async workers; some more wait; the rest is turned away.
pub(in crate::identity) struct Slots {
    hasher: Hasher,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many were ever made or compared.
    #[cfg(test)]
    pub(in crate::identity) runs: AtomicUsize,
}

impl Slots {
    pub(in crate::identity) fn new(hasher: Hasher) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = Arc::new(Semaphore::new(cores));
        Self {
            hasher,
            permits,
            waiting: AtomicUsize::new(0),
            #[cfg(test)]
            runs: AtomicUsize::new(0),
        }
    }

    pub(in crate::identity) const fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The password's hash under a fresh `salt`.
    pub(in crate::identity) async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String> {
        self.make(password.0, salt).await
    }

    /// Whether `attempt` is the password of `stored`. Without one it works as hard and says no (requirement B7).
    pub(in crate::identity) async fn verify(&self, attempt: SecretString, stored: Option<String>) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.hasher.dummy());
        let verified = self.run(move || hasher::verify(attempt.expose_secret(), &stored));
        Ok(verified.await?? && known)
    }

    /// The hash to keep from now on instead of `stored`, which `password` has proved to be of: `None` where it is made as
    /// hashes are made here, or cannot be.
    pub(in crate::identity) async fn renew(
        &self,
        password: SecretString,
        stored: &str,
        salt: [u8; 16],
    ) -> Result<Option<String>> {
        if self.hasher.made(stored) || !self.hasher.fits(password.expose_secret()) {
            return Ok(None);
        }
        self.make(password, salt).await.map(Some)
    }

    async fn make(&self, password: SecretString, salt: [u8; 16]) -> Result<String> {
        let hasher = self.hasher;
        self.run(move || hasher.hash(password.expose_secret(), salt)).await?
    }

    /// Runs `work` in a slot. The slot stays taken until the work is done, whether or not anyone still waits for it.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = self.permit().await?;
        #[cfg(test)]
        self.runs.fetch_add(1, Ordering::Relaxed);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(Problem::internal)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _queued = Queued::enter(&self.waiting)?;
        Arc::clone(&self.permits).acquire_owned().await.map_err(Problem::internal)
    }
}

/// A place in the queue, given back when the wait ends in whatever way.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self> {
        let queued = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING {
            Ok(queued)
        } else {
            Err(Problem::unavailable("too many are waiting for a password to be hashed"))
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use insula_model::problem::Code;

    use super::*;

    #[tokio::test]
    async fn hashes_verify_whatever_their_prefix() {
        let slots = Slots::new(Hasher::Bcrypt { cost: 4 });
        let password = "a".repeat(72);
        let [one, other] = [[1; 16], [2; 16]].map(|salt| slots.hash(Password(password.as_str().into()), salt));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert!(one.starts_with("$2b$04$") && one != other);
        for (attempt, stored, expected) in [
            (password.clone(), Some(one.clone()), true),
            (password.clone(), Some(other), true),
            (password.clone(), Some(one.replace("$2b$", "$2a$")), true),
            (password.clone(), Some(one.replace("$2b$", "$2y$")), true),
            (format!("{password}a"), Some(one.clone()), false),
            ("a".repeat(71), Some(one), false),
            (password, None, false),
        ] {
            assert_eq!(slots.verify(attempt.as_str().into(), stored.clone()).await.unwrap(), expected, "{stored:?}");
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let waiting = AtomicUsize::new(0);
        let queued: Vec<_> = (0..MAX_WAITING).map(|_| Queued::enter(&waiting).unwrap()).collect();
        assert_eq!(Queued::enter(&waiting).err().unwrap().code(), Code::Unavailable);
        drop(queued);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }
}
