//! The records of an entity. Each handler: authorise, say what is wanted, return it.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod query;
pub(crate) mod replace;
pub(crate) mod update;

use axum::response::Response;
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use insula_engine::record::{Precondition, VisibleRecord};
use insula_model::problem::{Problem, Result};

use crate::reply;

/// A record with its entity tag.
fn record(status: StatusCode, record: VisibleRecord) -> Result<Response> {
    let etag = HeaderValue::try_from(record.etag()).map_err(Problem::internal)?;
    let mut response = reply::json_bytes(status, record.into_json());
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// `If-Match`, over however many headers it is spread.
fn precondition(headers: &HeaderMap) -> Precondition {
    let tags: Vec<&str> = headers.get_all(IF_MATCH).iter().map(|value| value.to_str().unwrap_or("")).collect();
    Precondition::parse((!tags.is_empty()).then(|| tags.join(",")).as_deref())
}

/// Whether one of the client's tags names this very representation (RFC 9110 §13.1.2: weak comparison).
fn matches<'v>(mut known: impl Iterator<Item = &'v str>, response: &Response) -> bool {
    let own = response.headers().get(ETAG).and_then(|value| value.to_str().ok());
    known.any(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || Some(tag.strip_prefix("W/").unwrap_or(tag)) == own)
    })
}
