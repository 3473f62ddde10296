//! One connection to one file, and how long a statement may run on it. Knows pragmas; must not know tenants, pools
//! or groups.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::StoreError;

use super::error::meaning;

/// How often the progress handler looks: about every 10 µs of a statement's work.
const OPS_PER_TICK: i32 = 1000;
/// 50 000 steps of SQLite's machine: half a millisecond or so, and a list of 25 takes some 2 000.
const INLINE_TICKS: u32 = 50;
/// How long a SELECT may take on a thread of its own.
const PATIENCE: Duration = Duration::from_secs(5);
/// Plans of a tenant's entities and the few fixed statements.
const STATEMENTS: usize = 64;

/// How long a statement may run. Only for SELECTs: interrupting a change inside a transaction undoes all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limit {
    /// As long as an async worker may be held up.
    Inline,
    /// As long as a caller waits.
    Patient,
    Unlimited,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Read,
    Write,
    /// A table is made anew while others refer to it, which only goes without foreign keys. Whoever does it answers for
    /// them.
    Redesign,
}

pub(super) struct Conn {
    raw: Connection,
    purpose: Purpose,
    budget: Arc<Budget>,
    /// How many pages the write-ahead log held after the last commit.
    wal_pages: Arc<AtomicU32>,
}

impl Deref for Conn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.raw
    }
}

impl Conn {
    /// Opens a file that exists. Blocks.
    pub(super) fn open(path: &Path, purpose: Purpose) -> Result<Self, StoreError> {
        Self::with_pragmas(path, purpose).map_err(meaning)
    }

    fn with_pragmas(path: &Path, purpose: Purpose) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut raw = Connection::open_with_flags(path, flags)?;
        raw.busy_timeout(PATIENCE)?;
        raw.set_prepared_statement_cache_capacity(STATEMENTS);
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        // A statement is planned once. Otherwise one of which a plan might depend on what is bound, a limit or a number
        // compared with, is prepared again each time something else is.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // A cache grows with what is read, up to 16 MiB, and all of them together up to 128 MiB: beyond, a connection
        // makes room among its own pages.
        // No mmap: an I/O error under it is a signal that ends the process, not an error code.
        raw.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
             PRAGMA cache_size = -16384; PRAGMA soft_heap_limit = 134217728;
             PRAGMA mmap_size = 0;",
        )?;
        // A pragma that does nothing inside of a transaction.
        raw.pragma_update(None, "foreign_keys", purpose != Purpose::Redesign)?;
        let wal_pages = Arc::<AtomicU32>::default();
        match purpose {
            Purpose::Read => raw.execute_batch("PRAGMA query_only = ON")?,
            Purpose::Write | Purpose::Redesign => {
                raw.execute_batch(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;",
                )?;
                // Takes the place of the automatic checkpoint, which would run inside COMMIT.
                let seen = Arc::clone(&wal_pages);
                raw.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
                    seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                    Ok(())
                }))?;
            }
        }
        let budget = Arc::new(Budget::new());
        let watched = Arc::clone(&budget);
        raw.progress_handler(OPS_PER_TICK, Some(move || watched.spent()))?;
        Ok(Self { raw, purpose, budget, wal_pages })
    }

    pub(super) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// From here on statements run under `limit`.
    pub(super) fn limit(&self, limit: Limit) {
        self.budget.set(limit);
    }

    pub(super) fn wal_pages(&self) -> u32 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// A statement without binds and rows that is run over and over.
    pub(super) fn step(&self, sql: &str) -> rusqlite::Result<()> {
        self.limit(Limit::Unlimited);
        self.prepare_cached(sql)?.raw_execute().map(drop)
    }

    /// Gives back the pages in memory.
    pub(super) fn shrink(&self) {
        if let Err(error) = self.step("PRAGMA shrink_memory") {
            tracing::warn!(%error, "a connection keeps its pages");
        }
    }

    #[cfg(test)]
    pub(super) fn raw_mut(&mut self) -> &mut Connection {
        &mut self.raw
    }
}

/// Read by the progress handler, set by the connection's one owner: relaxed is enough, moving the connection
/// between threads orders the rest.
struct Budget {
    kind: AtomicU8,
    ticks: AtomicU32,
    deadline: AtomicU64,
    start: Instant,
}

const UNLIMITED: u8 = 0;
const TICKS: u8 = 1;
const DEADLINE: u8 = 2;

impl Budget {
    fn new() -> Self {
        Self {
            kind: AtomicU8::new(UNLIMITED),
            ticks: AtomicU32::new(0),
            deadline: AtomicU64::new(0),
            start: Instant::now(),
        }
    }

    fn set(&self, limit: Limit) {
        let kind = match limit {
            Limit::Unlimited => UNLIMITED,
            Limit::Inline => {
                self.ticks.store(INLINE_TICKS, Ordering::Relaxed);
                TICKS
            }
            Limit::Patient => {
                self.deadline.store(micros(self.start.elapsed() + PATIENCE), Ordering::Relaxed);
                DEADLINE
            }
        };
        self.kind.store(kind, Ordering::Relaxed);
    }

    fn spent(&self) -> bool {
        match self.kind.load(Ordering::Relaxed) {
            TICKS => {
                let left = self.ticks.load(Ordering::Relaxed);
                self.ticks.store(left.saturating_sub(1), Ordering::Relaxed);
                left == 0
            }
            DEADLINE => micros(self.start.elapsed()) >= self.deadline.load(Ordering::Relaxed),
            _ => false,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
