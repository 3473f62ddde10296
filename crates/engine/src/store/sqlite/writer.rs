//! The one writer of a file, and how many requests share one commit.
//!
//! The writer stands behind a fair lock. Whoever gets it while no group is open begins one and at once sends a
//! *committer* to queue for the same lock. So everyone who queued before the committer is in the group, the group
//! closes by itself when the committer's turn comes (it can neither grow without end nor wait for anyone), and
//! somebody always commits: the committer belongs to no request and cannot be cancelled with one.
//!
//! Each request works in a savepoint. Only while it holds the lock can the savepoint be open, and its guard closes it
//! before the lock is given on, whether the request ends, panics or is dropped.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::store::StoreError;

use super::connection::{Conn, Purpose};
use super::error::meaning;
use super::file::{File, blocking};

/// From this many pages on the log is copied into the file after a commit, as far as readers allow.
const CHECKPOINT_PAGES: u32 = 1000;
/// From this many (16 MiB) on the log has grown because readers never paused: wait for them. New ones read past the
/// log once all of it is copied, so this ends when those do that read now.
const OVERGROWN_PAGES: u32 = 4096;
/// How long the writer waits for others where it may block: for readers then, and for other processes.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became of a group; `None` while it is open.
type Outcome = Option<Result<(), Loss>>;

/// How a group was lost, and why.
#[derive(Clone)]
enum Loss {
    /// Nothing of it is there.
    RolledBack(Arc<str>),
    /// It failed in COMMIT: what of it reached the disk shows when the file is next opened.
    InCommit(Arc<str>),
}

pub(super) struct Writer {
    /// Absent until the first write, after a failed commit, and when the file was not used for long; the next write opens it.
    conn: Option<Conn>,
    group: Option<watch::Sender<Outcome>>,
}

impl Writer {
    pub(super) const fn new(conn: Option<Conn>) -> Self {
        Self { conn, group: None }
    }

    /// Whether it has a connection.
    pub(super) const fn is_open(&self) -> bool {
        self.conn.is_some()
    }

    /// Closes the connection, if nobody's work is on it. Blocks.
    pub(super) fn rest(&mut self) {
        if self.group.is_none() {
            self.conn = None;
        }
    }

    pub(super) const fn take(&mut self) -> Option<Conn> {
        self.conn.take()
    }

    fn conn(&self) -> Result<&Conn, StoreError> {
        self.conn.as_ref().ok_or_else(|| StoreError::Unavailable("the writer is closed".into()))
    }

    /// Begins a group if none is open, without waiting for anything; false if that takes a thread that may block.
    fn join_now(&mut self, file: &Arc<File>) -> Result<bool, StoreError> {
        if self.group.is_some() {
            return Ok(true);
        }
        let idle = |conn: &&Conn| conn.is_autocommit() && conn.purpose() == Purpose::Write;
        let Some(conn) = self.conn.as_ref().filter(idle) else { return Ok(false) };
        conn.busy_timeout(Duration::ZERO).map_err(meaning)?;
        let begun = conn.step("BEGIN IMMEDIATE");
        conn.busy_timeout(PATIENCE).map_err(meaning)?;
        match begun {
            Ok(()) => {
                self.open_group(file);
                Ok(true)
            }
            // Another process: a backup, or someone's shell.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(meaning(error)),
        }
    }

    /// Begins a group if none is open. Blocks.
    fn join(&mut self, file: &Arc<File>) -> Result<(), StoreError> {
        if self.group.is_none() {
            self.begin(file, Purpose::Write)?;
            self.open_group(file);
        }
        Ok(())
    }

    /// Begins a transaction, on a new connection if the last one was given up or was for something else. Blocks.
    fn begin(&mut self, file: &File, purpose: Purpose) -> Result<(), StoreError> {
        // A transaction nobody answers for is what a panic inside COMMIT would leave.
        self.conn = self.conn.take().filter(|conn| conn.is_autocommit() && conn.purpose() == purpose);
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => file.connect(purpose)?,
        };
        self.conn.insert(conn).step("BEGIN IMMEDIATE").map_err(meaning)
    }

    fn open_group(&mut self, file: &Arc<File>) {
        self.group = Some(watch::Sender::new(None));
        let file = Arc::clone(file);
        tokio::spawn(async move {
            let mut writer = Arc::clone(&file.writer).lock_owned().await;
            // The file stays open until here: `file` goes into the closure.
            let finished = blocking(move || {
                writer.finish_group(&file);
                drop(file);
                Ok(())
            });
            if let Err(error) = finished.await {
                tracing::error!(%error, "a committer failed");
            }
        });
    }

    /// Commits the open group, if there is one, and tells its members. Blocks.
    pub(super) fn finish_group(&mut self, file: &File) {
        // Taken first: should the commit panic, the members hear of it because their sender is gone.
        let Some(group) = self.group.take() else { return };
        group.send_replace(Some(self.commit(file).map_err(|error| Loss::InCommit(error.to_string().into()))));
        self.checkpoint(file);
    }

    /// Blocks.
    fn commit(&mut self, file: &File) -> Result<(), StoreError> {
        let committed = self.conn()?.step("COMMIT");
        file.note_commit();
        committed.map_err(|error| {
            // What SQLite still holds of it is not worth finding out: the next write opens the file anew.
            self.conn = None;
            StoreError::OutcomeUnknown(error.into())
        })
    }

    /// Keeps the log short. After the answers are out, and still holding the lock. Blocks.
    fn checkpoint(&self, file: &File) {
        let Some(conn) = self.conn.as_ref().filter(|conn| conn.wal_pages() >= CHECKPOINT_PAGES) else { return };
        file.end_snapshots();
        let mode = if conn.wal_pages() >= OVERGROWN_PAGES { "TRUNCATE" } else { "PASSIVE" };
        if let Err(error) = conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |_| Ok(())) {
            tracing::warn!(%error, "a checkpoint failed; the next commit tries again");
        }
    }

    /// The transaction is gone: everyone in the group is told so.
    fn lose_group(&mut self, why: &str) {
        if let Some(group) = self.group.take() {
            group.send_replace(Some(Err(Loss::RolledBack(why.into()))));
        }
    }

    /// As [`Writer::lose_group`], where not even the connection can be trusted any more.
    fn give_up(&mut self, why: &str) {
        self.lose_group(why);
        self.conn = None;
    }

    /// Empties the log into the file and closes the connection. Blocks.
    pub(super) fn close(&mut self) {
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        {
            tracing::warn!(%error, "the last checkpoint failed; the log stays beside the file");
        }
    }
}

/// Where a session stands in its transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Span {
    /// In a savepoint of the open group.
    Member,
    /// The transaction is its own.
    Alone,
    /// Ended, one way or the other.
    Over,
}

/// The lock, with work open under it. Dropped, it undoes that work and gives the lock on.
pub(super) struct WriteSession {
    writer: OwnedMutexGuard<Writer>,
    span: Span,
    /// A file in use stays open. After the lock, which belongs to it.
    file: Arc<File>,
}

impl WriteSession {
    /// Waits for the lock and joins a group.
    pub(super) async fn join(file: Arc<File>) -> Result<Self, StoreError> {
        let mut writer = Arc::clone(&file.writer).lock_owned().await;
        if !writer.join_now(&file)? {
            let file = Arc::clone(&file);
            writer = blocking(move || writer.join(&file).map(|()| writer)).await?;
        }
        let opened = writer.conn().and_then(|conn| conn.step("SAVEPOINT member").map_err(meaning));
        if let Err(error) = opened {
            writer.give_up(&error.to_string());
            return Err(error);
        }
        Ok(Self { writer, span: Span::Member, file })
    }

    /// Waits for the lock and begins a transaction of its own; who is in the group before it is served first.
    pub(super) async fn alone(file: Arc<File>, purpose: Purpose) -> Result<Self, StoreError> {
        let mut writer = Arc::clone(&file.writer).lock_owned().await;
        blocking(move || {
            writer.finish_group(&file);
            writer.begin(&file, purpose)?;
            Ok(Self { writer, span: Span::Alone, file })
        })
        .await
    }

    pub(super) fn conn(&self) -> Result<&Conn, StoreError> {
        if self.span == Span::Over {
            return Err(StoreError::Unavailable("the transaction is gone".into()));
        }
        self.conn_of_writer()
    }

    fn conn_of_writer(&self) -> Result<&Conn, StoreError> {
        self.writer.conn()
    }

    /// After an error: did it take the whole transaction with it? Some do (disk full, I/O).
    pub(super) fn after(&mut self, error: StoreError) -> StoreError {
        if self.span == Span::Over || !self.conn_of_writer().is_ok_and(|conn| conn.is_autocommit()) {
            return error;
        }
        self.span = Span::Over;
        self.writer.lose_group(&error.to_string());
        StoreError::Unavailable(error.into())
    }

    /// Returns when the changes are durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let conn = self.conn()?;
        if self.span == Span::Alone {
            return blocking(move || {
                self.span = Span::Over;
                self.writer.commit(&self.file)?;
                self.writer.checkpoint(&self.file);
                Ok(())
            })
            .await;
        }
        if let Err(error) = conn.step("RELEASE member").map_err(meaning) {
            return Err(self.after(error));
        }
        self.span = Span::Over;
        self.outcome().await
    }

    /// Gives the changes up; returns when what it saw of its group is durable.
    pub(super) async fn rollback(mut self) -> Result<(), StoreError> {
        let member = self.span == Span::Member;
        self.conn()?;
        self.undo();
        if member { self.outcome().await } else { Ok(()) }
    }

    /// Gives the lock on and waits for the group.
    async fn outcome(self) -> Result<(), StoreError> {
        let group = self.writer.group.as_ref().map(watch::Sender::subscribe);
        drop(self);
        let mut group = group.ok_or_else(|| StoreError::Unavailable("the transaction is gone".into()))?;
        let outcome =
            group.wait_for(Option::is_some).await.map_err(|error| StoreError::OutcomeUnknown(error.into()))?;
        match &*outcome {
            Some(Err(Loss::RolledBack(why))) => Err(StoreError::Unavailable(why.to_string().into())),
            Some(Err(Loss::InCommit(why))) => Err(StoreError::OutcomeUnknown(why.to_string().into())),
            _ => Ok(()),
        }
    }

    fn undo(&mut self) {
        let undone = match (self.span, self.conn_of_writer()) {
            (Span::Over, _) | (_, Err(_)) => Ok(()),
            (Span::Member, Ok(conn)) => conn.step("ROLLBACK TO member").and_then(|()| conn.step("RELEASE member")),
            (Span::Alone, Ok(conn)) => conn.step("ROLLBACK"),
        };
        self.span = Span::Over;
        if let Err(error) = undone {
            // Nobody may work on above what could not be undone, and nobody's work may be committed with it.
            self.writer.give_up(&error.to_string());
        }
    }
}

impl Drop for WriteSession {
    fn drop(&mut self) {
        self.undo();
    }
}

#[cfg(test)]
impl Writer {
    pub(super) fn conn_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().unwrap()
    }
}
