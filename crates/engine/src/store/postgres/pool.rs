//! Pools of sessions: connections with the statements prepared on them.

use std::num::NonZeroUsize;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, QueueMode, RecycleError, RecycleResult};
use insula_model::id::TenantId;
use lru::LruCache;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

use super::error::Told;
use crate::store::StoreError;

/// Prepared statements a session keeps; the least used goes first.
const STATEMENTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

pub(super) type Pool = managed::Pool<Connector>;
pub(super) type Pooled = managed::Object<Connector>;

/// One connection. Of its state on the server nothing outlives a transaction but the prepared statements, and whose
/// guise it wears.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) statements: LruCache<Box<str>, Statement>,
    /// The tenant whose role and setting the session has outside of any transaction: it can do what that tenant can, and
    /// whoever reads for another one changes the guise with what he sends first. Of none where that is not certain.
    pub(super) guise: Option<TenantId>,
}

pub(super) struct Connector(Config);

impl Manager for Connector {
    type Type = Box<Session>;
    type Error = Error;

    async fn create(&self) -> Result<Box<Session>, Error> {
        // Rare, and no part of what every transaction waits with.
        let (client, connection) = Box::pin(self.0.connect(NoTls)).await?;
        tokio::spawn(async move {
            // Whoever waits for an answer hears of it as well.
            if let Err(error) = connection.await {
                tracing::warn!(error = %Told(error), "a connection to PostgreSQL broke");
            }
        });
        Ok(Box::new(Session { client, statements: LruCache::new(STATEMENTS), guise: None }))
    }

    /// No question to the server: a transaction left open was answered by its own guard.
    async fn recycle(&self, session: &mut Box<Session>, _: &Metrics) -> RecycleResult<Error> {
        if session.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}

/// A pool of at most `size` sessions, none of them open yet. The session used last is used next: its statements and
/// the server's caches are warm.
pub(super) fn pool(config: Config, size: usize) -> Result<Pool, StoreError> {
    Pool::builder(Connector(config))
        .max_size(size)
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(Duration::from_secs(2)))
        .create_timeout(Some(Duration::from_secs(10)))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Other(error.to_string().into()))
}
