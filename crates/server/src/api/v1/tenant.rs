//! The caller's own organisation.

pub(crate) mod get;
pub(crate) mod update;

use serde_json::{Value, json};

use crate::openapi::{Member, Schema, required};

/// The members of a password policy that an organisation sets.
pub(crate) fn policy_members() -> Vec<Member> {
    vec![
        required("min_length", min_length()),
        required("require_uppercase", Schema::boolean()),
        required("require_lowercase", Schema::boolean()),
        required("require_digit", Schema::boolean()),
        required("require_symbol", Schema::boolean()),
        required("history", history()),
    ]
}

fn min_length() -> Schema {
    Schema::integer(Some(12), Some(64)).described("Characters.")
}

fn history() -> Schema {
    Schema::integer(Some(0), Some(10))
        .described("A password may be none of so many last ones, the present one included.")
}

/// The organisation as answered.
fn organisation() -> Schema {
    let policy = Schema::named("PasswordPolicy", Schema::output(policy_members()));
    Schema::named(
        "Organisation",
        Schema::output([
            required("id", Schema::uuid()),
            required("code", Schema::code()),
            required("name", Schema::label()),
            required("policies", Schema::output([required("password", policy)])),
        ]),
    )
}

fn example() -> Value {
    json!({
        "id": "019ab4e2-7c0d-7001-9c41-0be2a7d3f6c8", "code": "acme", "name": "Acme",
        "policies": {"password": {
            "min_length": 14, "require_uppercase": false, "require_lowercase": false, "require_digit": false,
            "require_symbol": false, "history": 0,
        }},
    })
}
