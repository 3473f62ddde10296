//! `GET /jobs`: the organisation's jobs, newest first. Right: `tenant` `read`.

use axum::response::Response;
use insula_engine::jobs::{self, State};
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page};
use crate::reply;

pub(crate) async fn list(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&jobs::list(&scope, &query).await?)
}

pub(crate) fn describe() -> Operation {
    let jobs = Schema::named("JobPage", Schema::output(page(super::job())));
    let example = serde_json::json!({"items": [super::job_example(State::Running)], "next_cursor": null});
    Operation::new("listJobs", "What is done in the background, newest first")
        .details("A job is told of for 30 days after it has ended.")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(Answer::json(200, "A page of jobs.", jobs).example(example))
}
