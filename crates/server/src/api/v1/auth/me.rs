//! `GET /auth/me`: who the caller is and what they may do. Anyone signed in.

use axum::response::Response;
use insula_engine::identity;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn me(scope: Scope, NoQuery: NoQuery) -> Result<Response> {
    reply::ok(&identity::me(&scope).await?)
}

pub(crate) fn describe() -> Operation {
    let account = Schema::output([
        required("id", Schema::uuid()),
        required("email", Schema::email()),
        required("full_name", Schema::text(1, 200)),
    ]);
    let tenant = Schema::output([
        required("id", Schema::uuid()),
        required("code", Schema::code()),
        required("name", Schema::text(1, 200)),
    ]);
    let permission = Schema::output([
        required("resource", Schema::text(1, 80)),
        required("actions", Schema::array(Schema::one_of(["create", "read", "update", "delete", "export", "admin"]))),
        required("scope", crate::api::v1::roles::scope()),
    ]);
    let me = Schema::output([
        required("account", account),
        required("tenant", tenant),
        required("unit", crate::api::v1::org::unit().nullable()),
        required("roles", Schema::array(Schema::code())),
        required("permissions", Schema::array(Schema::named("Permission", permission))),
    ]);
    Operation::new("getMe", "Who the caller is and what they may do").answer(
        Answer::json(200, "Account, organisation, roles and permissions.", Schema::named("Me", me)).example(json!({
            "account": {
                "id": "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71", "email": "ada@example.com", "full_name": "Ada Byron",
            },
            "tenant": {"id": "019ab4e2-7c0d-7001-9c41-0be2a7d3f6c8", "code": "acme", "name": "Acme"},
            "unit": null,
            "roles": ["viewer"],
            "permissions": [
                {"resource": "records:*", "actions": ["read"], "scope": "tenant"},
                {"resource": "entities", "actions": ["read"], "scope": "tenant"},
            ],
        })),
    )
}
