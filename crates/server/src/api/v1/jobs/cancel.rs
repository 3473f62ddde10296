//! `POST /jobs/{id}/cancel`: ends a job, running or not. Right: `tenant` `update`, or to have asked
//! for it.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_engine::jobs::{self, State};
use insula_model::id::JobId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn cancel(attempt: Attempt, Path(id): Path<JobId>, NoQuery: NoQuery) -> Result<Response> {
    reply::once(jobs::cancel(&attempt, id).await?, |job| reply::ok(&job))
}

pub(crate) fn describe() -> Operation {
    Operation::new("cancelJob", "Ends a job, running or not")
        .details(
            "Once this is answered the job changes nothing any more; what it has done stays, and of a change of the \
             schema nothing is left. The next run of its schedule is another job. One that is cancelled already stays as it is; one that has ended by itself is 409.",
        )
        .answer(Answer::json(200, "The job.", super::job()).example(super::job_example(State::Cancelled)))
        .problem(409)
}
