//! `POST /auth/login`: address and password for tokens. Anyone.

use axum::response::Response;
use http::header::SET_COOKIE;
use insula_engine::identity::{Login, Public, SignIn};
use insula_model::problem::Result;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::cookie::{DeviceCookie, RefreshCookie};
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn login(
    public: Public,
    NoQuery: NoQuery,
    cookie: RefreshCookie,
    device: DeviceCookie,
    JsonBody(body): JsonBody,
) -> Result<Response> {
    match public.login(&body, device.known()).await? {
        Login::SignedIn(signed_in) => hand_over(&cookie, &device, &signed_in),
        Login::Challenged(challenge) => reply::ok(&challenge),
    }
}

/// 200 with the tokens, and the cookies that go with them.
pub(super) fn hand_over(cookie: &RefreshCookie, device: &DeviceCookie, signed_in: &SignIn) -> Result<Response> {
    let mut response = cookie.hand_over(&signed_in.tokens)?;
    if let Some(token) = &signed_in.device {
        response.headers_mut().append(SET_COOKIE, device.keep(token)?);
    }
    Ok(response)
}

pub(crate) fn describe() -> Operation {
    let body = Schema::input([
        required("email", Schema::text(1, 254)),
        required("password", Schema::text(1, 4096)),
        optional("tenant", Schema::text(0, 254).nullable().described("A code; without it, the one used last.")),
        optional(
            "session",
            Schema::one_of(["bearer", "cookie"]).nullable().described(
                "Where the refresh token goes: into the answer, or into a cookie that no page can read. Default: bearer.",
            ),
        ),
    ]);
    Operation::new("login", "Signs in")
        .body(Schema::named("Credentials", body))
        .sent(json!({"email": "ada@example.com", "password": "three-small-boats-at-sea", "tenant": "acme"}))
        .answer(
            Answer::json(
                200,
                "Tokens, or what to continue with where the account has a second factor.",
                Schema::any_of([super::tokens(), super::mfa::challenge()]),
            )
            .example(super::tokens_example()),
        )
        .details(
            "The answer sets the cookie `insula_device`. An account that is locked after ten failures stays open to a \
             device that sends one. A hundred failures from one network address are 429.",
        )
        .problem(401)
        .problem(409)
        .problem(429)
}
