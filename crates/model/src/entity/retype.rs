//! Values of a field that comes to have another type, or stricter rules. Nothing is lost in silence: a value either is one
//! of the new field as well, read by its own rules, or stands in the way of the change.

use std::mem::discriminant;

use super::{Field, FieldKind};
use crate::draft;
use crate::json::Json;
use crate::problem::Code;
use crate::value::Value;

/// Why a value is none of the field's.
pub type Refused = (Code, String);

const DAY: i64 = 24 * 3600 * 1_000_000;

/// How the values of types are taken over by others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    /// A text, with or without a form.
    Text,
    /// One value with a text that is read back as that value.
    Scalar,
    Number,
    Options,
    Json,
    /// The id of something.
    Reference,
    Links,
}

const fn class(kind: &FieldKind) -> Class {
    match kind {
        FieldKind::Text { .. }
        | FieldKind::LongText { .. }
        | FieldKind::RichText { .. }
        | FieldKind::Code
        | FieldKind::Email
        | FieldKind::Url
        | FieldKind::Phone
        | FieldKind::Choice { .. } => Class::Text,
        FieldKind::Boolean
        | FieldKind::Date
        | FieldKind::Time
        | FieldKind::Datetime
        | FieldKind::Duration { .. }
        | FieldKind::Uuid => Class::Scalar,
        FieldKind::Integer { .. } | FieldKind::Decimal { .. } | FieldKind::AutoNumber => Class::Number,
        FieldKind::MultiChoice { .. } => Class::Options,
        FieldKind::Json => Class::Json,
        FieldKind::Relation { .. } | FieldKind::User | FieldKind::Unit => Class::Reference,
        FieldKind::Relations { .. } => Class::Links,
    }
}

/// Whether a field of one type can become one of the other, as far as its values allow.
pub(super) fn converts(from: &FieldKind, to: &FieldKind) -> bool {
    if discriminant(from) == discriminant(to) {
        return from.target() == to.target() && from.linked() == to.linked();
    }
    match (class(from), class(to)) {
        (Class::Text | Class::Json, Class::Text | Class::Scalar | Class::Number | Class::Options | Class::Json) => {
            *to != FieldKind::AutoNumber
        }
        (Class::Scalar | Class::Number | Class::Reference | Class::Options, Class::Text | Class::Json) => true,
        (Class::Number, Class::Number) => *to != FieldKind::AutoNumber,
        (Class::Reference, Class::Scalar) => *to == FieldKind::Uuid,
        (Class::Scalar, Class::Scalar) => {
            matches!((from, to), (FieldKind::Date, FieldKind::Datetime) | (FieldKind::Datetime, FieldKind::Date))
        }
        _ => false,
    }
}

/// What to do where a field cannot become one of the other type.
pub(super) fn advice(from: &FieldKind, to: &FieldKind) -> String {
    if discriminant(from) == discriminant(to) {
        return "A relation keeps the entity it leads to. Add another field and drop this one.".to_owned();
    }
    let (from, to) = (from.name(), to.name());
    format!("A field of type `{from}` cannot become one of type `{to}`. Add another field and drop this one.")
}

impl Field {
    /// Whether every value that `before` may hold is one of this field too, held in the same way: then none has to be
    /// looked at.
    pub fn holds_all_of(&self, before: &Self) -> bool {
        let kinds = self.kind == before.kind || is_wider(&before.kind, &self.kind);
        kinds && (before.required || !self.required)
    }

    /// The value that takes the place of `value` of the field as it was `before`.
    pub fn take_over(&self, before: &Self, value: &Value) -> Result<Value, Refused> {
        if value.is_null() {
            return draft::value_of(self, &Json::Null);
        }
        let json = json_of(value)?;
        let read = adapted(&before.kind, &self.kind, value, json)?;
        let taken = draft::value_of(self, &read)?;
        match &taken {
            Value::Text(clean)
                if matches!(self.kind, FieldKind::RichText { .. }) && read != Json::Text(clean.clone()) =>
            {
                Err((Code::InvalidFormat, "Part of this text would be taken for markup and lost.".to_owned()))
            }
            _ => Ok(taken),
        }
    }
}

/// Whether the rules of `to` refuse nothing that those of `from` allow, for types that are held in the same way.
fn is_wider(from: &FieldKind, to: &FieldKind) -> bool {
    let least = |from: Option<u32>, to: Option<u32>| to.unwrap_or(0) <= from.unwrap_or(0);
    let below = |from: Option<i64>, to: Option<i64>| to.is_none_or(|to| from.is_some_and(|from| to <= from));
    let above = |from: Option<i64>, to: Option<i64>| to.is_none_or(|to| from.is_some_and(|from| to >= from));
    match (from, to) {
        (
            FieldKind::Text { min_length, max_length } | FieldKind::LongText { min_length, max_length },
            FieldKind::Text { min_length: min, max_length: max }
            | FieldKind::LongText { min_length: min, max_length: max },
        ) => least(*min_length, *min) && max >= max_length,
        (FieldKind::RichText { max_length }, FieldKind::RichText { max_length: max }) => max >= max_length,
        (FieldKind::Integer { min, max }, FieldKind::Integer { min: low, max: high })
        | (FieldKind::Duration { min, max }, FieldKind::Duration { min: low, max: high }) => {
            below(*min, *low) && above(*max, *high)
        }
        (
            FieldKind::Decimal { precision, scale, min, max },
            FieldKind::Decimal { precision: digits, scale: fine, min: low, max: high },
        ) => digits >= precision && fine == scale && below(*min, *low) && above(*max, *high),
        (FieldKind::Choice { options }, FieldKind::Choice { options: more }) => {
            options.iter().all(|option| more.contains(option))
        }
        // What is chosen lies in the order of the options.
        (FieldKind::MultiChoice { options }, FieldKind::MultiChoice { options: more }) => more.starts_with(options),
        (FieldKind::Relation { target, .. }, FieldKind::Relation { target: other, .. }) => target == other,
        (FieldKind::AutoNumber, FieldKind::Integer { min, max }) => min.is_none_or(|min| min <= 1) && max.is_none(),
        (FieldKind::Relation { .. } | FieldKind::User | FieldKind::Unit, FieldKind::Uuid) => true,
        _ => false,
    }
}

fn json_of(value: &Value) -> Result<Json, Refused> {
    let mut out = Vec::new();
    value.write_json(&mut out);
    Json::parse(&out).map_err(|_| (Code::InvalidFormat, "This value cannot be read again.".to_owned()))
}

/// The value as somebody would send it for the new type.
fn adapted(from: &FieldKind, to: &FieldKind, value: &Value, json: Json) -> Result<Json, Refused> {
    if class(from) == Class::Json || class(to) == Class::Json || discriminant(from) == discriminant(to) {
        return Ok(json);
    }
    let refused = |message: &str| Err((Code::InvalidFormat, message.to_owned()));
    Ok(match (class(to), json) {
        (Class::Text, Json::Int(n)) => Json::Text(n.to_string()),
        (Class::Text, Json::Bool(b)) => Json::Text(b.to_string()),
        (Class::Text, Json::Array(mut chosen)) => match (chosen.pop(), chosen.is_empty()) {
            (None, _) => Json::Null,
            (Some(one), true) => one,
            (Some(_), false) => return refused("More than one option is chosen, and one value takes their place."),
        },
        (Class::Options, Json::Text(text)) => Json::Array(vec![Json::Text(text)]),
        (Class::Number, Json::Text(text)) if matches!(to, FieldKind::Integer { .. }) => match integer(value, &text) {
            Some(n) => Json::Int(n),
            None => return refused("This is no whole number as it is written here, such as 42."),
        },
        (Class::Number, Json::Int(n)) if matches!(to, FieldKind::Decimal { .. }) => Json::Text(n.to_string()),
        (Class::Scalar, Json::Text(text)) => match (value, to) {
            (_, FieldKind::Boolean) => match text.as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => return refused("Only the texts true and false become true and false."),
            },
            (Value::Date(_), FieldKind::Datetime) => Json::Text(format!("{text}T00:00:00Z")),
            (Value::Timestamp(at), FieldKind::Date) if at.as_micros().rem_euclid(DAY) == 0 => {
                Json::Text(at.date().to_string())
            }
            (Value::Timestamp(_), FieldKind::Date) => return refused("The time of day would be lost."),
            _ => Json::Text(text),
        },
        (_, json) => json,
    })
}

/// A whole number that is written back the same way.
fn integer(value: &Value, text: &str) -> Option<i64> {
    if let Value::Decimal(decimal) = value {
        return decimal.rescale(0).ok().map(crate::value::Decimal::units);
    }
    text.parse().ok().filter(|n: &i64| n.to_string() == text)
}

#[cfg(test)]
mod tests;
