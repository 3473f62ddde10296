//! Keys that programs call with.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use serde_json::{Map, Value, json};

use super::roles;
use crate::openapi::{Member, Schema, required};

/// What is shown of a key.
fn members() -> Vec<Member> {
    vec![
        required("id", Schema::uuid()),
        required("name", Schema::text(1, 200)),
        required("prefix", Schema::text(1, 20).described("How the key begins.")),
        required("account_id", Schema::uuid().described("Whom it acts for.")),
        required("scopes", Schema::array(Schema::named("KeyScope", Schema::output(scope())))),
        required("created_at", Schema::datetime()),
        required("expires_at", Schema::datetime().nullable().described("Null: it does not end by itself.")),
        required("last_used_at", Schema::datetime().nullable().described("To the minute; null: not yet.")),
    ]
}

/// A line of what a key may be used for.
fn scope() -> [Member; 2] {
    [required("resource", roles::resource()), required("actions", roles::actions())]
}

fn example() -> Map<String, Value> {
    let example = json!({
        "id": "019ab4e2-7d61-7002-8f3b-6a0c9e4d7b15", "name": "Nightly import", "prefix": "isk_mfzwizlt",
        "account_id": "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71",
        "scopes": [{"resource": "records:*", "actions": ["create", "read"]}],
        "created_at": "2026-03-01T09:30:00.251307Z", "expires_at": "2027-03-01T00:00:00Z", "last_used_at": null,
    });
    example.as_object().cloned().unwrap_or_default()
}
