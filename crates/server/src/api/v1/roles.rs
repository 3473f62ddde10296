//! Roles: what may be done, under a name.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use insula_model::expr::MAX_LENGTH;
use insula_model::rights::{Action, PermissionScope, Resource};
use serde_json::{Value, json};

use crate::openapi::{Member, Schema, optional, required};

/// A role as answered.
fn role() -> Schema {
    let members = [
        required("id", Schema::uuid()),
        required("code", Schema::code()),
        required("name", Schema::text(1, 200)),
        required("built_in", Schema::boolean()),
        required("grants", Schema::array(Schema::named("Grant", Schema::output(grant_members())))),
    ];
    Schema::named("Role", Schema::output(members))
}

/// The grants of a role as they are sent.
fn grants() -> Schema {
    let grant = Schema::named("NewGrant", Schema::input(grant_members()));
    Schema::array(grant).with("maxItems", 200).described("Rights add up; what no grant allows is not allowed.")
}

fn grant_members() -> [Member; 5] {
    let list = || Schema::array(Schema::name()).with("uniqueItems", true).nullable();
    let fields = Schema::input([optional("read", list()), optional("write", list())]);
    [
        required("resource", resource()),
        required("actions", actions()),
        required("scope", scope()),
        optional(
            "where",
            Schema::text(1, rule_length()).described("Which records, in CEL; of one entity only.").nullable(),
        ),
        optional("fields", fields.described("An absent list is every field; of one entity only.").nullable()),
    ]
}

/// `records:ticket`, `records:*`, `users`, …
pub(super) fn resource() -> Schema {
    let administration = Resource::ADMINISTRATION.map(Resource::name).join("|");
    Schema::pattern(71, &format!("^(records:(\\*|[a-z][a-z0-9_]{{0,62}})|{administration})$"))
}

pub(super) fn action() -> Schema {
    Schema::one_of(Action::ALL.map(Action::name))
}

pub(super) fn scope() -> Schema {
    Schema::one_of(PermissionScope::ALL.map(PermissionScope::name))
}

pub(super) fn actions() -> Schema {
    Schema::array(action()).with("minItems", 1).with("uniqueItems", true)
}

pub(super) fn rule_length() -> u32 {
    u32::try_from(MAX_LENGTH).unwrap_or(u32::MAX)
}

fn role_example() -> Value {
    json!({
        "id": "019ab4e2-7d33-7000-a1c4-2b9e5f60d718", "code": "desk", "name": "Service desk", "built_in": false,
        "grants": [grant_example()],
    })
}

fn grant_example() -> Value {
    json!({"resource": "records:*", "actions": ["create", "read", "update"], "scope": "own"})
}
