//! What every request passes and every answer carries: a request id, the security headers, one line in the log, and
//! a problem's body in place of whatever went wrong, a panic included (requirements E1, E2, I2).
//!
//! One function instead of a stack of layers: the hot path pays for one future, not for six boxed ones.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, REFERRER_POLICY, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use hyper::body::Incoming;
use insula_engine::engine::{Engine, Origin};
use insula_model::id::RequestId;
use insula_model::problem::{Code, Problem};
use tower_service::Service as _;

use crate::call::{Arrival, Track};
use crate::problem::{self, Refused};
use crate::router;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer header, its first line included, is 431 (requirement C2).
const HEADER_LIMIT: usize = 16 * 1024;
/// More of a user agent is kept nowhere.
const USER_AGENT_LIMIT: usize = 256;

pub(crate) struct Edge {
    engine: Engine,
    router: Router,
}

impl Edge {
    pub(crate) fn new(engine: Engine) -> Self {
        Self::over(router::build(engine.clone()), engine)
    }

    fn over(router: Router, engine: Engine) -> Self {
        Self { engine, router }
    }

    /// Answers one request of the client at `address`.
    pub(crate) async fn answer(&self, address: &Arc<str>, mut request: Request<Incoming>) -> Response {
        let begun = Instant::now();
        let id: RequestId = self.engine.ids().next();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let origin = Origin { request: id, address: Arc::clone(address), user_agent: user_agent(request.headers()) };
        let track = Track::default();
        request.extensions_mut().insert(Arrival { origin, track: track.clone() });

        let mut response = if header_size(&request) > HEADER_LIMIT {
            router::refuse(request.map(Body::new), headers_too_large())
        } else {
            let mut router = self.router.clone();
            match AssertUnwindSafe(router.call(request)).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(panic) => problem::refuse(Problem::internal(panic_message(panic.as_ref()))),
            }
        };
        if let Some(refused) = response.extensions_mut().remove::<Refused>() {
            finish_problem(&mut response, &refused, id, &uri);
        }
        let (mut id_room, mut tenant_room, mut account_room) = ([0; 36], [0; 36], [0; 36]);
        let id = id.encode(&mut id_room);
        set_headers(response.headers_mut(), id);
        let who = track.who();
        tracing::info!(
            target: "insula::access",
            method = method.as_str(),
            route = track.route(),
            status = response.status().as_u16(),
            duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            request_id = id,
            tenant = who.and_then(|who| who.tenant).map(|tenant| tenant.encode(&mut tenant_room)),
            account = who.map(|who| who.account.encode(&mut account_room)),
            "request"
        );
        response
    }
}

/// What the header takes on the wire, but for a few bytes of its first line.
fn header_size<B>(request: &Request<B>) -> usize {
    let uri = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + uri
}

fn headers_too_large() -> Problem {
    Problem::new(Code::HeadersTooLarge, format!("The address and the headers may have {HEADER_LIMIT} bytes together."))
}

/// Writes the problem's body, and its cause into the log and nowhere else.
fn finish_problem(response: &mut Response, refused: &Refused, id: RequestId, uri: &Uri) {
    let Refused(problem) = refused;
    if response.status().is_server_error() {
        tracing::error!(
            request_id = %id,
            code = problem.code().as_str(),
            cause = problem.cause().map(tracing::field::display),
            "a request failed"
        );
    }
    // The router counted the body it was given: none.
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = problem::body(problem, uri.path(), id).into();
}

fn set_headers(headers: &mut HeaderMap, id: &str) {
    headers.reserve(5);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(&X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("no-store"));
}

fn user_agent(headers: &HeaderMap) -> Arc<str> {
    let Some(value) = headers.get(USER_AGENT) else { return Arc::default() };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.split_at(text.floor_char_boundary(USER_AGENT_LIMIT)).0.into()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests;
