//! `GET /audit`: the organisation's events, newest first. Right: `audit` `read`.

use axum::response::Response;
use insula_engine::audit::AuditQuery;
use insula_engine::scope::Scope;
use insula_model::problem::Result;

use crate::call::RawQuery;
use crate::openapi::{Answer, Operation, Parameter, Schema, optional, page, required};
use crate::reply;
use serde_json::json;

pub(crate) async fn list(scope: Scope, RawQuery(raw): RawQuery) -> Result<Response> {
    let query = AuditQuery::parse(&raw)?;
    let page = scope.read(async |tx| tx.audit(&query).await).await?;
    reply::ok(&page)
}

pub(crate) fn describe() -> Operation {
    let event = Schema::output([
        required("id", Schema::uuid()),
        required("at", Schema::datetime()),
        required("action", action()),
        required("outcome", Schema::one_of(["ok", "denied", "failed"])),
        required(
            "actor",
            Schema::output([
                required("account_id", Schema::uuid().nullable().described("Null is Insula itself.")),
                required("email", Schema::email().nullable()),
                optional("api_key_id", Schema::uuid().described("The key that acted in its place.")),
            ]),
        ),
        optional("entity", Schema::name()),
        optional("record_id", Schema::uuid()),
        optional("before", Schema::free_form()),
        optional("after", Schema::free_form()),
        optional("diff", Schema::free_form().described("`{before, after}` of each field that changed.")),
        required("address", Schema::text(0, 45).nullable()),
        required("user_agent", Schema::text(0, 256).nullable()),
        required("request_id", Schema::uuid()),
    ]);
    let events = Schema::named("AuditPage", Schema::output(page(Schema::named("AuditEvent", event))));
    Operation::new("listAuditEvents", "The organisation's events, newest first")
        .parameters([
            Parameter::query("actor", "Only what this account did.", Schema::uuid()),
            Parameter::query("action", "Only events of this action.", action()),
            Parameter::query("entity", "Only of this entity: its name, or its id once dropped.", Schema::text(1, 63)),
            Parameter::query("record", "Only of this record, member or other thing.", Schema::uuid()),
            Parameter::query("from", "Not before.", Schema::datetime()),
            Parameter::query("to", "Not after.", Schema::datetime()),
            Parameter::limit(),
            Parameter::cursor(),
        ])
        .answer(Answer::json(200, "A page of events.", events).example(json!({
            "items": [{
                "id": "019ab4e2-7d13-7004-b0f3-9a6c2e84d517", "at": "2026-03-01T09:31:12.804911Z",
                "action": "record.update", "outcome": "ok",
                "actor": {"account_id": "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71", "email": "ada@example.com"},
                "entity": "ticket", "record_id": "019ab4e2-7cf4-7002-a5d8-31b7f0c6e92a",
                "before": {"title": "The roof leaks", "priority": 4}, "after": {"title": "The roof leaks", "priority": 5},
                "diff": {"priority": {"before": 4, "after": 5}},
                "address": "192.0.2.7", "user_agent": "curl/8.14.1",
                "request_id": "019ab4e2-7d12-7003-8e6b-f2d90c4a7b35",
            }],
            "next_cursor": null,
        })))
}

/// `record.create`, `session.login`.
fn action() -> Schema {
    Schema::pattern(64, r"^[a-z_]+\.[a-z_]+$")
}
