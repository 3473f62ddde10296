//! `POST /auth/logout`: ends the caller's session, or all of them. Anyone signed in.

use axum::response::Response;
use insula_engine::identity;
use insula_model::problem::{Problem, Result};

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::cookie::{Leaving, RefreshCookie, csrf_parameter};
use crate::openapi::{Answer, Operation, Schema, optional};
use crate::reply;

pub(crate) async fn logout(
    leaving: Leaving,
    NoQuery: NoQuery,
    cookie: RefreshCookie,
    body: Option<JsonBody>,
) -> Result<Response> {
    let body = body.as_ref().map(|JsonBody(json)| json);
    match (leaving, cookie.proof()) {
        (Leaving::SignedIn(own), _) => identity::logout(own.signed_in(), body).await?,
        (Leaving::Cookie(public), Some(proof)) => public.logout(proof, body).await?,
        (Leaving::Cookie(_), None) => return Err(Problem::unauthenticated()),
    }
    cookie.take_back(reply::no_content())
}

pub(crate) fn describe() -> Operation {
    let all = Schema::boolean().nullable().described("Every session of the account, in every organisation.");
    Operation::new("logout", "Ends this session, or all of the account")
        .details("A browser that holds nothing but the session's cookie signs out by that and `X-CSRF-Token`.")
        .parameter(csrf_parameter())
        .optional_body(Schema::input([optional("all", all)]))
        .answer(Answer::empty(204, "Signed out."))
        .problem(403)
}
