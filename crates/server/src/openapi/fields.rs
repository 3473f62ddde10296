//! The values of fields as schemas, and the definitions of fields that `POST /entities` takes.

use insula_engine::entity::UsableField;
use insula_model::entity::{Field, FieldKind};
use insula_model::rights::Action;
use insula_model::value::{Decimal, Duration, MAX_PRECISION};
use serde_json::{Value, json};

use super::schema::{Member, Schema, optional, required};

const MAX_TEXT: u32 = 10_000;
const MAX_LONG_TEXT: u32 = 200_000;

/// The value of a field, as it is written.
pub(super) fn value(field: &Field) -> Schema {
    match &field.kind {
        FieldKind::Text { min_length, max_length } | FieldKind::LongText { min_length, max_length } => {
            Schema::text(min_length.unwrap_or(0), *max_length)
        }
        FieldKind::RichText { max_length } => {
            Schema::text(0, *max_length).described("HTML; what is not allowed is taken out.")
        }
        FieldKind::Code => Schema::code(),
        FieldKind::Email => email(),
        FieldKind::Url => url(),
        FieldKind::Phone => phone(),
        FieldKind::AutoNumber => Schema::integer(Some(1), None).with("readOnly", true),
        FieldKind::Time => time(),
        FieldKind::Duration { .. } => duration(),
        FieldKind::Uuid | FieldKind::User | FieldKind::Unit | FieldKind::Relation { .. } => Schema::uuid(),
        FieldKind::MultiChoice { options } => Schema::array(Schema::one_of(options)).with("uniqueItems", true),
        FieldKind::Json => json_value(),
        FieldKind::Relations { .. } => links(),
        FieldKind::Integer { min, max } => Schema::integer(*min, *max),
        FieldKind::Decimal { precision, scale, .. } => {
            let bounds = bounds(field.kind.decimal_bounds());
            decimal(*precision, *scale).described(format!("{}{bounds}", digits(*precision, *scale)))
        }
        FieldKind::Boolean => Schema::boolean(),
        FieldKind::Date => Schema::date(),
        FieldKind::Datetime => Schema::datetime(),
        FieldKind::Choice { options } => Schema::one_of(options),
    }
}

fn email() -> Schema {
    Schema::format(254, "email")
}

fn url() -> Schema {
    Schema::format(2000, "uri").described("An absolute URL: http, https, ftp, sftp, mailto or tel.")
}

fn phone() -> Schema {
    Schema::pattern(40, r"^\+[1-9][0-9 ./-]*[0-9]$").described("`+`, the country code, and 7 to 15 digits in all.")
}

fn time() -> Schema {
    Schema::pattern(18, r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?$")
}

fn duration() -> Schema {
    // No `format: duration`, which knows no sign (RFC 3339, appendix A).
    let time = r"(T([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}(\.[0-9]{1,9})?S)?)?";
    Schema::pattern(100, &format!("^-?P([0-9]{{1,9}}W)?([0-9]{{1,9}}D)?{time}$"))
        .described("ISO 8601 without years and months, such as P1DT2H30M.")
}

fn json_value() -> Schema {
    let any = Schema::free_form().with("type", json!(["object", "array", "string", "number", "boolean", "null"]));
    any.with("maxLength", 65_536).described("Any JSON value, at most 65536 bytes and 32 levels.")
}

fn links() -> Schema {
    Schema::array(Schema::uuid()).with("uniqueItems", true).with("maxItems", 1000)
}

fn digits(precision: u8, scale: u8) -> String {
    let whole = precision.saturating_sub(scale);
    format!("A decimal as a string: at most {whole} digits before the point, {scale} after it.")
}

fn bounds(bounds: (Option<Decimal>, Option<Decimal>)) -> String {
    match bounds {
        (Some(min), Some(max)) => format!(" From {min} to {max}."),
        (Some(min), None) => format!(" At least {min}."),
        (None, Some(max)) => format!(" At most {max}."),
        (None, None) => String::new(),
    }
}

fn decimal(precision: u8, scale: u8) -> Schema {
    let whole = precision.saturating_sub(scale).max(1);
    let fraction = if scale == 0 { String::new() } else { format!(r"(\.[0-9]{{1,{scale}}})?") };
    Schema::pattern(u32::from(whole) + u32::from(scale) + 2, &format!("^-?[0-9]{{1,{whole}}}{fraction}$"))
}

/// A decimal of whatever precision and scale.
fn any_decimal() -> Schema {
    let digits = MAX_PRECISION;
    Schema::pattern(40, &format!(r"^-?[0-9]{{1,{digits}}}(\.[0-9]{{1,{digits}}})?$"))
}

/// What a value may look like.
pub(super) fn sample(field: &Field) -> Value {
    match &field.kind {
        FieldKind::Text { min_length, max_length } | FieldKind::LongText { min_length, max_length } => {
            let length = min_length.unwrap_or(0).max(12).min(*max_length) as usize;
            "Lorem ipsum ".chars().cycle().take(length).collect::<String>().into()
        }
        FieldKind::RichText { .. } => "a".into(),
        FieldKind::Code => "A-1".into(),
        FieldKind::Email => "ada@example.org".into(),
        FieldKind::Url => "https://example.org/".into(),
        FieldKind::Phone => "+493012345678".into(),
        FieldKind::AutoNumber => 1.into(),
        FieldKind::Time => "09:30:00".into(),
        FieldKind::Duration { min, max } => {
            let micros = min.or(*max).unwrap_or(3_600_000_000);
            Duration::from_micros(micros).map(|duration| duration.to_string()).into()
        }
        FieldKind::Uuid | FieldKind::User | FieldKind::Unit | FieldKind::Relation { .. } => {
            "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71".into()
        }
        FieldKind::MultiChoice { options } => json!(options.first()).as_str().map(|option| vec![option]).into(),
        FieldKind::Json => json!({"a": 1}),
        FieldKind::Relations { .. } => json!([]),
        FieldKind::Integer { min, max } => json!(min.unwrap_or_else(|| max.unwrap_or(7).min(7))),
        FieldKind::Decimal { scale, .. } => {
            let (min, max) = field.kind.decimal_bounds();
            min.or(max).unwrap_or(Decimal::new(0, *scale)).to_string().into()
        }
        FieldKind::Boolean => true.into(),
        FieldKind::Date => "2026-03-01".into(),
        FieldKind::Datetime => "2026-03-01T09:30:00Z".into(),
        FieldKind::Choice { options } => options.first().cloned().into(),
    }
}

/// The value as it is read: an expanded relation is the record itself, expanded links are the records.
pub(super) fn read(field: &UsableField) -> Schema {
    let mut schema = value(&field.field);
    if let Some(target) = &field.target {
        let record = Schema::reference(&format!("Record_{target}"));
        let expanded = if field.field.kind.is_column() { record } else { Schema::array(record).with("maxItems", 1000) };
        schema = Schema::any_of([schema, expanded]);
    }
    let schema = if field.field.required { schema } else { schema.nullable() };
    schema.with("title", field.field.label.as_str())
}

/// The value as it is written by `action`.
pub(super) fn written(field: &UsableField, action: Action) -> Member {
    let of = &field.field;
    let mut schema = value(of);
    if !of.required {
        schema = schema.nullable();
    }
    schema = schema.with("title", of.label.as_str());
    if let Some(target) = &field.target {
        schema = schema.described(if of.kind.is_column() {
            format!("The id of a record of `{target}`.")
        } else {
            format!("The ids of records of `{target}`.")
        });
    } else if !of.help.is_empty() {
        schema = schema.described(of.help.as_str());
    }
    let name = of.name.as_str();
    match &of.default {
        Some(default) if action == Action::Create => optional(name, schema.with("default", default.clone())),
        None if of.required && action == Action::Create => required(name, schema),
        _ => optional(name, schema),
    }
}

/// The types a field can have, each with the members of its own in a definition.
fn types() -> Vec<(&'static str, Vec<Member>)> {
    let length = |most: u32| Schema::integer(Some(0), Some(most.into())).nullable();
    let longest = |most: u32| Schema::integer(Some(1), Some(most.into())).nullable();
    let digits = |least: i64| Schema::integer(Some(least), Some(MAX_PRECISION.into())).nullable();
    let integer = || Schema::integer(None, None).nullable();
    let exact = || Schema::any_of([any_decimal(), Schema::integer(None, None)]).nullable();
    let text = || Schema::text(0, MAX_TEXT).nullable();
    let long_text = || Schema::text(0, MAX_LONG_TEXT).nullable();
    let options = || Schema::array(Schema::text(1, 200)).with("minItems", 1).with("maxItems", 500);
    vec![
        (
            "text",
            vec![
                optional("min_length", length(MAX_TEXT)),
                optional("max_length", longest(MAX_TEXT).with("default", 255)),
                optional("default", text()),
            ],
        ),
        (
            "long_text",
            vec![
                optional("min_length", length(MAX_LONG_TEXT)),
                optional("max_length", longest(MAX_LONG_TEXT).with("default", 20_000)),
                optional("default", long_text()),
            ],
        ),
        (
            "rich_text",
            vec![
                optional("max_length", longest(MAX_LONG_TEXT).with("default", 20_000)),
                optional("default", long_text()),
            ],
        ),
        ("code", vec![optional("default", Schema::code().nullable())]),
        ("email", vec![optional("default", email().nullable())]),
        ("url", vec![optional("default", url().nullable())]),
        ("phone", vec![optional("default", phone().nullable())]),
        ("integer", vec![optional("min", integer()), optional("max", integer()), optional("default", integer())]),
        ("auto_number", vec![]),
        (
            "decimal",
            vec![
                optional("precision", digits(1).with("default", 18)),
                optional("scale", digits(0).with("default", 2)),
                optional("min", exact()),
                optional("max", exact()),
                optional("default", any_decimal().nullable()),
            ],
        ),
        ("boolean", vec![optional("default", Schema::boolean().nullable())]),
        ("date", vec![optional("default", Schema::date().nullable())]),
        ("time", vec![optional("default", time().nullable())]),
        ("datetime", vec![optional("default", Schema::datetime().nullable())]),
        (
            "duration",
            vec![
                optional("min", duration().nullable()),
                optional("max", duration().nullable()),
                optional("default", duration().nullable()),
            ],
        ),
        ("uuid", vec![optional("default", Schema::uuid().nullable())]),
        ("json", vec![optional("default", json_value())]),
        (
            "choice",
            vec![
                required("options", options().with("uniqueItems", true)),
                optional("default", Schema::text(1, 200).nullable()),
            ],
        ),
        (
            "multi_choice",
            vec![
                required("options", options().with("uniqueItems", true)),
                optional("default", Schema::array(Schema::text(1, 200)).nullable()),
            ],
        ),
        (
            "relation",
            vec![
                required("target", Schema::name().described("The other entity's name.")),
                optional(
                    "on_delete",
                    Schema::one_of(["restrict", "cascade", "set_null"]).nullable().with("default", "restrict"),
                ),
                optional("default", Schema::uuid().nullable()),
            ],
        ),
        (
            "relations",
            vec![
                required("target", Schema::name().described("The other entity's name.")),
                optional("default", links().nullable()),
            ],
        ),
        ("user", vec![optional("default", Schema::uuid().nullable())]),
        ("unit", Vec::new()),
    ]
}

/// A field as it is defined: what may be said depends on its type.
pub(crate) fn definition() -> Schema {
    Schema::named("FieldDefinition", definition_with(Vec::new))
}

/// One that is added to an entity.
pub(crate) fn added() -> Schema {
    Schema::named("NewField", definition_with(|| vec![optional("position", position())]))
}

/// One of a document, which repeats ids.
pub(crate) fn documented() -> Schema {
    Schema::named("DocumentField", definition_with(|| vec![optional("id", document_id())]))
}

/// The id of something in a document. It names nothing where it is not known, so it is no reference.
pub(crate) fn document_id() -> Schema {
    Schema::pattern(36, "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
        .described("Where it is known here, what is meant; else a note.")
}

/// What of a field is to be changed.
pub(crate) fn patch() -> Schema {
    let names: Vec<&str> = types().into_iter().map(|(name, _)| name).collect();
    let exact = || Schema::any_of([Schema::integer(None, None), any_decimal(), duration()]).nullable();
    let length = |least: i64| Schema::integer(Some(least), Some(MAX_LONG_TEXT.into())).nullable();
    let flag = || Schema::boolean().nullable();
    Schema::named(
        "FieldPatch",
        Schema::input([
            optional("name", Schema::name()),
            optional("label", Schema::text(0, 200).nullable()),
            optional("help", Schema::text(0, 2000).nullable()),
            optional("type", Schema::one_of(names)),
            optional("required", flag()),
            optional("unique", flag()),
            optional("indexed", flag()),
            optional("default", any_value()),
            optional("min_length", length(0)),
            optional("max_length", length(1)),
            optional("min", exact()),
            optional("max", exact()),
            optional("precision", Schema::integer(Some(1), Some(MAX_PRECISION.into())).nullable()),
            optional("scale", Schema::integer(Some(0), Some(MAX_PRECISION.into())).nullable()),
            optional("options", Schema::array(Schema::text(1, 200)).with("minItems", 1).with("uniqueItems", true)),
            optional("target", Schema::name()),
            optional("on_delete", Schema::one_of(["restrict", "cascade", "set_null"]).nullable()),
            optional("position", position()),
            optional("sensitivity", Schema::constant("none").nullable()),
            optional("markup", Schema::constant("literal").nullable()),
            optional("encrypted", Schema::boolean().nullable().with("const", false)),
        ]),
    )
}

fn position() -> Schema {
    Schema::integer(Some(0), Some(500)).nullable().described("Where it stands among the fields, from 0 on.")
}

fn definition_with(more: impl Fn() -> Vec<Member>) -> Schema {
    let one = |(name, own): (&str, Vec<Member>)| {
        let flag = || Schema::boolean().nullable().with("default", false);
        let members = [
            required("name", Schema::name()),
            required("type", Schema::constant(name)),
            optional("label", Schema::text(0, 200).nullable()),
            optional("help", Schema::text(0, 2000).nullable()),
            optional("required", flag()),
            optional("unique", flag()),
            optional("indexed", flag()),
            optional("sensitivity", Schema::constant("none").nullable()),
            optional("markup", Schema::constant("literal").nullable()),
            optional("encrypted", Schema::boolean().nullable().with("const", false)),
        ];
        Schema::input(members.into_iter().chain(own).chain(more()))
    };
    Schema::any_of(types().into_iter().map(one))
}

/// A field as it is shown.
pub(crate) fn view() -> Schema {
    let names: Vec<&str> = types().into_iter().map(|(name, _)| name).collect();
    let exact = || Schema::any_of([Schema::integer(None, None), any_decimal(), duration()]).nullable();
    let length = || Schema::integer(Some(0), Some(MAX_LONG_TEXT.into()));
    Schema::named(
        "Field",
        Schema::output([
            required("id", Schema::uuid()),
            required("name", Schema::name()),
            required("label", Schema::text(0, 200)),
            required("help", Schema::text(0, 2000)),
            required("type", Schema::one_of(names)),
            required("required", Schema::boolean()),
            required("unique", Schema::boolean()),
            required("indexed", Schema::boolean()),
            required("default", any_value()),
            optional("min_length", length().nullable()),
            optional("max_length", length()),
            optional("min", exact()),
            optional("max", exact()),
            optional("precision", Schema::integer(Some(1), Some(MAX_PRECISION.into()))),
            optional("scale", Schema::integer(Some(0), Some(MAX_PRECISION.into()))),
            optional("options", Schema::array(Schema::text(1, 200))),
            optional("target", Schema::name().nullable()),
            optional("on_delete", Schema::one_of(["restrict", "cascade", "set_null"])),
        ]),
    )
}

/// The value of some field, whichever its type.
pub(super) fn any_value() -> Schema {
    json_value().with("maxLength", MAX_LONG_TEXT)
}

#[cfg(test)]
mod tests {
    use insula_model::clock::{Clock, Ids};
    use insula_model::entity::{self, Schema as Model};
    use insula_model::json::Json;

    use super::*;

    /// What the reader of definitions knows, by what it says to a type it does not know.
    #[test]
    fn every_type_the_reader_takes_is_described() {
        let body = Json::parse(br#"{"name": "a", "fields": [{"name": "b", "type": "no such type"}]}"#).unwrap();
        let refused = entity::define(&body, &Model::default(), &Ids::new(Clock::default())).unwrap_err();
        let message = &refused.errors()[0].message;
        let (_, known) = message.split_once("Choose one of: ").unwrap_or_else(|| panic!("{message}"));
        let known: Vec<&str> = known.trim_end_matches('.').split(", ").collect();
        let described: Vec<&str> = types().into_iter().map(|(name, _)| name).collect();
        assert_eq!(described, known);
    }
}
