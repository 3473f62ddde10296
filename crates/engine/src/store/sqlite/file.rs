//! One database file: its pool of readers and its one writer. Must not know which files exist.

use std::fs::{self, OpenOptions};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use insula_model::id::TenantId;
use rusqlite::config::DbConfig;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::StoreError;

use super::connection::{Conn, Purpose};
use super::error::meaning;
use super::migrate::{self, migrate};
use super::reader::{Ended, ReadSession, Reader, SHARED};
use super::writer::Writer;

/// Reads of one file at a time. Inline reads hold a connection only while they run, so this bounds the slow ones.
const READERS: usize = 8;

pub(super) struct File {
    path: PathBuf,
    idle: Mutex<Idle>,
    /// As many as connections may still be taken; a permit is given back by hand when its connection is.
    free: Semaphore,
    /// As many long reads may still run at once.
    long: Arc<Semaphore>,
    pub(super) writer: Arc<tokio::sync::Mutex<Writer>>,
    /// How many transactions of this process were committed, or may have been.
    commits: AtomicU64,
    closed: AtomicBool,
}

/// The readers nobody uses.
#[derive(Default)]
struct Idle {
    readers: Vec<Reader>,
    /// Whether a task will look after the snapshots among them.
    watched: bool,
}

impl File {
    /// Opens the platform's file, made if missing. Blocks, as all of the opening here.
    pub(super) fn open_platform(path: PathBuf) -> Result<Self, StoreError> {
        if !path.exists() {
            create(&path)?;
        }
        let conn = Conn::open(&path, Purpose::Write)?;
        migrate(&conn, migrate::PLATFORM)?;
        Ok(Self::with_writer(path, Some(conn)))
    }

    /// Opens a tenant's file to be read; the first write opens it to be written. It must say itself that it is this
    /// tenant's: the second wall.
    pub(super) fn open_tenant(path: PathBuf, tenant: TenantId) -> Result<Self, StoreError> {
        let conn = Conn::open(&path, Purpose::Read)?;
        if !migrate::is_current(&conn, migrate::TENANT)? {
            migrate(&Conn::open(&path, Purpose::Write)?, migrate::TENANT)?;
        }
        let mut owners = Vec::new();
        {
            let mut statement = conn.prepare("SELECT tenant_id FROM tenant").map_err(meaning)?;
            let mut rows = statement.query(()).map_err(meaning)?;
            while let Some(row) = rows.next().map_err(meaning)? {
                owners.push(row.get::<_, Vec<u8>>(0).map_err(meaning)?);
            }
        }
        if owners != [tenant.uuid().as_bytes()] {
            return Err(StoreError::Other(format!("the file of tenant {tenant} is not that tenant's").into()));
        }
        let file = Self::with_writer(path, None);
        file.idle().readers.push(Reader::new(conn));
        Ok(file)
    }

    /// Makes the file of a new tenant, with all tables and no row, and beside it the mark that says that it is being
    /// registered.
    pub(super) fn create_tenant(path: PathBuf) -> Result<Self, StoreError> {
        fs::File::create(with_suffix(&path, MARK)).map_err(|error| StoreError::Unavailable(error.into()))?;
        // Syncs the folder for both.
        if let Err(error) = create(&path) {
            unmark(&path)?;
            return Err(error);
        }
        let made = Conn::open(&path, Purpose::Write).and_then(|conn| {
            migrate(&conn, migrate::TENANT)?;
            Ok(conn)
        });
        match made {
            Ok(conn) => Ok(Self::with_writer(path, Some(conn))),
            Err(error) => {
                remove(&path)?;
                Err(error)
            }
        }
    }

    fn with_writer(path: PathBuf, conn: Option<Conn>) -> Self {
        let writer = Arc::new(tokio::sync::Mutex::new(Writer::new(conn)));
        // Half of the cores, so that one tenant's long reads leave the other half to everyone else.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            path,
            idle: Mutex::default(),
            free: Semaphore::new(READERS),
            long: Arc::new(Semaphore::new(cores.div_ceil(2))),
            writer,
            commits: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // A reader is in it or not.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A read that begins after this was asked sees as many commits at least.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Said of every commit before anyone hears of its success: who reads after that finds its changes.
    pub(super) fn note_commit(&self) {
        self.commits.fetch_add(1, Ordering::Release);
    }

    /// A consistent view. Waits only when all connections are out.
    pub(super) async fn read(self: &Arc<Self>) -> Result<ReadSession, StoreError> {
        let permit = match self.free.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.free.acquire().await.map_err(|error| StoreError::Unavailable(error.into()))?,
        };
        let idle = self.idle().readers.pop();
        let reader = if let Some(reader) = idle {
            reader
        } else {
            let file = Arc::clone(self);
            Reader::new(blocking(move || file.connect(Purpose::Read)).await?)
        };
        permit.forget();
        ReadSession::begin(reader, Arc::clone(self))
    }

    /// A place among the reads that take a core for themselves.
    pub(super) async fn long_read(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.long).acquire_owned().await.map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// Opens one more connection. Blocks.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<Conn, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        Conn::open(&self.path, purpose)
    }

    /// Takes a reader back, `None` if it is of no more use.
    pub(super) fn give_back(self: &Arc<Self>, reader: Option<Reader>) {
        if let Some(reader) = reader {
            let mut idle = self.idle();
            if !self.closed.load(Ordering::Acquire) {
                let unwatched = reader.has_snapshot() && !idle.watched;
                idle.watched |= unwatched;
                idle.readers.push(reader);
                drop(idle);
                if unwatched {
                    self.watch();
                }
            }
        }
        self.free.add_permits(1);
    }

    /// Sees to it that no snapshot outlives the reads it was kept for: an open one holds up whoever empties the log.
    fn watch(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else {
            let mut idle = self.idle();
            idle.end(Ended::All);
            idle.watched = false;
            return;
        };
        let file = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(SHARED).await;
                let Some(file) = file.upgrade() else { return };
                let mut idle = file.idle();
                idle.end(Ended::Outdated);
                idle.watched = idle.readers.iter().any(Reader::has_snapshot);
                if !idle.watched {
                    return;
                }
            }
        });
    }

    /// Ends the snapshots that nobody uses.
    pub(super) fn end_snapshots(&self) {
        self.idle().end(Ended::All);
    }

    /// Cools a file that was only read, and by one at a time, as most are: nothing is closed, and nothing blocks. False
    /// where it takes a thread.
    pub(super) fn cool_here(&self) -> bool {
        let mut idle = self.idle();
        if idle.readers.len() > 1 || self.writer.try_lock().is_ok_and(|writer| writer.is_open()) {
            return false;
        }
        idle.cool();
        true
    }

    /// Gives back what makes the next use fast, and stays open: the writer, all readers but one, the pages that one has
    /// read. What is in use right now stays. Blocks.
    pub(super) fn cool(&self) {
        let spare = {
            let mut idle = self.idle();
            let one = idle.readers.len().min(1);
            let spare = idle.readers.split_off(one);
            idle.cool();
            spare
        };
        drop(spare);
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.rest();
        }
    }

    /// Lets the open group finish, empties the log into the file and closes. Blocks for as long as that takes.
    pub(super) async fn close(self: Arc<Self>) {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let closed = blocking(move || {
            writer.finish_group(&self);
            self.close_readers();
            writer.close();
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::error!(%error, "closing a database file failed");
        }
    }

    fn close_readers(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle().readers.clear();
    }

    /// Closes what can be closed and removes the file; who still reads it reads on what is no longer there. Short
    /// enough for a destructor: nothing is synced, since nothing is kept.
    pub(super) fn destroy(&self) -> Result<(), StoreError> {
        self.close_readers();
        if let Ok(mut writer) = self.writer.try_lock()
            && let Some(conn) = writer.take()
        {
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(meaning)?;
        }
        remove(&self.path)
    }
}

impl Idle {
    /// One that does not end its transaction is of no more use.
    fn end(&mut self, which: Ended) {
        self.readers.retain_mut(|reader| reader.end_if(which).is_ok());
    }

    fn cool(&mut self) {
        self.end(Ended::All);
        self.readers.iter().for_each(|reader| reader.conn().shrink());
    }
}

/// Makes an empty file that only its owner reads, and makes it last: SQLite syncs the folder for its log only.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|_| sync_folder(path)).map_err(|error| StoreError::Unavailable(error.into()))
}

/// Stands behind the name of a file whose tenant is being registered, as the name of an empty one.
const MARK: &str = "-registering";

/// Takes the mark away; if a crash brings it back, so does the next start.
pub(super) fn unmark(path: &Path) -> Result<(), StoreError> {
    remove_one(path, MARK)
}

/// Removes a file with its log, index and mark; the mark last, so that what a crash leaves is found and removed again.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    ["-wal", "-shm", "", MARK].into_iter().try_for_each(|suffix| remove_one(path, suffix))
}

fn remove_one(path: &Path, suffix: &str) -> Result<(), StoreError> {
    match fs::remove_file(with_suffix(path, suffix)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::Unavailable(error.into())),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened and synced.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Other(error.into())),
    }
}
