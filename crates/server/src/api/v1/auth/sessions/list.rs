//! `GET /auth/sessions`: where the caller's account is signed in, newest first. Anyone signed in.

use axum::response::Response;
use insula_engine::identity::sessions;
use insula_model::problem::Result;
use serde_json::json;

use crate::call::{Own, RawQuery};
use crate::openapi::{Answer, Operation, Parameter, Schema, page};
use crate::reply;

pub(crate) async fn list(own: Own, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&sessions::list(own.signed_in(), &query).await?)
}

pub(crate) fn describe() -> Operation {
    let sessions = Schema::named("SessionPage", Schema::output(page(super::session())));
    let example = json!({
        "items": [{
            "id": "019ab4e2-7d11-7003-a1b2-0c8e6f5d4a39", "created_at": "2026-03-01T09:30:00.251307Z",
            "last_used_at": "2026-03-01T11:02:41.000318Z", "device": "Firefox on Linux", "address": "203.0.113.0/24",
            "current": true,
        }],
        "next_cursor": null,
    });
    Operation::new("listSessions", "Where the account is signed in, newest first")
        .details("In every organisation. What has ended is not listed.")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .problem(403)
        .answer(Answer::json(200, "A page of sessions.", sessions).example(example))
}
