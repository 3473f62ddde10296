//! `POST /auth/register`: makes an organisation and its owner. Anyone, where registration is open.

use axum::response::Response;
use http::StatusCode;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn register(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::json(StatusCode::CREATED, &public.register(&body).await?)
}

pub(crate) fn describe() -> Operation {
    let tenant = Schema::input([required("code", Schema::code()), required("name", Schema::label())]);
    let body = Schema::input([
        required("tenant", tenant),
        required("email", Schema::email()),
        required("password", super::password::new_password()),
        required("full_name", Schema::label()),
    ]);
    Operation::new("register", "Makes an organisation and its owner, and signs the owner in")
        .body(Schema::named("Registration", body))
        .sent(json!({
            "tenant": {"code": "acme", "name": "Acme"}, "email": "ada@example.com",
            "password": "three-small-boats-at-sea", "full_name": "Ada Byron",
        }))
        .answer(Answer::json(201, "The owner's tokens.", super::tokens()).example(super::tokens_example()))
        .problem(403)
        .problem(409)
}
