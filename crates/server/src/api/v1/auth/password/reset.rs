//! `POST /auth/password/reset`: sets a new password with the token of a mail. Whoever holds one.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn reset(public: Public, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    public.reset_password(&body).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    let token = Schema::text(1, 512).described("Of the mail's link.");
    let body = Schema::input([required("token", token), required("new_password", super::new_password())]);
    Operation::new("resetPassword", "Sets a new password with the token of a mail")
        .details("Ends every session of the account, and signs nobody in.")
        .body(body)
        .sent(json!({
            "token": "0bM3aGvJxw8nqS5i7kT2eUu1yRzPpLdCfXhQ9oWmVtE", "new_password": "four-small-boats-at-sea",
        }))
        .answer(Answer::empty(204, "The password is set."))
        .problem(401)
}
