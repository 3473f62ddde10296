//! The members of an organisation.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod unlock;
pub(crate) mod update;

use serde_json::{Value, json};

use crate::openapi::{Schema, required};

/// A member as answered.
fn user() -> Schema {
    Schema::named(
        "User",
        Schema::output([
            required("id", Schema::uuid()),
            required("kind", kind()),
            required("email", Schema::email()),
            required("full_name", Schema::text(1, 200)),
            required("roles", Schema::array(Schema::code())),
            required("active", Schema::boolean()),
            required("unit", Schema::uuid().nullable()),
            required("created_at", Schema::datetime()),
        ]),
    )
}

fn user_example() -> Value {
    json!({
        "id": "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71", "kind": "person", "email": "grace@example.com", "full_name": "Grace Hopper",
        "roles": ["editor"], "active": true, "unit": null, "created_at": "2026-03-01T09:30:00.251307Z",
    })
}

/// The unit as it is sent.
fn unit() -> Schema {
    Schema::uuid().nullable().described("The company, branch or department the user belongs to; null for none.")
}

/// Who it is that signs in, or calls.
fn kind() -> Schema {
    Schema::one_of(["person", "service"]).described("A program is a `service`: it has API keys and no password.")
}

/// Codes of roles as they are sent.
fn roles() -> Schema {
    Schema::array(Schema::text(1, 50)).with("minItems", 1).with("uniqueItems", true).described("Codes of roles.")
}
