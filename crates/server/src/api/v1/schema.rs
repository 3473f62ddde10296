//! The schema as a whole: one document, its history, and documents to be compared with it or applied.

pub(crate) mod apply;
pub(crate) mod compare;
pub(crate) mod get;
pub(crate) mod history;

use serde_json::{Value, json};

use crate::openapi::{Answer, Schema, optional, required};

const STEPS: [&str; 12] = [
    "create_entity",
    "rename_entity",
    "alter_entity",
    "drop_entity",
    "add_field",
    "rename_field",
    "retype_field",
    "alter_field",
    "reorder_fields",
    "drop_field",
    "add_key",
    "drop_key",
];

fn version() -> Schema {
    Schema::integer(Some(1), None)
}

fn steps() -> Schema {
    let step = Schema::output([
        required("step", Schema::one_of(STEPS)),
        required("entity", Schema::name()),
        required("entity_id", Schema::uuid()),
        optional("field", Schema::name()),
        optional("field_id", Schema::uuid()),
        optional("from", Schema::text(1, 63)),
        optional("to", Schema::text(1, 63)),
        optional(
            "members",
            Schema::array(Schema::text(1, 63)).described("What of it changes, or the fields of a key."),
        ),
    ]);
    Schema::array(Schema::named("SchemaStep", step))
}

/// What a change would come to.
pub(super) fn plan() -> Schema {
    let warning = Schema::output([
        required("kind", Schema::one_of(["data_loss", "long_lock", "background_job", "widened_rights"])),
        required("entity", Schema::name()),
        optional("field", Schema::name()),
        required("message", Schema::text(1, 1000)),
    ]);
    let conflict = Schema::output([
        required("entity", Schema::name()),
        optional("field", Schema::name()),
        required("message", Schema::text(1, 2000)),
        required("records", Schema::integer(Some(0), None).described("How many stand in the way.")),
        required("first", Schema::array(Schema::uuid()).described("Some of them, where the caller may read them all.")),
    ]);
    let members = [
        required("version", version().described("Of the schema it starts from.")),
        required("steps", steps()),
        required("warnings", Schema::array(Schema::named("SchemaWarning", warning))),
        required(
            "conflicts",
            Schema::array(Schema::named("SchemaConflict", conflict))
                .described("As it is, the change is refused for these."),
        ),
    ];
    Schema::named("SchemaPlan", Schema::output(members))
}

/// Of a change that takes over the values of many records.
pub(super) fn later() -> Answer {
    let job = Schema::output([required("job", Schema::uuid().described("See `GET /jobs/{id}`."))]);
    Answer::json(
        202,
        "There are many values to be taken over: this job makes the change.",
        Schema::named("JobStarted", job),
    )
    .header("Location")
    .example(json!({"job": "019ab4e2-7e5a-7005-9c1d-64a0e8b7f213"}))
}

pub(super) fn plan_example() -> Value {
    json!({
        "version": 7,
        "steps": [step_example("drop_field")],
        "warnings": [
            {"kind": "data_loss", "entity": "ticket", "field": "title", "message": "All its values are lost."},
        ],
        "conflicts": [],
    })
}

fn step_example(step: &str) -> Value {
    json!({
        "step": step, "entity": "ticket", "entity_id": "019ab4e2-7ca1-7000-9f27-6c0d5be81a43", "field": "title",
        "field_id": "019ab4e2-7ca1-7001-8d5e-e4a90f7362bc",
    })
}

/// A document as it is sent.
fn document() -> Schema {
    let entities = Schema::array(super::entities::documented()).with("maxItems", 1000);
    let body = Schema::input([
        optional("version", version().nullable().described("Of where it was read; a note for people.")),
        required("entities", entities.described("All of them: one that is left out is dropped with its records.")),
    ]);
    Schema::named("SchemaDocument", body)
}

fn document_example() -> Value {
    json!({"entities": [{
        "name": "ticket", "label": "Ticket",
        "fields": [{"name": "title", "label": "Title", "type": "text", "required": true, "max_length": 200}],
    }]})
}
