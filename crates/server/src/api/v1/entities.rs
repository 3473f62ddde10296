//! The schema: what the organisation has designed.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;

use insula_model::expr::MAX_LENGTH;
use serde_json::{Value, json};

use crate::openapi::{self, Member, Schema, required};

/// An entity as answered.
fn entity() -> Schema {
    Schema::named(
        "Entity",
        Schema::output([
            required("id", Schema::uuid()),
            required("name", Schema::name()),
            required("label", Schema::text(0, 200)),
            required("plural_label", Schema::text(0, 200)),
            required("title_field", Schema::name().nullable()),
            required("soft_delete", Schema::boolean()),
            required("scope", Schema::constant("tenant")),
            required("fields", Schema::array(openapi::view())),
            required("unique", Schema::array(Schema::array(Schema::name()))),
            required("rules", Schema::array(Schema::named("Rule", Schema::output(rule_members())))),
        ]),
    )
}

/// What must hold of every record, as sent and as answered.
fn rule_members() -> [Member; 3] {
    let most = u32::try_from(MAX_LENGTH).unwrap_or(u32::MAX);
    [
        required("name", Schema::name()),
        required("expr", Schema::text(1, most).described("CEL over the record's own fields.")),
        required("message", Schema::text(1, 500).described("What whoever breaks it is told.")),
    ]
}

fn entity_example() -> Value {
    json!({
        "id": "019ab4e2-7ca1-7000-9f27-6c0d5be81a43", "name": "ticket", "label": "Ticket", "plural_label": "Tickets",
        "title_field": "title", "soft_delete": false, "scope": "tenant", "unique": [], "rules": [],
        "fields": [{
            "id": "019ab4e2-7ca1-7001-8d5e-e4a90f7362bc", "name": "title", "label": "Title", "help": "",
            "type": "text", "required": true, "unique": false, "indexed": false, "default": null,
            "min_length": null, "max_length": 200,
        }],
    })
}
