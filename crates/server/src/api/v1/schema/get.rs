//! `GET /schema`: the whole model as one document. Right: `entities` `read`.

use axum::response::Response;
use insula_engine::scope::Scope;
use insula_model::problem::Result;
use serde_json::json;

use crate::api::v1::entities::{entity, entity_example};
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;

pub(crate) async fn get(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&scope.read(async |tx| tx.schema()).await?)
}

pub(crate) fn describe() -> Operation {
    let members = [required("version", super::version()), required("entities", Schema::array(entity()))];
    Operation::new("getSchema", "The whole schema as one document")
        .details("It can be applied elsewhere: see `POST /schema/apply`.")
        .answer(
            Answer::json(200, "The schema.", Schema::named("Schema", Schema::output(members)))
                .example(json!({"version": 7, "entities": [entity_example()]})),
        )
}
