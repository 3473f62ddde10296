//! What a client wants a record to hold: JSON checked against the entity, every mistake with its pointer.

use crate::entity::{Entity, Field, FieldKind, SystemField};
use crate::id::parse_uuid;
use crate::json::Json;
use crate::name::is_code;
use crate::problem::{Code, Errors, pointer};
use crate::rights::FieldMask;
use crate::value::{Date, Decimal, DecimalError, MAX_INTEGER, Timestamp, Value};

/// Values by the position of their field in the entity.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft(Vec<Option<Value>>);

impl Draft {
    /// The value named for the field at `position`, if one was.
    pub fn get(&self, position: usize) -> Option<&Value> {
        self.0.get(position).and_then(Option::as_ref)
    }

    /// Positions and values of the fields that were named.
    pub fn named(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.0.iter().enumerate().filter_map(|(position, value)| value.as_ref().map(|value| (position, value)))
    }

    /// Names a value for the field at `position`.
    pub fn set(&mut self, position: usize, value: Value) {
        if let Some(named) = self.0.get_mut(position) {
            *named = Some(value);
        }
    }

    /// Every field's value; those not named are null.
    pub fn into_values(self) -> Vec<Value> {
        self.0.into_iter().map(|value| value.unwrap_or(Value::Null)).collect()
    }
}

/// A whole record: what is not named takes its default, or is null, or is missed.
pub fn create(
    entity: &Entity,
    writable: &FieldMask,
    members: &[(String, Json)],
    at: &str,
    errors: &mut Errors,
) -> Draft {
    let mut draft = patch(entity, writable, members, at, errors);
    for (field, value) in entity.fields.iter().zip(&mut draft.0) {
        if value.is_some() {
            continue;
        }
        let default = field.default.as_ref().map(Json::from);
        match default.as_ref().map(|json| value_of(field, json)) {
            Some(Ok(default)) => *value = Some(default),
            _ if field.required && !members.iter().any(|(name, _)| name == field.name.as_str()) => {
                errors.add(pointer(at, field.name.as_str()), Code::Required, "This field needs a value.");
            }
            _ => {}
        }
    }
    draft
}

/// A whole record in place of one that is there: what is not named takes its default, or null, or is missed, where it is
/// `his` whose body it is. What is not stays.
pub fn replace(
    entity: &Entity,
    writable: &FieldMask,
    his: impl Fn(usize) -> bool,
    members: &[(String, Json)],
    at: &str,
    errors: &mut Errors,
) -> Draft {
    let mut draft = patch(entity, writable, members, at, errors);
    for (position, (field, value)) in entity.fields.iter().zip(&mut draft.0).enumerate() {
        if his(position) && !members.iter().any(|(name, _)| name == field.name.as_str()) {
            *value = unnamed(field, at, errors);
        }
    }
    draft
}

/// What a field is that a whole record does not name: its default, or null, or missed.
pub fn unnamed(field: &Field, at: &str, errors: &mut Errors) -> Option<Value> {
    let default = field.default.as_ref().map(Json::from);
    match default.as_ref().map(|json| value_of(field, json)) {
        Some(Ok(default)) => Some(default),
        _ if field.required => {
            errors.add(pointer(at, field.name.as_str()), Code::Required, "This field needs a value.");
            None
        }
        _ => Some(Value::Null),
    }
}

/// Part of a record: only what is named; `null` clears (RFC 7396).
pub fn patch(
    entity: &Entity,
    writable: &FieldMask,
    members: &[(String, Json)],
    at: &str,
    errors: &mut Errors,
) -> Draft {
    let mut values: Vec<Option<Value>> = vec![None; entity.fields.len()];
    for (name, json) in members {
        let position = entity.fields.iter().position(|field| field.name.as_str() == name);
        let known =
            position.filter(|p| writable.contains(*p)).and_then(|p| Some((entity.fields.get(p)?, values.get_mut(p)?)));
        let Some((field, value)) = known else {
            let message = if SystemField::named(name).is_some() {
                format!("`{name}` is kept by the system and cannot be written.")
            } else {
                format!("`{}` has no field of this name.", entity.name)
            };
            errors.add(pointer(at, name), Code::UnknownField, message);
            continue;
        };
        match value_of(field, json) {
            Ok(read) => *value = Some(read),
            Err((code, message)) => errors.add(pointer(at, name), code, message),
        }
    }
    Draft(values)
}

/// Reads one value by the rules of its field.
pub fn value_of(field: &Field, json: &Json) -> Result<Value, (Code, String)> {
    if *json == Json::Null {
        return if field.required {
            Err((Code::Required, "This field needs a value.".into()))
        } else {
            Ok(Value::Null)
        };
    }
    match (&field.kind, json) {
        (FieldKind::Text { min_length, max_length }, Json::Text(text)) => {
            let length = text.chars().count();
            if min_length.is_some_and(|min| length < min as usize) {
                return Err((Code::TooShort, format!("At least {} characters are needed.", min_length.unwrap_or(0))));
            }
            if length > *max_length as usize {
                return Err((Code::TooLong, format!("At most {max_length} characters fit, found {length}.")));
            }
            if text.contains('\0') {
                return Err((Code::InvalidFormat, "The NUL character cannot be stored.".into()));
            }
            Ok(Value::Text(text.clone()))
        }
        (FieldKind::Code, Json::Text(text)) if is_code(text) => Ok(Value::Text(text.clone())),
        (FieldKind::Code, Json::Text(text)) if text.len() > 50 => {
            Err((Code::TooLong, "A code has at most 50 characters.".into()))
        }
        (FieldKind::Code, Json::Text(_)) => {
            Err((Code::InvalidFormat, "A code is made of the letters A–Z and a–z, digits, `_` and `-`.".into()))
        }
        (FieldKind::Integer { min, max }, Json::Int(n)) => {
            let (low, high) = (min.unwrap_or(-MAX_INTEGER), max.unwrap_or(MAX_INTEGER));
            if (low..=high).contains(n) {
                Ok(Value::Int(*n))
            } else {
                Err((Code::OutOfRange, format!("The value must be between {low} and {high}.")))
            }
        }
        (FieldKind::Integer { .. }, Json::Float(_)) => {
            Err((Code::InvalidType, "Expected an integer, without fraction or exponent, within ±2⁵³.".into()))
        }
        (FieldKind::Decimal { .. }, Json::Text(text)) => decimal(field, text),
        (FieldKind::Decimal { .. }, Json::Int(_) | Json::Float(_)) => {
            Err((Code::InvalidType, "Send decimals as strings, such as \"12.50\", so that no digit is lost.".into()))
        }
        (FieldKind::Boolean, Json::Bool(b)) => Ok(Value::Bool(*b)),
        (FieldKind::Date, Json::Text(text)) => Date::parse(text)
            .map(Value::Date)
            .ok_or_else(|| (Code::InvalidFormat, "A date is written YYYY-MM-DD and must exist.".into())),
        (FieldKind::Datetime, Json::Text(text)) => Timestamp::parse(text).map(Value::Timestamp).ok_or_else(|| {
            (Code::InvalidFormat, "A time is written as in RFC 3339, such as 2013-01-31T10:00:00Z.".into())
        }),
        (FieldKind::Choice { options }, Json::Text(text)) => {
            if options.contains(text) {
                Ok(Value::Text(text.clone()))
            } else {
                Err((Code::OutOfRange, format!("Choose one of: {}.", options.join(", "))))
            }
        }
        (FieldKind::Relation { .. }, Json::Text(text)) => parse_uuid(text)
            .map(Value::Uuid)
            .ok_or_else(|| (Code::InvalidFormat, "A relation is the id (a UUID) of the other record.".into())),
        (kind, found) => Err((Code::InvalidType, format!("Expected {}, found {}.", wanted(kind), found.kind()))),
    }
}

fn decimal(field: &Field, text: &str) -> Result<Value, (Code, String)> {
    let FieldKind::Decimal { precision, scale, .. } = field.kind else {
        return Err((Code::InvalidType, "This field is no decimal.".into()));
    };
    let whole = precision.saturating_sub(scale);
    let value = Decimal::parse(text)
        .and_then(|d| d.rescale(scale))
        .and_then(|d| if d.fits(precision) { Ok(d) } else { Err(DecimalError::TooLarge) });
    let value = value.map_err(|error| match error {
        DecimalError::Shape => {
            (Code::InvalidFormat, "A decimal is written with digits and a point, such as -12.50.".into())
        }
        DecimalError::TooLarge => (Code::OutOfRange, format!("At most {whole} digits fit before the point.")),
        DecimalError::TooFine => (Code::OutOfRange, format!("At most {scale} digits fit after the point.")),
    })?;
    let (min, max) = field.kind.decimal_bounds();
    if let Some(min) = min.filter(|min| value < *min) {
        return Err((Code::OutOfRange, format!("The value must be at least {min}.")));
    }
    if let Some(max) = max.filter(|max| value > *max) {
        return Err((Code::OutOfRange, format!("The value must be at most {max}.")));
    }
    Ok(Value::Decimal(value))
}

const fn wanted(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Integer { .. } => "an integer",
        FieldKind::Boolean => "true or false",
        _ => "a string",
    }
}
