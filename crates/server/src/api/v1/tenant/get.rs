//! `GET /tenant`: the caller's organisation. Right: `tenant` `read`.

use axum::response::Response;
use insula_engine::identity::organisation;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::reply;

pub(crate) async fn get(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&organisation::show(&scope).await?)
}

pub(crate) fn describe() -> Operation {
    let answer = Answer::json(200, "The organisation.", super::organisation()).example(super::example());
    Operation::new("getOrganisation", "Shows the organisation").answer(answer)
}
