//! `GET /jobs/{id}`: one job and how far it is. Right: `tenant` `read`, or to have asked for it.

use axum::response::Response;
use insula_engine::jobs::{self, State};
use insula_engine::scope::Scope;
use insula_model::id::JobId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(scope: Scope, Path(id): Path<JobId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&jobs::show(&scope, id).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("getJob", "One job and how far it is")
        .answer(Answer::json(200, "The job.", super::job()).example(super::job_example(State::Running)))
}
