//! What a written value is, by the rules of its field: the model's own reading of the contract.

use serde_json::Value as Json;

use super::samples::{DATES, DATETIMES};
use super::schema::{Field, Kind, OPTIONS};
use super::value::{Value, marked};

/// The value, or the code of what is wrong with it.
pub(crate) fn read(field: &Field, json: &Json) -> Result<Value, &'static str> {
    match (&field.kind, json) {
        (_, Json::Null) if field.required => Err("required"),
        (_, Json::Null) => Ok(Value::Null),
        (Kind::Text { min, max }, Json::String(text)) => match text.chars().count() {
            length if length < *min => Err("too_short"),
            length if length > *max => Err("too_long"),
            _ if text.contains('\0') => Err("invalid_format"),
            _ => Ok(Value::Text(text.clone())),
        },
        (Kind::Code, Json::String(text)) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            match text.chars().count() {
                1..=50 if text.chars().all(fits) => Ok(Value::Text(text.clone())),
                51.. => Err("too_long"),
                _ => Err("invalid_format"),
            }
        }
        (Kind::Integer { min, max }, Json::Number(n)) => {
            let n = n.as_i64().ok_or("invalid_type")?;
            let within = n >= min.unwrap_or(-(1 << 53)) && n <= max.unwrap_or(1 << 53);
            within.then_some(Value::Int(n)).ok_or("out_of_range")
        }
        (Kind::Decimal { precision, scale, min, max }, Json::String(text)) => {
            let units = decimal(text, *precision, *scale)?;
            let bound =
                |bound: &Option<&str>| bound.map(|text| decimal(text, *precision, *scale).expect("a bound fits"));
            if bound(min).is_some_and(|min| units < min) || bound(max).is_some_and(|max| units > max) {
                return Err("out_of_range");
            }
            Ok(Value::Decimal { units, scale: *scale })
        }
        (Kind::Boolean, Json::Bool(b)) => Ok(Value::Bool(*b)),
        (Kind::Date, Json::String(text)) => {
            DATES.contains(&(text, true)).then(|| Value::Date(text.clone())).ok_or("invalid_format")
        }
        (Kind::Datetime, Json::String(text)) => {
            let known = DATETIMES.iter().find(|(written, _)| written == text);
            known.and_then(|(_, utc)| *utc).map(|utc| Value::Datetime(utc.to_owned())).ok_or("invalid_format")
        }
        (Kind::Choice, Json::String(text)) => {
            OPTIONS.contains(&text.as_str()).then(|| Value::Text(text.clone())).ok_or("out_of_range")
        }
        (Kind::Relation { .. }, Json::String(_)) => Err("invalid_format"),
        (Kind::Relation { .. }, json) => marked(json).map(Value::Id).ok_or("invalid_type"),
        _ => Err("invalid_type"),
    }
}

/// The units of `10^-scale` that a decimal is.
pub(crate) fn decimal(text: &str, precision: u32, scale: u32) -> Result<i128, &'static str> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((_, "")) => return Err("invalid_format"),
        Some(parts) => parts,
        None => (magnitude, ""),
    };
    if whole.is_empty() || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return Err("invalid_format");
    }
    let exact = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if digits.trim_start_matches('0').len() > 18 || exact.len() > scale as usize {
        return Err("out_of_range");
    }
    let units: i128 = format!("{whole}{exact:0<width$}", width = scale as usize).parse().expect("digits are a number");
    if units >= 10i128.pow(precision) {
        return Err("out_of_range");
    }
    Ok(if text.starts_with('-') { -units } else { units })
}
