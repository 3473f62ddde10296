//! `POST /auth/refresh`: a refresh token for new tokens. Whoever holds one.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn refresh(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&public.refresh(&body).await?)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([required("refresh_token", Schema::text(1, 512))]);
    Operation::new("refresh", "Trades a refresh token for the next pair")
        .details("A token seen again long after its use ends the whole session.")
        .body(body)
        .sent(json!({"refresh_token": "0bM3aGvJxw8nqS5i7kT2eUu1yRzPpLdCfXhQ9oWmVtE"}))
        .answer(Answer::json(200, "The next tokens.", super::tokens()).example(super::tokens_example()))
        .problem(401)
}
