//! `GET /openapi.json`: the organisation's API as the caller may use it, as an OpenAPI document. Anyone signed in.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::{Conditions, NoQuery};
use crate::openapi::{self, Documents, Operation};

pub(crate) async fn get(
    scope: Scope,
    NoQuery: NoQuery,
    Conditions(conditions): Conditions,
    documents: Documents,
) -> Result<Response> {
    let document = scope
        .read(async |tx| {
            let key = tx.surface_key();
            documents.get(&key).map_or_else(|| documents.make(key, &tx.surface()), Ok)
        })
        .await?;
    document.answer(&conditions)
}

pub(crate) fn describe() -> Operation {
    let details = "Every entity with its own paths and its fields as types; only what the caller's roles allow.";
    openapi::described(Operation::new("getDocument", "The organisation's API as the caller may use it"))
        .details(details)
}
