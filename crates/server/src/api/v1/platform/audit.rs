//! `GET /platform/audit`: the platform's own trail, newest first. A superuser.

use axum::response::Response;
use insula_engine::identity::operator::Operator;
use insula_engine::platform::audit as trail;
use insula_model::problem::Result;
use serde_json::json;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, page, required};
use crate::reply;

pub(crate) async fn audit(operator: Operator, RawQuery(query): RawQuery) -> Result<Response> {
    reply::ok(&trail::list(&operator, &query).await?)
}

pub(crate) fn describe() -> Operation {
    let account = Schema::uuid().nullable().described("Of a refused sign-in, whose address was tried; null: nobody's.");
    let event = Schema::output([
        required("id", Schema::uuid()),
        required("at", Schema::datetime()),
        required("action", Schema::pattern(63, "^[a-z_]+\\.[a-z_]+$")),
        required("outcome", Schema::one_of(["ok", "denied", "failed"])),
        required("actor", Schema::output([required("account_id", account)])),
        required("tenant_id", Schema::uuid().nullable().described("The organisation it was about.")),
        required("address", Schema::text(0, 100)),
        required("user_agent", Schema::text(0, 256)),
        required("request_id", Schema::uuid()),
    ]);
    let example = json!({
        "id": "019ab4e2-7e5a-7005-9c1d-64a0e8b7f213", "at": "2026-03-01T09:30:00.251307Z", "action": "tenant.suspend",
        "outcome": "ok", "actor": {"account_id": "6f1d3c52-8a47-4b0e-9d61-2e5f7c90ab14"},
        "tenant_id": "019ab4e2-6c11-7a3e-8f02-5b9d1c7e4a60", "address": "192.0.2.7", "user_agent": "curl/8.5.0",
        "request_id": "019ab4e2-7e59-7c41-a3d8-0f6b2e915c77",
    });
    let events = Schema::named("PlatformEventPage", Schema::output(page(Schema::named("PlatformEvent", event))));
    Operation::new("listPlatformEvents", "What happened on the platform, newest first")
        .details("Sign-ins, new organisations, and what superusers changed.")
        .parameter(Parameter::limit())
        .parameter(Parameter::cursor())
        .answer(
            Answer::json(200, "A page of events.", events).example(json!({"items": [example], "next_cursor": null})),
        )
}
