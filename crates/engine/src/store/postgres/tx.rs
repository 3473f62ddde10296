//! One transaction. What opens it travels with its first statement, and whatever happens to it, its session comes back
//! to the pool outside of any transaction, or not at all.
//!
//! The order of things is the driver's: a request is sent when its future is first polled, and a session answers in
//! the order of sending. So a guard may send ROLLBACK behind whatever is on its way, without waiting.

use std::pin::pin;

use futures_util::future::{FutureExt as _, join, join_all};
use futures_util::stream::TryStreamExt as _;
use insula_model::value::Value;
use tokio_postgres::{Client, Error, RowStream, SimpleQueryMessage, Statement};

use super::bind::Bind;
use super::columns::{self, Columns};
use super::error::is_stale_plan;
use super::pool::{Pool, Pooled};
use crate::store::{Row, Shape, StoreError, Tail, Versions};

/// Statements of [`Tx::execute_many`] on their way at once.
const IN_FLIGHT: usize = 128;

pub(crate) struct Tx {
    /// Absent once the transaction has ended.
    session: Option<Pooled>,
    /// What opens the transaction; absent once it is sent.
    opening: Option<String>,
    kind: Kind,
    standing: Standing,
    versions: Option<Versions>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Read,
    Write,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Every statement so far was answered and succeeded.
    Sound,
    /// A statement failed, or nobody waited for its answer: PostgreSQL would turn a COMMIT into a ROLLBACK and call it
    /// a success.
    Unsure,
    /// A statement is being prepared: given up now, the server would keep it for a session that does not know it.
    Preparing,
}

impl Tx {
    /// A transaction that sends nothing before its first statement.
    pub(super) async fn lazy(pool: &Pool, kind: Kind, opening: String) -> Result<Self, StoreError> {
        let session = Some(pool.get().await?);
        Ok(Self { session, opening: Some(opening), kind, standing: Standing::Sound, versions: None })
    }

    /// A write whose opening is sent at once and ends by selecting the tenant's two versions.
    pub(super) async fn versioned(pool: &Pool, opening: String) -> Result<Self, StoreError> {
        let mut tx = Self::lazy(pool, Kind::Write, opening).await?;
        tx.standing = Standing::Unsure;
        let opening = tx.opening.take().unwrap_or_default();
        let answer = tx.client()?.simple_query(&opening).await?;
        tx.versions = Some(read_versions(&answer).ok_or_else(|| StoreError::Other("the tenant has no store".into()))?);
        tx.standing = Standing::Sound;
        Ok(tx)
    }

    pub(super) const fn set_versions(&mut self, versions: Versions) {
        self.versions = Some(versions);
    }

    pub(crate) const fn versions(&self) -> Option<Versions> {
        self.versions
    }

    pub(crate) async fn query(&mut self, sql: &str, binds: &[&Value]) -> Result<Vec<Row>, StoreError> {
        let mut sent = pin!(self.start(sql, binds).await?);
        let mut rows = Vec::new();
        while let Some(row) = sent.try_next().await? {
            rows.push(columns::row(&row)?);
        }
        self.standing = Standing::Sound;
        Ok(rows)
    }

    pub(crate) async fn execute(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        let mut sent = pin!(self.start(sql, binds).await?);
        while sent.try_next().await?.is_some() {}
        self.standing = Standing::Sound;
        Ok(sent.rows_affected().unwrap_or(0))
    }

    pub(crate) async fn execute_many(&mut self, sql: &str, sets: Vec<Vec<Value>>) -> Result<(), (usize, StoreError)> {
        if sets.is_empty() {
            return Ok(());
        }
        self.standing = Standing::Unsure;
        let statement = match self.known(sql) {
            Some(statement) => statement,
            None => self.prepare(sql).await.map_err(|error| (0, error))?,
        };
        let opening = self.opening.take();
        let client = self.client().map_err(|error| (0, error))?;
        for (chunk, sets) in sets.chunks(IN_FLIGHT).enumerate() {
            let runs = join_all(sets.iter().map(|set| client.execute_raw(&statement, set.iter().map(Bind))));
            let opening = opening.as_deref().filter(|_| chunk == 0);
            let answers = behind(client, opening, runs.map(Ok)).await.map_err(|error| (0, error.into()))?;
            for (place, answer) in answers.into_iter().enumerate() {
                answer.map_err(|error| (chunk * IN_FLIGHT + place, error.into()))?;
            }
        }
        self.standing = Standing::Sound;
        Ok(())
    }

    pub(crate) async fn ddl(&mut self, sql: &str) -> Result<(), StoreError> {
        self.standing = Standing::Unsure;
        let opening = self.opening.take();
        let client = self.client()?;
        behind(client, opening.as_deref(), client.batch_execute(sql)).await?;
        self.standing = Standing::Sound;
        Ok(())
    }

    pub(crate) async fn json(
        &mut self,
        sql: &str,
        binds: &[&Value],
        shape: &Shape,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Tail, StoreError> {
        let mut sent = pin!(self.start(sql, binds).await?);
        let mut tail = Tail::default();
        let mut last = None;
        let start = out.len();
        while let Some(row) = sent.try_next().await? {
            if tail.more || tail.is_full(limit, out.len() - start) {
                tail.more = true;
                continue;
            }
            if tail.rows > 0 {
                out.push(b',');
            }
            shape.write(&Columns(&row), out)?;
            tail.rows += 1;
            last = Some(row);
        }
        self.standing = Standing::Sound;
        if let Some(row) = last {
            tail.last = shape.capture(&Columns(&row))?;
        }
        Ok(tail)
    }

    /// A read has nothing to hear back: its COMMIT is sent and the session is free.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.opening.is_some() {
            return Ok(());
        }
        if self.standing != Standing::Sound {
            return Err(StoreError::Other("a transaction with a failed statement cannot be committed".into()));
        }
        match self.kind {
            Kind::Read => {
                let _ = self.client()?.batch_execute("COMMIT").now_or_never();
            }
            Kind::Write => {
                self.standing = Standing::Unsure;
                self.client()?.batch_execute("COMMIT").await?;
            }
        }
        self.session = None;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), StoreError> {
        if self.opening.is_none() && self.standing != Standing::Preparing {
            self.client()?.batch_execute("ROLLBACK").await?;
            self.session = None;
        }
        Ok(())
    }

    fn client(&self) -> Result<&Client, StoreError> {
        self.session.as_ref().map(|session| &session.client).ok_or_else(ended)
    }

    /// Sends a statement; its rows are still to be read. A read whose first statement has outlived the columns it was
    /// prepared with begins again, once: nothing was seen yet.
    async fn start(&mut self, sql: &str, binds: &[&Value]) -> Result<RowStream, StoreError> {
        let again = if self.kind == Kind::Read { self.opening.clone() } else { None };
        match self.send(sql, binds).await {
            Err(error) if is_stale_plan(&error) => {
                if let Some(session) = &mut self.session {
                    session.statements.pop(sql);
                }
                let Some(opening) = again else { return Err(error) };
                self.opening = Some(format!("ROLLBACK; {opening}"));
                self.send(sql, binds).await
            }
            sent => sent,
        }
    }

    async fn send(&mut self, sql: &str, binds: &[&Value]) -> Result<RowStream, StoreError> {
        let binds = binds.iter().map(|value| Bind(value));
        self.standing = Standing::Unsure;
        let statement = match self.known(sql) {
            Some(statement) => statement,
            None => self.prepare(sql).await?,
        };
        let opening = self.opening.take();
        let client = self.client()?;
        Ok(behind(client, opening.as_deref(), client.query_raw(&statement, binds)).await?)
    }

    fn known(&mut self, sql: &str) -> Option<Statement> {
        self.session.as_mut()?.statements.get(sql).cloned()
    }

    /// Prepares in the transaction, under its role: the login itself may not even name the tables.
    async fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        self.standing = Standing::Preparing;
        let opening = self.opening.take();
        let client = self.client()?;
        let prepared = behind(client, opening.as_deref(), client.prepare(sql)).await;
        self.standing = Standing::Unsure;
        let statement = prepared?;
        if let Some(session) = &mut self.session {
            session.statements.put(sql.into(), statement.clone());
        }
        Ok(statement)
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.standing == Standing::Preparing {
            drop(Pooled::take(session));
        } else if self.opening.is_none() {
            // Behind a COMMIT that is on its way this changes nothing, and PostgreSQL says so.
            let _ = session.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

/// Sends `opening` and what `statement` sends in one go, then waits for both. Should the opening fail, the statement
/// finds an aborted transaction and does nothing.
async fn behind<T>(
    client: &Client,
    opening: Option<&str>,
    statement: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(opening) = opening else { return statement.await };
    let (opened, answer) = join(client.batch_execute(opening), statement).await;
    opened.and(answer)
}

fn read_versions(answer: &[SimpleQueryMessage]) -> Option<Versions> {
    let row = answer.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })?;
    let number = |index| row.try_get(index).ok().flatten()?.parse().ok();
    // The row of a statement before the last one has one column, or none.
    Some(Versions { schema: number(0)?, grants: number(1)? })
}

fn ended() -> StoreError {
    StoreError::Other("the transaction has ended".into())
}
