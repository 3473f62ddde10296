//! `GET /platform/tenants`: the organisations of the installation. A superuser.

use axum::response::Response;
use insula_engine::identity::operator::Operator;
use insula_engine::platform::tenants::{self, Status};
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page};
use crate::reply;

pub(crate) async fn list(operator: Operator, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&tenants::list(&operator, &query).await?)
}

pub(crate) fn describe() -> Operation {
    let tenants = Schema::named("TenantPage", Schema::output(page(super::tenant())));
    let example = serde_json::json!({"items": [super::tenant_example(Status::Active)], "next_cursor": null});
    Operation::new("listTenants", "The organisations of the installation")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(Answer::json(200, "A page of organisations.", tenants).example(example))
}
