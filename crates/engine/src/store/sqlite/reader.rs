//! A reading connection, and a read transaction on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::store::StoreError;

use super::connection::Conn;
use super::error::meaning;
use super::file::File;

/// How long reads that follow on each other share one snapshot, while this process commits nothing to the file. It is
/// also how long a commit of another process, a shell's or a restore's, may go unseen.
pub(super) const SHARED: Duration = Duration::from_millis(10);

/// A connection and the transaction that may be open on it. To take and give back the lock of the log's index are system
/// calls, which cost more than to read a record: so a snapshot stays open for the next read, if those come thick.
pub(super) struct Reader {
    conn: Conn,
    snapshot: Option<Snapshot>,
    /// When the last session on it ended.
    ended: Option<Instant>,
}

struct Snapshot {
    /// How many commits the file had seen, at least, when it was taken.
    commits: u64,
    since: Instant,
}

impl Reader {
    pub(super) const fn new(conn: Conn) -> Self {
        Self { conn, snapshot: None, ended: None }
    }

    pub(super) const fn conn(&self) -> &Conn {
        &self.conn
    }

    pub(super) const fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// A view of what had been committed by now, and maybe more.
    fn begin(&mut self, commits: u64) -> Result<(), StoreError> {
        let now = Instant::now();
        let holds = |open: &Snapshot| open.commits == commits && now.duration_since(open.since) < SHARED;
        if self.snapshot.as_ref().is_some_and(holds) {
            return Ok(());
        }
        self.end()?;
        self.conn.step("BEGIN").map_err(meaning)?;
        self.snapshot = Some(Snapshot { commits, since: now });
        Ok(())
    }

    /// Keeps the snapshot for the next session if the last one was a moment ago.
    fn rest(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        let before = self.ended.replace(now);
        let thick = before.is_some_and(|before| now.duration_since(before) < SHARED);
        if thick && !self.conn.is_autocommit() { Ok(()) } else { self.end() }
    }

    /// Ends a snapshot older than a read may use, or any.
    pub(super) fn end_if(&mut self, which: Ended) -> Result<(), StoreError> {
        let outdated = |open: &Snapshot| which == Ended::All || open.since.elapsed() >= SHARED;
        if self.snapshot.as_ref().is_some_and(outdated) { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.snapshot = None;
        if self.conn.is_autocommit() { Ok(()) } else { self.conn.step("COMMIT").map_err(meaning) }
    }
}

/// Which of the snapshots that nobody uses end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    Outdated,
    All,
}

/// All its statements see one snapshot. Goes back to the pool when dropped, wherever that is.
pub(super) struct ReadSession {
    reader: Option<Reader>,
    file: Arc<File>,
}

impl ReadSession {
    pub(super) fn begin(reader: Reader, file: Arc<File>) -> Result<Self, StoreError> {
        let commits = file.commits();
        let mut session = Self { reader: Some(reader), file };
        session.reader.as_mut().map_or(Ok(()), |reader| reader.begin(commits))?;
        Ok(session)
    }

    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(super) fn conn(&self) -> Result<&Conn, StoreError> {
        let gone = || StoreError::Other("the connection is given back".into());
        self.reader.as_ref().map(Reader::conn).ok_or_else(gone)
    }
}

impl Drop for ReadSession {
    fn drop(&mut self) {
        let clean = self.reader.take().and_then(|mut reader| reader.rest().is_ok().then_some(reader));
        self.file.give_back(clean);
    }
}
