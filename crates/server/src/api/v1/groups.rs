//! Groups: users who share roles.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use serde_json::{Value, json};

use crate::openapi::{Schema, required};

/// A group as answered.
fn group() -> Schema {
    let members = [
        required("id", Schema::uuid()),
        required("code", Schema::code()),
        required("name", Schema::text(1, 200)),
        required("members", Schema::array(Schema::uuid())),
        required("roles", Schema::array(Schema::code())),
    ];
    Schema::named("Group", Schema::output(members))
}

/// Members as they are sent.
fn members() -> Schema {
    Schema::array(Schema::uuid()).with("maxItems", 10_000).with("uniqueItems", true).described("Ids of users.")
}

/// Roles as they are sent.
fn roles() -> Schema {
    Schema::array(Schema::text(1, 50)).with("maxItems", 100).with("uniqueItems", true).described("Codes of roles.")
}

fn group_example() -> Value {
    json!({
        "id": "019ab4e2-7d90-7000-8e52-c7a3b1f409d6", "code": "first-line", "name": "First line",
        "members": ["019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71"], "roles": ["viewer"],
    })
}
