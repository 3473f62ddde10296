//! `GET /platform/tenants/{id}`: one organisation. A superuser.

use axum::response::Response;
use insula_engine::identity::operator::Operator;
use insula_engine::platform::tenants::{self, Status};
use insula_model::id::TenantId;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation};
use crate::path::Path;
use crate::reply;

pub(crate) async fn get(operator: Operator, Path(id): Path<TenantId>, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&tenants::show(&operator, id).await?)
}

pub(crate) fn describe() -> Operation {
    Operation::new("getTenant", "One organisation")
        .answer(Answer::json(200, "The organisation.", super::tenant()).example(super::tenant_example(Status::Active)))
}
