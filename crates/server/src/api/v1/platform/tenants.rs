//! The organisations of the installation.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use insula_engine::platform::tenants::Status;
use serde_json::{Value, json};

use crate::openapi::{Schema, required};

fn status() -> Schema {
    Schema::one_of(Status::ALL.map(Status::name))
}

/// An organisation as answered.
fn tenant() -> Schema {
    Schema::named(
        "Tenant",
        Schema::output([
            required("id", Schema::uuid()),
            required("code", Schema::text(1, 50)),
            required("name", Schema::label()),
            required("status", status()),
            required("created_at", Schema::datetime()),
        ]),
    )
}

fn tenant_example(status: Status) -> Value {
    json!({
        "id": "019ab4e2-7e5a-7005-9c1d-64a0e8b7f213", "code": "acme", "name": "Acme", "status": status.name(),
        "created_at": "2026-03-01T09:30:00.251307Z",
    })
}
