//! `GET /api/openapi.json`: the platform's API as an OpenAPI document. Anyone.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::call::{Conditions, NoQuery};
use crate::openapi::{self, Document, Operation};

pub(crate) async fn get(_: Public, NoQuery: NoQuery, Conditions(conditions): Conditions) -> Result<Response> {
    Document::of_the_platform()?.answer(&conditions)
}

pub(crate) fn describe() -> Operation {
    openapi::described(Operation::new("getPlatformDocument", "This document")).problem(422)
}
