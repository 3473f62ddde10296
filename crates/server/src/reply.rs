//! Answers that went well.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use insula_engine::attempt::Done;
use insula_engine::entity::Change;
use insula_model::problem::{Problem, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::call;

static IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// JSON that is bytes already.
pub(crate) fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response> {
    serde_json::to_vec(value).map(|body| json_bytes(status, body)).map_err(Problem::internal)
}

/// 200 with `value`.
pub(crate) fn ok(value: &impl Serialize) -> Result<Response> {
    json(StatusCode::OK, value)
}

/// `response` as the 201 of what now lies at `location`.
pub(crate) fn created(location: &str, response: Response) -> Result<Response> {
    located(StatusCode::CREATED, location, response)
}

/// 200 with what a change of the schema has made, or 202 with the job that will make it.
pub(crate) fn changed(change: Change<impl Serialize>) -> Result<Response> {
    match change {
        Change::Made(made) => ok(&made),
        Change::Later(job) => {
            let location = format!("/api/v1/jobs/{job}");
            located(StatusCode::ACCEPTED, &location, ok(&serde_json::json!({ "job": job }))?)
        }
    }
}

fn located(status: StatusCode, location: &str, mut response: Response) -> Result<Response> {
    *response.status_mut() = status;
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The answer to what was done, marked where the same request had done it before.
pub(crate) fn once<R>(done: Done<R>, show: impl FnOnce(R) -> Result<Response>) -> Result<Response> {
    match done {
        Done::Now(outcome) => show(outcome),
        Done::Before(outcome) => {
            let mut response = show(outcome)?;
            response.headers_mut().insert(&IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}

pub(crate) fn no_content() -> Response {
    empty(StatusCode::NO_CONTENT)
}

pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// `response`, or 304 where one of the client's tags names this very representation (RFC 9110 §13.1.2: weak comparison).
pub(crate) fn unless_known(headers: &HeaderMap, mut response: Response) -> Result<Response> {
    let own = response.headers().get(ETAG).and_then(|value| value.to_str().ok());
    let is_known = call::tags(headers, &IF_NONE_MATCH)?.any(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || Some(tag.strip_prefix("W/").unwrap_or(tag)) == own)
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    Ok(response)
}

/// A strong entity tag of a body: 16 bytes of its hash.
pub(crate) fn etag_of(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let start: [u8; 16] = digest.first_chunk().copied().unwrap_or_default();
    format!("\"{:032x}\"", u128::from_be_bytes(start))
}
