//! `POST /auth/refresh`: a refresh token for new tokens. Whoever holds one.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::json::Json;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::cookie::{RefreshCookie, csrf_parameter};
use crate::openapi::{Answer, Operation, Schema, optional};
use serde_json::json;

pub(crate) async fn refresh(
    public: Public,
    NoQuery: NoQuery,
    cookie: RefreshCookie,
    body: Option<JsonBody>,
) -> Result<Response> {
    let body = body.map_or_else(|| Json::Object(Vec::new()), |JsonBody(json)| json);
    cookie.hand_over(&public.refresh(&body, cookie.proof()).await?)
}

pub(crate) fn describe() -> Operation {
    let token = Schema::text(1, 512).described("Left out where it lies in a cookie.");
    let body = Schema::input([optional("refresh_token", token)]);
    Operation::new("refresh", "Trades a refresh token for the next pair")
        .details("A token seen again long after its use ends the whole session.")
        .parameter(csrf_parameter())
        .optional_body(body)
        .sent(json!({"refresh_token": "0bM3aGvJxw8nqS5i7kT2eUu1yRzPpLdCfXhQ9oWmVtE"}))
        .answer(Answer::json(200, "The next tokens.", super::tokens()).example(super::tokens_example()))
        .problem(401)
        .problem(403)
}
