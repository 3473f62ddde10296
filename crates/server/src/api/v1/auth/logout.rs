//! `POST /auth/logout`: ends the caller's session, or all of them. Anyone signed in.

use axum::response::Response;
use insula_engine::identity;
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::reply;

pub(crate) async fn logout(own: Own, NoQuery: NoQuery, body: Option<JsonBody>) -> Result<Response> {
    identity::logout(own.signed_in(), body.as_ref().map(|JsonBody(json)| json)).await?;
    Ok(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    let all = Schema::boolean().nullable().described("Every session of the account, in every organisation.");
    Operation::new("logout", "Ends this session, or all of the account")
        .optional_body(Schema::input([optional("all", all)]))
        .answer(Answer::empty(204, "Signed out."))
}
