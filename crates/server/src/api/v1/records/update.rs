//! `PATCH /records/{entity}/{id}`: changes what is named (RFC 7396). Right: `records:{entity}` `update`.

use axum::response::Response;
use http::StatusCode;
use insula_engine::grant::Update;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::{Headers, NoQuery};
use crate::path::Path;

pub(crate) async fn update(
    scope: Scope,
    Path((entity, id)): Path<(String, RecordId)>,
    NoQuery: NoQuery,
    Headers(headers): Headers,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    let precondition = super::precondition(&headers);
    let record = scope
        .write(async |tx| {
            let entity = tx.entity(&entity)?;
            let grant = tx.authorize::<Update>(&entity)?;
            let patch = grant.patch(&body)?;
            tx.update(&grant, id, &patch, &precondition).await
        })
        .await?;
    super::record(StatusCode::OK, record)
}
