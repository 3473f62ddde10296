//! `GET /api/openapi.json`: the platform's API as an OpenAPI document. Anyone.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::call::{Headers, NoQuery};
use crate::openapi::{self, Document, Operation};

pub(crate) async fn get(_: Public, NoQuery: NoQuery, Headers(headers): Headers) -> Result<Response> {
    Document::of_the_platform()?.answer(&headers)
}

pub(crate) fn describe() -> Operation {
    openapi::described(Operation::new("getPlatformDocument", "This document")).problem(422)
}
