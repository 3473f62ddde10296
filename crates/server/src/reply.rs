//! Answers that went well.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use insula_engine::attempt::Done;
use insula_model::problem::{Problem, Result};
use serde::Serialize;

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
pub(crate) fn created(location: &str, mut response: Response) -> Result<Response> {
    *response.status_mut() = StatusCode::CREATED;
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
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
