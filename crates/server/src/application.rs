//! A running server: one listener, one engine, one router. The binary and the tests start it through the same door.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use insula_engine::engine::{Engine, OpenError, Options};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::edge::Edge;

/// A client that has not sent its header by then is cut off; also how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The size of a connection's buffers. What the edge refuses for its length must fit, or the connection itself answers
/// it: 431 without a body and without a request id.
const BUFFER_LIMIT: usize = 64 * 1024;
/// How long accepted requests may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait when the process has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that listens but does not answer yet.
pub struct Application {
    listener: TcpListener,
    address: SocketAddr,
    engine: Engine,
}

/// Why a server could not start; for the operator.
#[derive(Debug)]
pub enum StartError {
    Bind(SocketAddr, std::io::Error),
    Open(OpenError),
}

impl Application {
    /// Takes the address first, so that a second server started by mistake touches no data, then opens the engine.
    pub async fn bind(address: SocketAddr, options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await.map_err(|error| StartError::Bind(address, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Bind(address, error))?;
        let engine = Engine::open(options).await.map_err(StartError::Open)?;
        Ok(Self { listener, address, engine })
    }

    /// Where it listens: the port picked, if 0 was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` resolves, finishes the requests accepted by then and closes the engine.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, engine } = self;
        let edge = Arc::new(Edge::new(engine.clone()));
        let (stop, stopping) = watch::channel(());
        let mut shutdown = pin!(shutdown);
        let (rest, resting) = oneshot::channel::<()>();
        let background = tokio::spawn({
            let engine = engine.clone();
            async move { engine.work_in_background(async { drop(resting.await) }).await }
        });
        tracing::info!(address = %address, "listening");
        loop {
            let (stream, peer) = tokio::select! {
                accepted = accept(&listener) => accepted,
                () = &mut shutdown => break,
            };
            tokio::spawn(connection(stream, peer, Arc::clone(&edge), stopping.clone()));
        }
        drop(listener);
        drop(stopping);
        tracing::info!("stopping");
        stop.send_replace(());
        // Every connection holds a receiver until it ends.
        if tokio::time::timeout(GRACE, stop.closed()).await.is_err() {
            tracing::warn!(connections = stop.receiver_count(), "some requests did not finish in time");
        }
        drop(rest);
        if let Err(error) = background.await {
            tracing::error!(%error, "the work in the background ended early");
        }
        engine.close().await;
        tracing::info!("stopped");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers on one connection until it ends, or is idle once `stopping` changes.
pub(crate) async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    edge: Arc<Edge>,
    mut stopping: watch::Receiver<()>,
) {
    // Answers are written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let address = peer.ip().to_string().into();
    let service = service_fn(|request| {
        let (edge, address) = (&edge, &address);
        async move { Ok::<_, std::convert::Infallible>(edge.answer(address, request).await) }
    });
    let mut http = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(BUFFER_LIMIT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = &mut http => ended,
        _ = stopping.changed() => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = ended {
        // The client's doing: a broken request, a connection cut.
        tracing::debug!(%error, "a connection ended early");
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Open(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}
