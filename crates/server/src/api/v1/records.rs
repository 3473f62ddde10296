//! The records of an entity. Each handler: authorise, say what is wanted, return it.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod query;
pub(crate) mod replace;
pub(crate) mod restore;
pub(crate) mod update;

use axum::response::Response;
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use insula_engine::record::{Precondition, VisibleRecord};
use insula_model::problem::{Problem, Result};

use crate::call;
use crate::openapi::{Parameter, Schema};
use crate::reply;

/// A record with its entity tag.
fn record(status: StatusCode, record: VisibleRecord) -> Result<Response> {
    let etag = HeaderValue::try_from(record.etag()).map_err(Problem::internal)?;
    let mut response = reply::json_bytes(status, record.into_json());
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// `If-Match`, over however many headers it is spread.
fn precondition(headers: &HeaderMap) -> Result<Precondition> {
    let tags: Vec<&str> = call::tags(headers, &IF_MATCH)?.collect();
    Ok(Precondition::parse((!tags.is_empty()).then(|| tags.join(",")).as_deref()))
}

/// `If-Match`, as the document shows it.
fn if_match() -> Parameter {
    let description = "Only if the record still is of this version: the `ETag` it was read with. 412 where it is not.";
    Parameter::header("If-Match", description, Schema::text(0, 8192))
}
