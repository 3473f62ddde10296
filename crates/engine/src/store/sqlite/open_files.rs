//! The tenants' files that are open. One file is one [`File`] for as long as anyone uses it: it owns the writer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use insula_model::id::TenantId;
use lru::LruCache;
use tokio::sync::OnceCell;

use crate::store::StoreError;

use super::file::{File, blocking};

/// Opening goes on in here, outside of the map's lock: two who come at once wait for one opening.
type Slot = Arc<OnceCell<Arc<File>>>;

pub(super) struct OpenFiles {
    folder: PathBuf,
    capacity: usize,
    slots: Mutex<LruCache<TenantId, Slot>>,
    closed: AtomicBool,
}

impl OpenFiles {
    pub(super) fn new(folder: PathBuf, capacity: usize) -> Self {
        Self { folder, capacity, slots: Mutex::new(LruCache::unbounded()), closed: AtomicBool::new(false) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, tenant: TenantId) -> PathBuf {
        self.folder.join(format!("{tenant}.db"))
    }

    pub(super) async fn get(&self, tenant: TenantId) -> Result<Arc<File>, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        let slot = self.slot(tenant);
        if let Some(file) = slot.get() {
            return Ok(Arc::clone(file));
        }
        let path = self.path(tenant);
        let open = || blocking(move || File::open_tenant(path, tenant).map(Arc::new));
        let opened = slot.get_or_try_init(open).await.cloned();
        if opened.is_err() {
            self.forget_unopened(tenant);
        }
        opened
    }

    /// Puts a file in that was opened elsewhere; if there is one already, that one stays.
    pub(super) fn put(&self, tenant: TenantId, file: Arc<File>) {
        // A loser of this race has no transaction open and closes like an evicted file.
        if let Err(error) = self.slot(tenant).set(file) {
            tokio::task::spawn_blocking(move || drop(error));
        }
    }

    /// Takes a file out, so that the next to ask opens it anew.
    pub(super) fn remove(&self, tenant: TenantId) -> Option<Arc<File>> {
        self.lock().pop(&tenant)?.get().cloned()
    }

    /// Closes all files and lets no more be opened.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let slots: Vec<Slot> = {
            let mut slots = self.lock();
            std::iter::from_fn(|| slots.pop_lru()).map(|(_, slot)| slot).collect()
        };
        for file in slots.iter().filter_map(|slot| slot.get()) {
            Arc::clone(file).close().await;
        }
    }

    fn slot(&self, tenant: TenantId) -> Slot {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(&tenant) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        slots.put(tenant, Arc::clone(&slot));
        let evicted = if slots.len() > self.capacity { evict(&mut slots) } else { None };
        drop(slots);
        if let Some(evicted) = evicted {
            // Closing a file checkpoints it.
            tokio::task::spawn_blocking(move || drop(evicted));
        }
        slot
    }

    fn forget_unopened(&self, tenant: TenantId) {
        let mut slots = self.lock();
        if slots.peek(&tenant).is_some_and(|slot| slot.get().is_none()) {
            slots.pop(&tenant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<TenantId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// Takes out the file unused for the longest time. Under the map's lock nobody can come by a slot, so one that only
/// the map holds, with a file that only the slot holds, is in nobody's use. If all are, more stay open than wished.
fn evict(slots: &mut LruCache<TenantId, Slot>) -> Option<Slot> {
    let unused =
        |slot: &Slot| Arc::strong_count(slot) == 1 && slot.get().is_none_or(|file| Arc::strong_count(file) == 1);
    let tenant = slots.iter().rev().find(|(_, slot)| unused(slot)).map(|(tenant, _)| *tenant)?;
    slots.pop(&tenant)
}
