//! `DELETE /records/{entity}/{id}`: removes a record and what its relations say goes with it. Right:
//! `records:{entity}` `delete`.

use axum::response::Response;
use insula_engine::grant::Delete;
use insula_engine::scope::Scope;
use insula_model::id::RecordId;
use insula_model::problem::Result;

use crate::call::{Conditions, NoQuery};
use crate::openapi::{Answer, Operation, Shape};
use crate::path::Path;
use crate::reply;

pub(crate) async fn delete(
    scope: Scope,
    Path((entity, id)): Path<(String, RecordId)>,
    NoQuery: NoQuery,
    Conditions(conditions): Conditions,
) -> Result<Response> {
    let precondition = super::precondition(&conditions)?;
    scope
        .write(async |tx| {
            let entity = tx.entity(&entity)?;
            let grant = tx.authorize::<Delete>(&entity)?;
            tx.delete(&grant, id, &precondition).await
        })
        .await?;
    Ok(reply::no_content())
}

pub(crate) fn describe(of: &Shape<'_>) -> Operation {
    Operation::new("deleteRecord", format!("Deletes {}, with what its relations say goes along", of.one()))
        .parameter(super::if_match())
        .answer(Answer::empty(204, "Deleted."))
        .problem(409)
        .problem(412)
}
