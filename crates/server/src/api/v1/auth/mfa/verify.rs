//! `POST /auth/mfa/verify`: the second half of a sign-in. Anyone whose password was right.

use axum::response::Response;
use insula_engine::identity::Public;
use insula_model::problem::Result;
use serde_json::json;

use crate::api::v1::auth::{login, tokens, tokens_example};
use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::cookie::{DeviceCookie, RefreshCookie};
use crate::openapi::{Answer, Operation, Schema, required};

pub(crate) async fn verify(
    public: Public,
    NoQuery: NoQuery,
    cookie: RefreshCookie,
    device: DeviceCookie,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    login::hand_over(&cookie, &device, &public.verify_factor(&body, device.known()).await?)
}

pub(crate) fn describe() -> Operation {
    let token = required("mfa_token", Schema::text(1, 512).described("What the sign-in answered."));
    Operation::new("verifySecondFactor", "Shows the second factor")
        .details("Ten codes that fail lock the factor for a while, as failed sign-ins lock an account.")
        .body(Schema::input([token].into_iter().chain(super::proof())))
        .sent(json!({"mfa_token": "4V8zrYpN0Qm2", "code": "287082"}))
        .answer(Answer::json(200, "Tokens.", tokens()).example(tokens_example()))
        .problem(401)
        .problem(409)
}
