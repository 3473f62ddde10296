//! `POST /api-keys`: makes a key. Anyone signed in, for himself; for a program's account `users` `update`.

use axum::response::Response;
use insula_engine::identity::{InPerson, api_key};
use insula_model::problem::Result;
use serde_json::json;

use crate::body::JsonBody;
use crate::call::NoQuery;
use crate::openapi::{Answer, Operation, Schema, optional, required};
use crate::reply;

pub(crate) async fn create(who: InPerson, NoQuery: NoQuery, JsonBody(body): JsonBody) -> Result<Response> {
    let made = api_key::create(&who, &body).await?;
    reply::created(&format!("/api/v1/api-keys/{}", made.view.id), reply::ok(&made)?)
}

pub(crate) fn describe() -> Operation {
    let scopes = Schema::array(Schema::named("NewKeyScope", Schema::input(super::scope())))
        .with("minItems", 1)
        .with("maxItems", 100)
        .described("What the key may be used for at most; it never reaches what its account does not.");
    let body = Schema::input([
        required("name", Schema::label()),
        required("scopes", scopes),
        optional("expires_at", Schema::datetime().nullable().described("Null: it does not end by itself.")),
        optional("account", Schema::uuid().nullable().described("A program's; without it, one's own.")),
    ]);
    let mut example = super::example();
    example.insert("key".into(), json!("isk_mfzwizltmfzwizltmfzwizltmfzwizltmfzwizltmfzwizlt3q4wq2a"));
    let key = required("key", Schema::text(1, 100).described("Told this once."));
    let answer = Schema::named("NewApiKey", Schema::output(super::members().into_iter().chain([key])));
    Operation::new("createApiKey", "Makes an API key")
        .details("The key acts for its account, in this organisation, by `Authorization: Bearer`.")
        .body(Schema::named("ApiKeyDraft", body))
        .sent(json!({
            "name": "Nightly import", "scopes": [{"resource": "records:*", "actions": ["create", "read"]}],
            "expires_at": "2027-03-01T00:00:00Z",
        }))
        .answer(Answer::json(201, "The key.", answer).header("Location").example(json!(example)))
        .problem(403)
        .problem(409)
}
