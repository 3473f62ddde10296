//! The organisation's tree: companies, branches, departments.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use insula_model::org::UnitKind;
use serde_json::{Value, json};

use crate::openapi::{Member, Schema, optional, required};

/// A unit as answered.
pub(super) fn unit() -> Schema {
    let members = [
        required("id", Schema::uuid()),
        required("kind", Schema::one_of(UnitKind::ALL.map(UnitKind::name))),
        required("parent", Schema::uuid().nullable()),
        required("code", Schema::code().nullable()),
        required("name", Schema::text(1, 200)),
        required("attributes", attributes()),
    ];
    Schema::named("Unit", Schema::output(members))
}

fn attributes() -> Schema {
    let texts = json!({"^[a-z][a-z0-9_]{0,62}$": {"type": "string", "minLength": 1, "maxLength": 200}});
    Schema::input([])
        .with("patternProperties", texts)
        .with("maxProperties", 20)
        .described("Texts that the rules of roles may ask for, as in `caller.branch.region`.")
}

/// What is sent, but for the name.
fn sent() -> [Member; 3] {
    [
        optional("parent", Schema::uuid().described("What it is part of; of all but companies, and required there.")),
        optional("code", Schema::code().nullable()),
        optional("attributes", attributes().nullable()),
    ]
}

pub(super) fn unit_example() -> Value {
    json!({
        "id": "019ab4e2-7e21-7000-b0d4-8f3a6c51e972", "kind": "branch", "parent": "019ab4e2-7e1f-7000-9a6b-2c4d8e0f7135",
        "code": "north", "name": "Branch North", "attributes": {"region": "north"},
    })
}
