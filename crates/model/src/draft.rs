//! What a client wants a record to hold: JSON checked against the entity, every mistake with its pointer.

use crate::entity::{Entity, Field, FieldKind, SystemField};
use crate::id::parse_uuid;
use crate::json::Json;
use crate::name::is_code;
use crate::problem::{Code, Errors, pointer};
use crate::rights::FieldMask;
use crate::value::{
    Date, Decimal, DecimalError, Document, Duration, Email, MAX_INTEGER, MAX_URL, Phone, RichText, SCHEMES, Time,
    Timestamp, Url, Value,
};

/// Most records one field of one record can link.
const MOST_LINKS: usize = 1_000;

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
    replace(entity, writable, |_| true, members, at, errors)
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
            *value = unnamed(entity, field, at, errors);
        }
    }
    draft
}

/// What a field of `entity` is that a whole record does not name: its default, or null, or missed. A number given once
/// stays, and so does the unit that a record belongs to.
pub fn unnamed(entity: &Entity, field: &Field, at: &str, errors: &mut Errors) -> Option<Value> {
    if field.kind == FieldKind::AutoNumber || entity.unit_field().is_some_and(|unit| unit.id == field.id) {
        return None;
    }
    let default = field.default.as_ref().map(Json::from);
    match default.as_ref().map(|json| value_of(field, json)) {
        Some(Ok(default)) => Some(default),
        _ if field.required => {
            errors.add(pointer(at, field.name.as_str()), Code::Required, "This field needs a value.");
            None
        }
        _ if !field.kind.is_column() => Some(Value::Uuids(Vec::new())),
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
        let known = known.filter(|(field, _)| field.kind != FieldKind::AutoNumber);
        let Some((field, value)) = known else {
            let assigned = position.and_then(|p| entity.fields.get(p)).is_some_and(|f| f.kind == FieldKind::AutoNumber);
            let message = if SystemField::named(name).is_some() || assigned {
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
    if *json == Json::Null && !field.kind.is_column() {
        return Ok(Value::Uuids(Vec::new()));
    }
    if *json == Json::Null {
        return if field.required {
            Err((Code::Required, "This field needs a value.".into()))
        } else {
            Ok(Value::Null)
        };
    }
    match (&field.kind, json) {
        (
            FieldKind::Text { min_length, max_length } | FieldKind::LongText { min_length, max_length },
            Json::Text(text),
        ) => plain_text(*min_length, *max_length, text),
        (FieldKind::Code, Json::Text(text)) if is_code(text) => Ok(Value::Text(text.clone())),
        (FieldKind::Code, Json::Text(text)) if text.len() > 50 => {
            Err((Code::TooLong, "A code has at most 50 characters.".into()))
        }
        (FieldKind::Code, Json::Text(_)) => {
            Err((Code::InvalidFormat, "A code is made of the letters A–Z and a–z, digits, `_` and `-`.".into()))
        }
        (FieldKind::RichText { max_length }, Json::Text(text)) => rich_text(*max_length, text),
        (FieldKind::Json, json) => Document::parse(json).map(Value::Json),
        (FieldKind::MultiChoice { options }, Json::Array(items)) => texts(field, options, items),
        (FieldKind::Relations { .. }, Json::Array(items)) => links(items),
        (FieldKind::Email, Json::Text(text)) => Email::parse(text)
            .map(|email| Value::Text(email.into_string()))
            .ok_or_else(|| (Code::InvalidFormat, "This is no e-mail address, such as ada@example.org.".into())),
        (FieldKind::Url, Json::Text(text)) => {
            Url::parse(text).map(|url| Value::Text(url.into_string())).ok_or_else(|| {
                let message = format!(
                    "This is no URL of at most {MAX_URL} characters, such as https://example.org/a, with one of the \
                     schemes {}.",
                    SCHEMES.join(", ")
                );
                (Code::InvalidFormat, message)
            })
        }
        (FieldKind::Phone, Json::Text(text)) => {
            Phone::parse(text).map(|phone| Value::Text(phone.into_string())).ok_or_else(|| {
                let message =
                    "A phone number begins with + and the country code, such as +49 30 1234567, without brackets.";
                (Code::InvalidFormat, message.into())
            })
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
        (FieldKind::Time, Json::Text(text)) => Time::parse(text)
            .map(Value::Time)
            .ok_or_else(|| (Code::InvalidFormat, "A time of day is written HH:MM or HH:MM:SS, up to 23:59:59.".into())),
        (FieldKind::Duration { min, max }, Json::Text(text)) => duration(*min, *max, text),
        (FieldKind::Uuid, Json::Text(text)) => parse_uuid(text).map(Value::Uuid).ok_or_else(|| {
            (Code::InvalidFormat, "A UUID is written 8-4-4-4-12, such as 0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11.".into())
        }),
        (FieldKind::User, Json::Text(text)) => parse_uuid(text)
            .map(Value::Uuid)
            .ok_or_else(|| (Code::InvalidFormat, "A user is the id (a UUID) of an account.".into())),
        (FieldKind::Unit, Json::Text(text)) => parse_uuid(text).map(Value::Uuid).ok_or_else(|| {
            (Code::InvalidFormat, "A unit is the id (a UUID) of a company, branch or department.".into())
        }),
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

fn plain_text(min_length: Option<u32>, max_length: u32, text: &str) -> Result<Value, (Code, String)> {
    let length = text.chars().count();
    if let Some(min) = min_length.filter(|min| length < *min as usize) {
        return Err((Code::TooShort, format!("At least {min} characters are needed.")));
    }
    if length > max_length as usize {
        return Err((Code::TooLong, format!("At most {max_length} characters fit, found {length}.")));
    }
    if text.contains('\0') {
        return Err((Code::InvalidFormat, "The NUL character cannot be stored.".into()));
    }
    Ok(Value::Text(text.to_owned()))
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

fn rich_text(max_length: u32, html: &str) -> Result<Value, (Code, String)> {
    let fits = |text: &str| text.chars().count() <= max_length as usize;
    // What is sent is bounded too: it has to be read before it can be cleaned.
    let clean = if fits(html) { Some(RichText::clean(html).into_string()) } else { None };
    match clean.filter(|clean| fits(clean)) {
        Some(clean) if clean.contains('\0') => {
            Err((Code::InvalidFormat, "The NUL character cannot be stored.".to_owned()))
        }
        Some(clean) => Ok(Value::Text(clean)),
        None => Err((Code::TooLong, format!("At most {max_length} characters fit, markup counted."))),
    }
}

/// The chosen options in the order of all of them.
fn texts(field: &Field, options: &[String], items: &[Json]) -> Result<Value, (Code, String)> {
    let mut chosen = vec![false; options.len()];
    for item in items {
        let Json::Text(text) = item else {
            return Err((Code::InvalidType, format!("Expected an array of strings, found {} in it.", item.kind())));
        };
        let place = options.iter().position(|option| option == text).and_then(|position| chosen.get_mut(position));
        match place {
            Some(place) if !*place => *place = true,
            Some(_) => return Err((Code::NotUnique, "Choose each option once.".to_owned())),
            None => return Err((Code::OutOfRange, format!("Choose among: {}.", options.join(", ")))),
        }
    }
    if field.required && items.is_empty() {
        return Err((Code::Required, "Choose at least one.".to_owned()));
    }
    let chosen = options.iter().zip(chosen).filter(|(_, chosen)| *chosen);
    Ok(Value::Texts(chosen.map(|(option, _)| option.clone()).collect()))
}

/// Ids as they were sent.
fn links(items: &[Json]) -> Result<Value, (Code, String)> {
    if items.len() > MOST_LINKS {
        return Err((Code::TooLong, format!("At most {MOST_LINKS} records can be linked.")));
    }
    let mut ids = Vec::with_capacity(items.len());
    for item in items {
        let Json::Text(text) = item else {
            return Err((Code::InvalidType, format!("Expected an array of ids, found {} in it.", item.kind())));
        };
        let id = parse_uuid(text).ok_or_else(|| (Code::InvalidFormat, format!("{text:?} is no id (a UUID).")))?;
        ids.push(id);
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < ids.len() {
        return Err((Code::NotUnique, "Link each record once.".to_owned()));
    }
    Ok(Value::Uuids(ids))
}

fn duration(min: Option<i64>, max: Option<i64>, text: &str) -> Result<Value, (Code, String)> {
    let duration = Duration::parse(text).ok_or_else(|| {
        let message = "A duration is written as in ISO 8601 with weeks, days, hours, minutes and seconds, such as \
                       P1DT2H30M; years and months have no fixed length.";
        (Code::InvalidFormat, message.to_owned())
    })?;
    let bound = |micros: Option<i64>| micros.and_then(Duration::from_micros);
    if let Some(min) = bound(min).filter(|min| duration < *min) {
        return Err((Code::OutOfRange, format!("The value must be at least {min}.")));
    }
    if let Some(max) = bound(max).filter(|max| duration > *max) {
        return Err((Code::OutOfRange, format!("The value must be at most {max}.")));
    }
    Ok(Value::Duration(duration))
}

const fn wanted(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Integer { .. } => "an integer",
        FieldKind::Boolean => "true or false",
        FieldKind::MultiChoice { .. } => "an array of strings",
        FieldKind::Relations { .. } => "an array of ids",
        _ => "a string",
    }
}
