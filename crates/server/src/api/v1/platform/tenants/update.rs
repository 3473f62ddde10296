//! `PATCH /platform/tenants/{id}`: suspends or resumes an organisation. A superuser.

use axum::response::Response;
use insula_engine::identity::operator::Operator;
use insula_engine::platform::tenants::{self, Status};
use insula_model::id::TenantId;
use insula_model::problem::Result;
use serde_json::json;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::path::Path;
use crate::reply;

pub(crate) async fn update(
    operator: Operator,
    Path(id): Path<TenantId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&tenants::update(&operator, id, &body).await?)
}

pub(crate) fn describe() -> Operation {
    let tenant = Answer::json(200, "The organisation.", super::tenant());
    Operation::new("updateTenant", "Suspends or resumes an organisation")
        .details("Tokens of a suspended organisation are refused until it is resumed.")
        .body(Schema::named("TenantPatch", Schema::input([required("status", super::status())])))
        .sent(json!({"status": "suspended"}))
        .answer(tenant.example(super::tenant_example(Status::Suspended)))
}
