//! One transaction, reading or writing: where its statements run. Short ones run here, on the async worker; what
//! may take long goes to a thread together with the session, which comes back with the answer. If nobody waits for
//! it any more, the session is dropped over there and cleans up as everywhere.

use std::sync::Arc;

use insula_model::id::TenantId;
use insula_model::value::Value;

use crate::store::{Row, Shape, StoreError, Tail, Versions};

use super::connection::{Conn, Limit, Purpose};
use super::error::{Stop, meaning};
use super::file::{File, blocking};
use super::newborn::Newborn;
use super::reader::ReadSession;
use super::statement;
use super::writer::WriteSession;

/// More sets than this are run on a thread.
const INLINE_SETS: usize = 32;

pub(crate) struct Tx {
    /// Absent while away on a thread, and for good if it did not come back.
    session: Option<Session>,
    versions: Option<Versions>,
    /// How many calls of [`Tx::send`] there were.
    sends: usize,
    /// After the session: its transaction is over when the file goes.
    newborn: Option<Newborn>,
}

enum Session {
    Read(ReadSession),
    Write(WriteSession),
}

impl Session {
    fn conn(&self) -> Result<&Conn, StoreError> {
        match self {
            Self::Read(session) => session.conn(),
            Self::Write(session) => session.conn(),
        }
    }

    fn after(&mut self, stop: Stop) -> Stop {
        match (stop, self) {
            (Stop::Failed(error), Self::Write(session)) => Stop::Failed(session.after(error)),
            (stop, _) => stop,
        }
    }

    fn run<T>(&mut self, work: impl FnOnce(&Conn) -> Result<T, Stop>) -> Result<T, Stop> {
        work(self.conn()?).map_err(|stop| self.after(stop))
    }
}

impl Tx {
    pub(super) async fn read(file: &Arc<File>) -> Result<Self, StoreError> {
        Ok(Self::of(Session::Read(file.read().await?)))
    }

    pub(super) async fn write(file: Arc<File>) -> Result<Self, StoreError> {
        Ok(Self::of(Session::Write(WriteSession::join(file).await?)))
    }

    pub(super) async fn alone(file: Arc<File>) -> Result<Self, StoreError> {
        Ok(Self::of(Session::Write(WriteSession::alone(file, Purpose::Write).await?)))
    }

    /// Alone, and without foreign keys: what it does to tables is asked of [`Tx::query`] before it commits.
    pub(super) async fn redesign(file: Arc<File>) -> Result<Self, StoreError> {
        Ok(Self::of(Session::Write(WriteSession::alone(file, Purpose::Redesign).await?)))
    }

    const fn of(session: Session) -> Self {
        Self { session: Some(session), versions: None, sends: 0, newborn: None }
    }

    /// Reads the tenant's counters, which no one can change before this transaction ends.
    pub(super) fn with_versions(mut self) -> Result<Self, StoreError> {
        let versions = self.here(|conn| {
            conn.limit(Limit::Unlimited);
            let mut statement = conn.prepare_cached("SELECT schema_version, grants_version FROM tenant")?;
            Ok(statement.query_row((), |row| Ok(Versions { schema: row.get(0)?, grants: row.get(1)? }))?)
        })?;
        self.versions = Some(versions);
        Ok(self)
    }

    /// Writes the row that says whose file this is, and binds the file's life to this transaction's commit.
    pub(super) fn with_newborn(mut self, newborn: Newborn, tenant: TenantId) -> Result<Self, StoreError> {
        self.newborn = Some(newborn);
        let id = Value::Uuid(tenant.uuid());
        self.here(|conn| {
            let insert = "INSERT INTO tenant (tenant_id, schema_version, grants_version) VALUES (?1, 1, 1)";
            statement::execute(conn, insert, [&id].into_iter())
        })?;
        self.with_versions()
    }

    pub(crate) const fn versions(&self) -> Option<Versions> {
        self.versions
    }

    pub(crate) async fn query(&mut self, sql: &str, binds: &[&Value]) -> Result<Vec<Row>, StoreError> {
        match self.here(|conn| statement::query(conn, Limit::Inline, sql, binds.iter().copied())) {
            Err(Stop::OverBudget) => {}
            done => return Ok(done?),
        }
        let (sql, binds) = owned(sql, binds);
        Ok(self.there(move |conn| statement::query(conn, Limit::Patient, &sql, binds.iter())).await?)
    }

    #[cfg(test)]
    pub(crate) fn steps(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        Ok(self.here(|conn| statement::steps(conn, sql, binds.iter().copied()))?)
    }

    pub(crate) async fn json(
        &mut self,
        sql: &str,
        binds: &[&Value],
        shape: &Shape,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Tail, StoreError> {
        let start = out.len();
        let done =
            self.here(|conn| statement::json(conn, Limit::Inline, sql, binds.iter().copied(), shape, limit, out));
        if done.is_err() {
            out.truncate(start);
        }
        match done {
            Err(Stop::OverBudget) => {}
            done => return Ok(done?),
        }
        let ((sql, binds), shape) = (owned(sql, binds), shape.clone());
        let again = move |conn: &Conn| {
            let mut out = Vec::new();
            let tail = statement::json(conn, Limit::Patient, &sql, binds.iter(), &shape, limit, &mut out)?;
            Ok((tail, out))
        };
        let (tail, rows) = self.there(again).await?;
        out.extend_from_slice(&rows);
        Ok(tail)
    }

    #[expect(clippy::unused_async, reason = "the other engine's twin awaits its server")]
    pub(crate) async fn execute(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        Ok(self.here(|conn| statement::execute(conn, sql, binds.iter().copied()))?)
    }

    pub(crate) async fn send(&mut self, sql: &str, sets: Vec<Vec<Value>>) -> Result<(), StoreError> {
        let send = self.sends;
        self.sends += 1;
        // Which set failed travels beside the error, which the session wants to see.
        let run = move |session: &mut Session, sql: &str, sets: &[Vec<Value>]| {
            let mut failed = 0;
            let done = session.run(|conn| {
                statement::execute_many(conn, sql, sets).map_err(|(set, stop)| {
                    failed = set;
                    stop
                })
            });
            done.map_err(|stop| StoreError::Sent { send, set: failed, cause: Box::new(stop.into()) })
        };
        if sets.len() <= INLINE_SETS {
            return run(self.session.as_mut().ok_or_else(gone)?, sql, &sets);
        }
        let sql = sql.to_owned();
        self.lend(move |session| run(session, &sql, &sets)).await?
    }

    /// As [`Tx::execute`], on a thread.
    pub(crate) async fn rewrite(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        let (sql, binds) = owned(sql, binds);
        Ok(self.there(move |conn| statement::execute(conn, &sql, binds.iter())).await?)
    }

    /// On a thread: an index on a large table takes its time.
    pub(crate) async fn ddl(&mut self, sql: &str) -> Result<(), StoreError> {
        let sql = sql.to_owned();
        let work = move |conn: &Conn| {
            conn.limit(Limit::Unlimited);
            Ok(conn.execute_batch(&sql).map_err(meaning)?)
        };
        Ok(self.there(work).await?)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if let Session::Write(session) = self.session.take().ok_or_else(gone)? {
            session.commit().await?;
        }
        if let Some(newborn) = self.newborn.take() {
            newborn.live();
        }
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), StoreError> {
        match self.session.take().ok_or_else(gone)? {
            Session::Write(session) => session.rollback().await,
            Session::Read(_) => Ok(()),
        }
    }

    fn here<T>(&mut self, work: impl FnOnce(&Conn) -> Result<T, Stop>) -> Result<T, Stop> {
        self.session.as_mut().ok_or_else(gone)?.run(work)
    }

    async fn there<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Conn) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let turn = match &self.session {
            Some(Session::Read(session)) => {
                let file = Arc::clone(session.file());
                Some(file.long_read().await?)
            }
            // Writes of a file run one at a time anyway.
            _ => None,
        };
        self.lend(move |session| {
            // Taken until the work is done, whether or not anyone still waits for it.
            let _turn = turn;
            session.run(work)
        })
        .await?
    }

    /// Lends the session to a thread.
    async fn lend<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut session = self.session.take().ok_or_else(gone)?;
        let (session, done) = blocking(move || {
            let done = work(&mut session);
            Ok((session, done))
        })
        .await?;
        self.session = Some(session);
        Ok(done)
    }
}

fn owned(sql: &str, binds: &[&Value]) -> (String, Vec<Value>) {
    (sql.to_owned(), binds.iter().copied().cloned().collect())
}

fn gone() -> StoreError {
    StoreError::Unavailable("the transaction was given up".into())
}
