//! `GET /auth/password-policy`: what is asked of passwords. Anyone; with a token, what that organisation asks.

use axum::response::Response;
use insula_engine::identity::organisation;
use insula_model::problem::Result;

use crate::api::v1::tenant::policy_members;
use crate::call::{Anyone, NoQuery};
use crate::openapi::{Answer, Operation, Schema, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn policy(anyone: Anyone, NoQuery: NoQuery) -> Result<Response> {
    match &anyone {
        Anyone::Member(scope) => reply::ok(&organisation::password_policy(scope).await?),
        Anyone::Public(public) => reply::ok(&public.password_policy()),
    }
}

pub(crate) fn describe() -> Operation {
    let length = || Schema::integer(Some(1), None);
    let refused = Schema::one_of(["common", "own_address", "organisation_name", "product_name"]);
    let mut members = policy_members();
    members.extend([
        required("max_length", length().described("Characters.")),
        required("max_bytes", length().nullable().described("Of UTF-8; null: no bound but `max_length`.")),
        required("refused", Schema::array(refused).described("What a password may not be, or hold.")),
    ]);
    let answer = Answer::json(200, "The policy.", Schema::named("PasswordRules", Schema::output(members)));
    Operation::new("getPasswordPolicy", "What is asked of passwords").answer(answer.example(json!({
        "min_length": 12, "max_length": 128, "max_bytes": 72, "require_uppercase": false, "require_lowercase": false,
        "require_digit": false, "require_symbol": false, "history": 0,
        "refused": ["common", "own_address", "organisation_name", "product_name"],
    })))
}
