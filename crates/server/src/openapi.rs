//! The API as a document, OpenAPI 3.1: one for the platform, and one for each caller with the entities and fields that
//! caller may use. Made from the page of routes and what each endpoint says of itself; a route cannot be added without.
//!
//! Written by a small builder of our own and not derived (utoipa): bodies are read member by member by `model`, with
//! codes and pointers, so there are no types to derive from, and a tenant's half is known only at run time.

mod document;
mod fields;
mod operation;
mod problems;
mod records;
mod schema;

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue};
use insula_engine::entity::{Surface, SurfaceKey};
use insula_model::problem::{Problem, Result};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

pub(crate) use fields::{added, definition, document_id, documented, patch, view};
pub(crate) use operation::{Answer, Operation, Parameter};
pub(crate) use problems::field_error;
pub(crate) use records::Shape;
pub(crate) use schema::{Member, Schema, optional, page, required};

use crate::call::{Call, Take};
use crate::{reply, router};

/// Bytes of tenants' documents that are kept.
const KEPT: u64 = 32 * 1024 * 1024;

/// A document, ready to be sent.
#[derive(Clone)]
pub(crate) struct Document {
    json: Bytes,
    etag: HeaderValue,
}

/// Tenants' documents, by what they were made from.
#[derive(Clone)]
pub(crate) struct Documents(Arc<Cache<SurfaceKey, Document, Length>>);

#[derive(Clone)]
struct Length;

impl Weighter<SurfaceKey, Document> for Length {
    fn weight(&self, _: &SurfaceKey, document: &Document) -> u64 {
        document.json.len() as u64
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self(Arc::new(Cache::with_weighter(256, KEPT, Length)))
    }
}

impl Take for Documents {
    async fn take(call: &mut Call) -> Result<Self> {
        Ok(call.state.documents.clone())
    }
}

impl Documents {
    pub(crate) fn get(&self, key: &SurfaceKey) -> Option<Document> {
        self.0.get(key)
    }

    /// Makes the document of `surface` and keeps it under `key`.
    pub(crate) fn make(&self, key: SurfaceKey, surface: &Surface) -> Result<Document> {
        let json = document::document(&router::routes(), Some(surface)).to_string();
        let document = Document::new(json)?;
        self.0.insert(key, document.clone());
        Ok(document)
    }
}

/// The platform's document, as it is served and as it is committed: indented, so that a change of it can be read.
pub fn platform() -> String {
    format!("{:#}\n", document::document(&router::routes(), None))
}

impl Document {
    fn new(json: String) -> Result<Self> {
        let etag = HeaderValue::try_from(reply::etag_of(json.as_bytes())).map_err(Problem::internal)?;
        Ok(Self { json: json.into(), etag })
    }

    pub(crate) fn of_the_platform() -> Result<Self> {
        static MADE: OnceLock<Document> = OnceLock::new();
        if let Some(made) = MADE.get() {
            return Ok(made.clone());
        }
        let made = Self::new(platform())?;
        Ok(MADE.get_or_init(|| made).clone())
    }

    /// The document, or 304 to who has it. It may be kept but must be asked for: rights and schemas change.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Result<Response> {
        let mut response = Response::new(Body::from(self.json));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response.headers_mut().insert(ETAG, self.etag);
        reply::unless_known(headers, response)
    }
}

/// What both documents' endpoints answer.
pub(crate) fn described(operation: Operation) -> Operation {
    let known = "Tags of what the client has; 304 where it is still so.";
    operation
        .parameter(Parameter::header("If-None-Match", known, Schema::text(0, 8192)))
        .answer(Answer::json(200, "The document.", Schema::free_form()).header("ETag"))
        .answer(Answer::empty(304, "The client has it.").header("ETag"))
}
