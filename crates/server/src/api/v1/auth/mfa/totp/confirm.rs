//! `POST /auth/mfa/totp/confirm`: shows that the authenticator works. Anyone signed in.

use axum::response::Response;
use insula_engine::identity::second_factor;
use insula_model::problem::Result;
use serde_json::json;

use crate::body::JsonBody;
use crate::call::{NoQuery, Own};
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;

pub(crate) async fn confirm(own: Own, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    reply::ok(&second_factor::confirm(own.signed_in(), &body).await?)
}

pub(crate) fn describe() -> Operation {
    let codes = Schema::output([required("recovery_codes", Schema::array(Schema::text(1, 64)))]);
    Operation::new("confirmAuthenticator", "Asks for the authenticator from now on")
        .details("The recovery codes are told this once. Every other session of the account ends, and its API keys.")
        .body(Schema::input([required("code", Schema::text(1, 64))]))
        .sent(json!({"code": "287082"}))
        .answer(
            Answer::json(200, "Codes for the day it is lost.", Schema::named("RecoveryCodes", codes))
                .example(json!({"recovery_codes": ["mfzw-izlt-mfzw-izlt"]})),
        )
        .problem(403)
}
