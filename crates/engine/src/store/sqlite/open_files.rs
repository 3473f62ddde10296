//! The tenants' files that are open. One file is one [`File`] for as long as anyone uses it: it owns the writer.
//!
//! Those used last are warm: they keep pages in memory, and the connections they had use for. Those used before them are
//! cool: one connection, and what it knows of the schema, which is what opening a file takes longest for.

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

/// How many files stay open.
#[derive(Clone, Copy)]
pub(super) struct Capacity {
    pub(super) warm: usize,
    pub(super) cool: usize,
}

/// A tenant is in one of them.
struct Slots {
    warm: LruCache<TenantId, Slot>,
    cool: LruCache<TenantId, Slot>,
}

pub(super) struct OpenFiles {
    folder: PathBuf,
    capacity: Capacity,
    slots: Mutex<Slots>,
    closed: AtomicBool,
}

impl OpenFiles {
    pub(super) fn new(folder: PathBuf, capacity: Capacity) -> Self {
        let slots = Slots { warm: LruCache::unbounded(), cool: LruCache::unbounded() };
        Self { folder, capacity, slots: Mutex::new(slots), closed: AtomicBool::new(false) }
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
        self.lock().pop(tenant)?.get().cloned()
    }

    /// Closes all files and lets no more be opened.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let slots: Vec<Slot> = {
            let mut slots = self.lock();
            std::iter::from_fn(|| slots.warm.pop_lru().or_else(|| slots.cool.pop_lru())).map(|(_, slot)| slot).collect()
        };
        for file in slots.iter().filter_map(|slot| slot.get()) {
            Arc::clone(file).close().await;
        }
    }

    fn slot(&self, tenant: TenantId) -> Slot {
        let mut slots = self.lock();
        if let Some(slot) = slots.warm.get(&tenant) {
            return Arc::clone(slot);
        }
        let slot = slots.cool.pop(&tenant).unwrap_or_default();
        slots.warm.put(tenant, Arc::clone(&slot));
        let cooled = slots.cool_one(self.capacity.warm);
        let evicted = slots.evict(self.capacity.cool);
        drop(slots);
        let cooled = cooled.filter(|slot| slot.get().is_some_and(|file| !file.cool_here()));
        if cooled.is_some() || !evicted.is_empty() {
            // Closing a file checkpoints it.
            tokio::task::spawn_blocking(move || {
                drop(evicted);
                if let Some(file) = cooled.as_ref().and_then(|slot| slot.get()) {
                    file.cool();
                }
            });
        }
        slot
    }

    fn forget_unopened(&self, tenant: TenantId) {
        let mut slots = self.lock();
        if slots.peek(tenant).is_some_and(|slot| slot.get().is_none()) {
            slots.pop(tenant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let slots = self.lock();
        slots.warm.len() + slots.cool.len()
    }
}

impl Slots {
    fn peek(&self, tenant: TenantId) -> Option<&Slot> {
        self.warm.peek(&tenant).or_else(|| self.cool.peek(&tenant))
    }

    fn pop(&mut self, tenant: TenantId) -> Option<Slot> {
        self.warm.pop(&tenant).or_else(|| self.cool.pop(&tenant))
    }

    /// Moves the file unused for the longest time from the warm to the cool, if there are more than `warm` of those.
    fn cool_one(&mut self, warm: usize) -> Option<Slot> {
        if self.warm.len() <= warm {
            return None;
        }
        let (tenant, slot) = self.warm.pop_lru()?;
        self.cool.put(tenant, Arc::clone(&slot));
        Some(slot)
    }

    /// Takes out the files unused for the longest time, until `cool` of the cool are left. Under the map's lock nobody can
    /// come by a slot, so one that only the map holds, with a file that only the slot holds, is in nobody's use. If all
    /// are, more stay open than wished.
    fn evict(&mut self, cool: usize) -> Vec<Slot> {
        let unused =
            |slot: &Slot| Arc::strong_count(slot) == 1 && slot.get().is_none_or(|file| Arc::strong_count(file) == 1);
        let mut evicted = Vec::new();
        while self.cool.len() > cool {
            let Some(tenant) = self.cool.iter().rev().find(|(_, slot)| unused(slot)).map(|(tenant, _)| *tenant) else {
                break;
            };
            evicted.extend(self.cool.pop(&tenant));
        }
        evicted
    }
}
