//! `GET /records/{entity}/{id}`: one record. Right: `records:{entity}` `read`.

use axum::response::Response;
use http::StatusCode;
use http::header::IF_NONE_MATCH;
use insula_engine::grant::Read;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;

use crate::call::{Headers, RawQuery};
use crate::path::Path;

pub(crate) async fn get(
    scope: Scope,
    Path((entity, id)): Path<(String, RecordId)>,
    RawQuery(raw): RawQuery,
    Headers(headers): Headers,
) -> Result<Response> {
    let (record, expanded) = scope
        .read(async |tx| {
            let entity = tx.entity(&entity)?;
            let selection = tx.authorize::<Read>(&entity)?.selection(&raw)?;
            Ok((tx.get(id, &selection).await?, selection.expands()))
        })
        .await?;
    let mut response = super::record(StatusCode::OK, record)?;
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // An expanded record changes without its own version; it is always sent anew.
    if !expanded && super::matches(known, &response) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = axum::body::Body::empty();
        response.headers_mut().remove(http::header::CONTENT_TYPE);
    }
    Ok(response)
}
