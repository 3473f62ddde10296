//! One transaction. What opens it travels with its first statement, and whatever happens to it, its session comes back
//! to the pool outside of any transaction, or not at all.
//!
//! A tenant's read leaves its session in the tenant's guise, so that the tenant's next read need not put it on; and one
//! of a single statement is no more than that statement then, which is a transaction by itself.
//!
//! The order of things is the driver's: a request is sent when its future is first polled, and a session answers in
//! the order of sending. So a guard may send ROLLBACK behind whatever is on its way, without waiting; and changes
//! whose outcome only matters in the end wait for the next statement and leave with it, at the latest with the COMMIT.

use std::pin::pin;

use futures_util::future::{FutureExt as _, join, poll_immediate, try_join, try_join_all};
use futures_util::stream::TryStreamExt as _;
use insula_model::id::TenantId;
use insula_model::value::Value;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, RowStream, SimpleQueryMessage, Statement};

use super::bind::Bind;
use super::columns::{self, Columns};
use super::error::{is_of_the_session, is_stale_plan, of_commit};
use super::pool::{Pool, Pooled, Session};
use super::tenants;
use crate::store::{Row, Shape, StoreError, Tail, Versions};

/// Changes that wait for company, or are on their way, at once.
const IN_FLIGHT: usize = 128;

pub(crate) struct Tx {
    /// Absent once the transaction has ended.
    session: Option<Pooled>,
    ahead: Ahead,
    /// How many calls of [`Tx::send`] there were.
    sends: usize,
    kind: Kind,
    extent: Extent,
    standing: Standing,
    /// How many sessions did not let it into its tenant's role.
    refusals: usize,
    versions: Option<Versions>,
}

/// What is still to be sent, before anything else.
#[derive(Default)]
struct Ahead {
    /// What opens the transaction; absent once it is sent.
    opening: Option<String>,
    changes: Vec<Change>,
}

/// One run of a statement whose rows nobody reads.
struct Change {
    statement: Statement,
    binds: Vec<Value>,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// It belongs to the opening.
    Guard,
    /// The call of [`Tx::send`] it came by, and its place there.
    Sent { send: usize, set: usize },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Read,
    /// Of one tenant, whose guise the session wears.
    ReadOf(TenantId),
    Write,
}

impl Kind {
    const fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::ReadOf(_))
    }
}

/// How much a transaction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    Open,
    /// One statement, which is still to come.
    Single,
    /// One statement, which was sent without a transaction around it.
    Sent,
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
    /// The session itself is of no more use.
    Outdated,
}

impl Standing {
    /// Whether nobody is to borrow the session again.
    const fn is_spent(self) -> bool {
        matches!(self, Self::Preparing | Self::Outdated)
    }
}

impl Tx {
    /// A transaction that sends nothing before its first statement.
    pub(super) async fn lazy(pool: &Pool, kind: Kind, opening: String) -> Result<Self, StoreError> {
        Ok(Self::on(pool.get().await?, kind, opening))
    }

    /// The same, reading what is one tenant's.
    pub(super) async fn read_of(pool: &Pool, tenant: TenantId) -> Result<Self, StoreError> {
        let session = pool.get().await?;
        let opening = opening_of_read(&session, tenant);
        Ok(Self::on(session, Kind::ReadOf(tenant), opening))
    }

    const fn on(session: Pooled, kind: Kind, opening: String) -> Self {
        let ahead = Ahead { opening: Some(opening), changes: Vec::new() };
        Self {
            session: Some(session),
            ahead,
            sends: 0,
            kind,
            extent: Extent::Open,
            standing: Standing::Sound,
            refusals: 0,
            versions: None,
        }
    }

    /// Says that the next statement is all there is. Afterwards there is none.
    pub(crate) fn expect_one(&mut self) {
        if !self.is_open() {
            self.extent = Extent::Single;
        }
    }

    /// A write whose opening is sent at once and ends by selecting the tenant's two versions.
    pub(super) async fn versioned(pool: &Pool, opening: String) -> Result<Self, StoreError> {
        let mut tx = Self::lazy(pool, Kind::Write, opening).await?;
        let opening = tx.ahead.opening.take().unwrap_or_default();
        let answer = loop {
            tx.standing = Standing::Unsure;
            let answer = tx.client()?.simple_query(&opening).await.map_err(StoreError::from);
            match tx.noted(answer) {
                Err(error) if is_of_the_session(&error) => tx.change_session(error).await?,
                answer => break answer?,
            }
        };
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

    /// Found in the server's own account, where the first figures are those of the whole.
    #[cfg(test)]
    pub(crate) async fn pages(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        let rows = self.query(&format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {sql}"), binds).await?;
        let mut lines = rows.iter().filter_map(|row| row.text(0).ok());
        let buffers = lines.find_map(|line| line.trim().strip_prefix("Buffers: shared ")).unwrap_or_default();
        let kinds =
            buffers.split([' ', ',']).filter_map(|kind| kind.strip_prefix("hit=").or(kind.strip_prefix("read=")));
        Ok(kinds.filter_map(|pages| pages.parse::<u64>().ok()).sum())
    }

    pub(crate) async fn execute(&mut self, sql: &str, binds: &[&Value]) -> Result<u64, StoreError> {
        let mut sent = pin!(self.start(sql, binds).await?);
        while sent.try_next().await?.is_some() {}
        self.standing = Standing::Sound;
        Ok(sent.rows_affected().unwrap_or(0))
    }

    pub(crate) async fn send(&mut self, sql: &str, sets: Vec<Vec<Value>>) -> Result<(), StoreError> {
        let send = self.sends;
        self.sends += 1;
        let statement = self.statement(sql).await?;
        for (set, binds) in sets.into_iter().enumerate() {
            if self.ahead.changes.len() == IN_FLIGHT {
                self.flush().await?;
            }
            self.ahead.changes.push(Change { statement: statement.clone(), binds, origin: Origin::Sent { send, set } });
        }
        Ok(())
    }

    /// A statement that belongs to the opening. Where it divides by zero, the store is not what was believed.
    pub(super) async fn guard(&mut self, sql: &str, binds: Vec<Value>) -> Result<(), StoreError> {
        let statement = self.statement(sql).await?;
        self.ahead.changes.push(Change { statement, binds, origin: Origin::Guard });
        Ok(())
    }

    /// Whether the opening has been sent.
    const fn is_open(&self) -> bool {
        self.ahead.opening.is_none()
    }

    /// Whether the server has found what was believed to be true.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.is_open() && !self.ahead.changes.iter().any(|change| change.origin == Origin::Guard)
    }

    pub(crate) async fn ddl(&mut self, sql: &str) -> Result<(), StoreError> {
        self.standing = Standing::Unsure;
        let ahead = std::mem::take(&mut self.ahead);
        let client = self.client()?;
        let done = ahead.before(client, client.batch_execute(sql)).await;
        self.noted(done)?;
        self.standing = Standing::Sound;
        Ok(())
    }

    /// What waits to be sent belongs to the span, whose beginning sent all before it.
    pub(crate) async fn undo_span(&mut self) -> Result<(), StoreError> {
        self.ahead.changes.clear();
        self.ddl("ROLLBACK TO SAVEPOINT span; RELEASE SAVEPOINT span").await
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
            shape.write(&Columns(&row), out, &mut tail.noted)?;
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
        if !self.is_open() && self.ahead.changes.iter().all(|change| change.origin == Origin::Guard) {
            return Ok(());
        }
        if self.standing != Standing::Sound {
            return Err(StoreError::Other("a transaction with a failed statement cannot be committed".into()));
        }
        match self.kind {
            _ if self.extent == Extent::Sent => {}
            Kind::Read => {
                let _ = self.client()?.batch_execute("COMMIT").now_or_never();
            }
            Kind::ReadOf(tenant) => {
                let _ = self.client()?.batch_execute("COMMIT").now_or_never();
                // Every statement succeeded, and whoever is next is behind the COMMIT.
                if let Some(session) = &mut self.session {
                    session.guise = Some(tenant);
                }
            }
            Kind::Write => {
                self.standing = Standing::Unsure;
                let ahead = std::mem::take(&mut self.ahead);
                let client = self.client()?;
                let committed = ahead.before(client, client.batch_execute("COMMIT")).await.map_err(of_commit);
                if matches!(committed, Err(StoreError::OutcomeUnknown(_))) {
                    // It is ending, even where it does not know yet: nobody is to borrow it again.
                    drop(self.session.take().map(Pooled::take));
                }
                self.noted(committed)?;
            }
        }
        self.session = None;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), StoreError> {
        if self.kind == Kind::Write && self.is_open() && !self.standing.is_spent() {
            self.client()?.batch_execute("ROLLBACK").await?;
            self.session = None;
        }
        Ok(())
    }

    /// Sends the changes that wait, without further company.
    async fn flush(&mut self) -> Result<(), StoreError> {
        self.standing = Standing::Unsure;
        let ahead = std::mem::take(&mut self.ahead);
        let done = ahead.before(self.client()?, std::future::ready(Ok(()))).await;
        self.noted(done)?;
        self.standing = Standing::Sound;
        Ok(())
    }

    fn client(&self) -> Result<&Client, StoreError> {
        self.session.as_ref().map(|session| &session.client).ok_or_else(ended)
    }

    /// Sends a statement; its rows are still to be read. A read whose first statement was not served begins again,
    /// nothing having been seen yet: on another session where this one does not let it into its tenant's role; and once
    /// where the statement has outlived the columns it was prepared with.
    async fn start(&mut self, sql: &str, binds: &[&Value]) -> Result<RowStream, StoreError> {
        if self.extent == Extent::Sent {
            return Err(StoreError::Other("a transaction of one statement has had it".into()));
        }
        self.strip();
        let mut again = self.kind.is_read() && (!self.is_open() || self.extent == Extent::Sent);
        loop {
            let error = match self.start_once(sql, binds).await {
                Err(error) => error,
                sent => return sent,
            };
            let is_stale = is_stale_plan(&error);
            if is_stale && let Some(session) = &mut self.session {
                session.statements.pop(sql);
            }
            let opening = if again && is_of_the_session(&error) {
                self.change_session(error).await?;
                self.opening()?
            } else if again && is_stale {
                again = false;
                format!("ROLLBACK; {}", self.opening()?)
            } else {
                return Err(error);
            };
            self.ahead.opening = Some(opening);
            self.extent = Extent::Open;
        }
    }

    /// Goes without a transaction where a single statement needs none: in the tenant's own guise.
    fn strip(&mut self) {
        let Kind::ReadOf(tenant) = self.kind else { return };
        if self.extent == Extent::Single && self.session.as_ref().is_some_and(|s| s.guise == Some(tenant)) {
            self.ahead.opening = None;
            self.extent = Extent::Sent;
        }
    }

    /// What opens this read on the session it has now.
    fn opening(&self) -> Result<String, StoreError> {
        match (self.kind, &self.session) {
            (Kind::ReadOf(tenant), Some(session)) => Ok(opening_of_read(session, tenant)),
            (_, Some(_)) => Ok(READ.to_owned()),
            (_, None) => Err(ended()),
        }
    }

    async fn start_once(&mut self, sql: &str, binds: &[&Value]) -> Result<RowStream, StoreError> {
        let statement = self.statement(sql).await?;
        self.standing = Standing::Unsure;
        let ahead = std::mem::take(&mut self.ahead);
        let client = self.client()?;
        let sent = ahead.before(client, client.query_raw(&statement, binds.iter().map(|value| Bind(value)))).await;
        self.noted(sent)
    }

    /// Closes a session that has not let this transaction into its tenant's role, and takes another. One that is opened
    /// after the role was made knows it; so when as many have refused as there are at once, the role itself is to blame.
    async fn change_session(&mut self, refusal: StoreError) -> Result<(), StoreError> {
        let Some(session) = self.session.take() else { return Err(refusal) };
        let pool = Pooled::pool(&session);
        drop(Pooled::take(session));
        self.refusals += 1;
        match pool {
            Some(pool) if self.refusals <= pool.status().max_size => {
                // Rare, and no part of every transaction's size.
                self.session = Some(Box::pin(pool.get()).await?);
                self.standing = Standing::Sound;
                Ok(())
            }
            _ => Err(refusal),
        }
    }

    fn noted<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.as_ref().is_err_and(is_of_the_session) {
            self.standing = Standing::Outdated;
        }
        answer
    }

    async fn statement(&mut self, sql: &str) -> Result<Statement, StoreError> {
        match self.session.as_mut().and_then(|session| session.statements.get(sql)) {
            Some(statement) => Ok(statement.clone()),
            // Rare, and no part of every statement's size.
            None => Box::pin(self.prepare(sql)).await,
        }
    }

    /// Prepares in the transaction, under its role: the login itself may not even name the tables.
    async fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        self.standing = Standing::Preparing;
        let ahead = std::mem::take(&mut self.ahead);
        let client = self.client()?;
        let prepared = ahead.before(client, client.prepare(sql)).await;
        self.standing = Standing::Unsure;
        let statement = self.noted(prepared)?;
        self.standing = Standing::Sound;
        if let Some(session) = &mut self.session {
            session.statements.put(sql.into(), statement.clone());
        }
        Ok(statement)
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.standing.is_spent() {
            drop(Pooled::take(session));
        } else if self.is_open() && self.extent != Extent::Sent {
            // Behind a COMMIT that is on its way this changes nothing, and PostgreSQL says so.
            let _ = session.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

impl Ahead {
    /// Sends all of it and what `statement` sends in one go, then waits. Where one of them fails, those behind it find
    /// an aborted transaction and do nothing, and a COMMIT among them is a ROLLBACK.
    async fn before<T>(
        &self,
        client: &Client,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        if self.changes.is_empty() {
            let (opened, answer) = join(self.open(client), statement).await;
            opened?;
            return Ok(answer?);
        }
        // No part of the size of what has no changes: a read.
        Box::pin(self.changed_before(client, statement)).await
    }

    async fn changed_before<T>(
        &self,
        client: &Client,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let changes = try_join_all(self.changes.iter().map(|change| change.run(client)));
        let mut sent = pin!(try_join(self.open(client), changes));
        // What could not even be sent aborts nothing over there: no COMMIT may follow it.
        let (sent, answer) = match poll_immediate(&mut sent).await {
            Some(Err(error)) => return Err(error),
            // Another thread may have had the answer already.
            Some(Ok(done)) => (Ok(done), statement.await),
            None => join(sent, statement).await,
        };
        sent?;
        Ok(answer?)
    }

    async fn open(&self, client: &Client) -> Result<(), StoreError> {
        match &self.opening {
            Some(opening) => Ok(client.batch_execute(opening).await?),
            None => Ok(()),
        }
    }
}

impl Change {
    async fn run(&self, client: &Client) -> Result<(), StoreError> {
        let done = client.execute_raw(&self.statement, self.binds.iter().map(Bind)).await;
        done.map(drop).map_err(|error| match self.origin {
            Origin::Guard if error.code() == Some(&SqlState::DIVISION_BY_ZERO) => StoreError::SchemaMoved(error.into()),
            Origin::Guard => error.into(),
            Origin::Sent { send, set } => StoreError::Sent { send, set, cause: Box::new(error.into()) },
        })
    }
}

/// Several statements see one snapshot.
pub(super) const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The session's guise is the tenant's, or becomes it when this commits.
fn opening_of_read(session: &Session, tenant: TenantId) -> String {
    if session.guise == Some(tenant) { READ.to_owned() } else { format!("{READ}; {}", tenants::guise(tenant)) }
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
