//! `POST /auth/password/forgot`: asks for a way back into an account. Anyone.

use axum::response::Response;
use http::StatusCode;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn forgot(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    public.forgot_password(&body).await?;
    Ok(reply::empty(StatusCode::ACCEPTED))
}

pub(crate) fn describe() -> Operation {
    Operation::new("forgotPassword", "Asks for a mail with which to set a new password")
        .details("The answer is the same whether or not the address has an account. The mail's link works once, for an hour.")
        .body(Schema::input([required("email", Schema::email())]))
        .sent(json!({"email": "ada@example.com"}))
        .answer(Answer::empty(202, "If there is such an account, a mail is on its way."))
}
