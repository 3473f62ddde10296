//! `POST /users`: adds a member. Right: `users` `create`.

use axum::response::Response;
use insula_engine::attempt::Attempt;
use insula_engine::identity::users;
use insula_model::problem::Result;

use crate::api::v1::auth::password::new_password;
use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn create(attempt: Attempt, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let done = users::create(&attempt, &body).await?;
    reply::once(done, |user| reply::created(&format!("/api/v1/users/{}", user.id), reply::ok(&user)?))
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        optional("kind", super::kind().nullable()),
        optional("email", Schema::email().described("Of a person; a program has none.")),
        required("full_name", Schema::label()),
        optional("password", new_password()),
        optional(
            "password_hash",
            Schema::text(60, 60).described("In place of `password`: bcrypt of a cost of 10 to 14."),
        ),
        required("roles", super::roles()),
        optional("unit", super::unit()),
    ]);
    Operation::new("createUser", "Adds a member")
        .details(
            "An address that has an account already keeps its password: the one sent is not used. A program is made with \
             `kind` `service`, `full_name` and `roles` alone.",
        )
        .body(Schema::named("NewUser", body))
        .sent(json!({
            "email": "grace@example.com", "full_name": "Grace Hopper", "password": "a-bug-in-the-relay",
            "roles": ["editor"],
        }))
        .answer(Answer::json(201, "The member.", super::user()).header("Location").example(super::user_example()))
        .problem(409)
}
