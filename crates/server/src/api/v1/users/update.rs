//! `PATCH /users/{id}`: changes a member's name, roles or standing. Right: `users` `update`.

use axum::response::Response;
use insula_engine::identity::users;
use insula_engine::scope::Scope;
use insula_model::id::AccountId;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::path::Path;
use crate::reply;
use serde_json::json;

pub(crate) async fn update(
    scope: Scope,
    Path(id): Path<AccountId>,
    NoQuery: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    reply::ok(&users::update(&scope, id, &body).await?)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        optional("full_name", Schema::label()),
        optional("roles", super::roles()),
        optional("unit", super::unit()),
        optional("active", Schema::boolean().described("Who is not active is signed out at once.")),
    ]);
    Operation::new("updateUser", "Changes a member's name, roles, unit or standing")
        .details("Who moves somebody must have, for the whole organisation, what that one's roles allow by his unit.")
        .body(Schema::named("UserPatch", body))
        .sent(json!({"roles": ["viewer"]}))
        .answer(Answer::json(200, "The member.", super::user()).example(super::user_example()))
        .problem(409)
}
