//! The schema: what the organisation has designed.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod fields;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use insula_model::expr::MAX_LENGTH;
use serde_json::{Value, json};

use crate::openapi::{self, Member, Parameter, Schema, optional, required};

/// An entity as answered.
pub(super) fn entity() -> Schema {
    Schema::named(
        "Entity",
        Schema::output([
            required("id", Schema::uuid()),
            required("name", Schema::name()),
            required("label", Schema::text(0, 200)),
            required("plural_label", Schema::text(0, 200)),
            required("title_field", Schema::name().nullable()),
            required("soft_delete", Schema::boolean()),
            required("scope", scope()),
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

fn scope() -> Schema {
    super::roles::scope()
}

/// What may be said of an entity beside its name and fields.
fn settings() -> Vec<Member> {
    let rule = Schema::named("NewRule", Schema::input(rule_members()));
    let key = Schema::array(Schema::name()).with("minItems", 1).with("maxItems", 16).with("uniqueItems", true);
    vec![
        optional("label", Schema::text(0, 200).nullable()),
        optional("plural_label", Schema::text(0, 200).nullable()),
        optional("title_field", Schema::name().nullable().described("The field that stands for a record.")),
        optional("unique", Schema::array(key).nullable().described("Fields no two records agree on.")),
        optional(
            "soft_delete",
            Schema::boolean().nullable().described("Deleted records can be listed and restored for 30 days."),
        ),
        optional("scope", scope().nullable().described("To whom records belong; to a unit by the field `unit`.")),
        optional(
            "rules",
            Schema::array(rule).with("maxItems", 100).nullable().described("What every record must keep."),
        ),
    ]
}

/// Fields and entities that repeat the ids they have.
pub(super) fn documented_fields() -> Schema {
    Schema::array(openapi::documented()).with("maxItems", 500)
}

/// An entity of a document.
pub(super) fn documented() -> Schema {
    let own = [
        optional("id", openapi::document_id()),
        required("name", Schema::name()),
        optional("fields", documented_fields().nullable()),
    ];
    Schema::named("DocumentEntity", Schema::input(own.into_iter().chain(settings())))
}

/// `dry_run`, of every change of the schema.
fn dry_run() -> Parameter {
    let description = "Answers 200 with what the change would come to, and changes nothing.";
    Parameter::query("dry_run", description, Schema::boolean().with("default", false))
}

pub(super) fn entity_example() -> Value {
    json!({
        "id": "019ab4e2-7ca1-7000-9f27-6c0d5be81a43", "name": "ticket", "label": "Ticket", "plural_label": "Tickets",
        "title_field": "title", "soft_delete": false, "scope": "tenant", "unique": [], "rules": [],
        "fields": [field_example()],
    })
}

fn field_example() -> Value {
    json!({
        "id": "019ab4e2-7ca1-7001-8d5e-e4a90f7362bc", "name": "title", "label": "Title", "help": "",
        "type": "text", "required": true, "unique": false, "indexed": false, "default": null,
        "min_length": null, "max_length": 200,
    })
}
