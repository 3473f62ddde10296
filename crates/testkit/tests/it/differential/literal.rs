//! Literals of filters: what each is, and how it is written in CEL and as a parameter.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::reading;
use super::samples::{CODES, DATES, DATETIMES, TEXTS};
use super::schema::{OPTIONS, Type};
use super::value::{Value, marker};

#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) value: Value,
    /// In CEL; of a record's id, which only a store knows, nothing.
    pub(crate) written: String,
    /// In `params`, if it can be one beside the column it was made for.
    pub(crate) param: Option<Json>,
}

/// Whole numbers, and doubles as their authors meant them.
const NUMBERS: [&str; 28] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-3",
    "10",
    "0.0",
    "-0.0",
    "1.5",
    "-1.5",
    "0.5",
    "0.1",
    "-0.1",
    "0.01",
    "-0.01",
    "1.005",
    "-1.005",
    "99.99",
    "100.0",
    "1e3",
    "1e-18",
    "1e300",
    "-1e300",
    "9007199254740992",
    "-9007199254740992",
    "9223372036854775807",
    "-9223372036854775807",
];

pub(crate) fn null() -> Literal {
    Literal { value: Value::Null, written: "null".to_owned(), param: None }
}

/// The literal that a seed means beside a column of this type; `is_choice` where only options will do. Records are
/// taken from `records`.
pub(crate) fn pick(ty: Type, is_choice: bool, seed: u16, records: &[usize]) -> Literal {
    let seed = usize::from(seed);
    match ty {
        Type::Text if is_choice => text(OPTIONS[seed % OPTIONS.len()], seed),
        Type::Text => match (seed / 64) % 8 {
            0 => text(CODES[seed % CODES.len()], seed),
            1 => text(OPTIONS[seed % OPTIONS.len()], seed),
            _ => text(TEXTS[seed % TEXTS.len()], seed),
        },
        Type::Boolean => {
            let b = seed % 2 == 0;
            Literal { value: Value::Bool(b), written: b.to_string(), param: Some(json!(b)) }
        }
        Type::Integer => {
            let written = NUMBERS[seed % NUMBERS.len()];
            Literal {
                value: number(written),
                written: written.to_owned(),
                param: written.parse::<i64>().ok().map(Json::from),
            }
        }
        Type::Decimal(scale) => {
            let written = NUMBERS[seed % NUMBERS.len()];
            let fits = reading::decimal(written, 18, scale).is_ok();
            Literal { value: number(written), written: written.to_owned(), param: fits.then(|| json!(written)) }
        }
        Type::Date => {
            let days: Vec<&str> = DATES.iter().filter(|(_, is_day)| *is_day).map(|(text, _)| *text).collect();
            let day = days[seed % days.len()];
            let written = if seed / 64 % 2 == 0 { format!("{day:?}") } else { format!("date({day:?})") };
            Literal { value: Value::Date(day.to_owned()), written, param: Some(json!(day)) }
        }
        Type::Datetime => {
            let times: Vec<_> = DATETIMES.iter().filter_map(|(text, utc)| Some((*text, (*utc)?))).collect();
            let (time, utc) = times[seed % times.len()];
            let written = if seed / 64 % 2 == 0 { format!("{time:?}") } else { format!("timestamp({time:?})") };
            Literal { value: Value::Datetime(utc.to_owned()), written, param: Some(json!(time)) }
        }
        Type::Id => {
            let id = records.get(seed % (records.len() + 1)).copied().unwrap_or(super::value::NOBODY);
            Literal { value: Value::Id(id), written: String::new(), param: Some(marker(id)) }
        }
    }
}

fn text(text: &str, seed: usize) -> Literal {
    let written = match seed / 512 % 3 {
        0 => quoted(text, '"', false),
        1 => quoted(text, '\'', false),
        _ => quoted(text, '"', true),
    };
    Literal { value: Value::Text(text.to_owned()), written, param: Some(json!(text)) }
}

/// A string of CEL, with escapes where there must be one, or wherever there can be.
fn quoted(text: &str, quote: char, all: bool) -> String {
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            '\\' => written.push_str("\\\\"),
            c if c == quote => written.extend(['\\', c]),
            c if c.is_control() || all && u32::from(c) < 0x1_0000 => {
                write!(written, "\\u{:04x}", u32::from(c)).expect("memory")
            }
            c if all => write!(written, "\\U{:08X}", u32::from(c)).expect("memory"),
            c => written.push(c),
        }
    }
    written.push(quote);
    written
}

/// The exact number a literal is; beyond all columns, anything beyond them.
fn number(written: &str) -> Value {
    const SCALE: u32 = 20;
    let (mantissa, exponent) =
        written.split_once('e').map_or((written, 0), |(m, e)| (m, e.parse::<i32>().expect("an exponent")));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let units: i128 = format!("{whole}{fraction}").parse().expect("digits");
    let shift = exponent + 20 - i32::try_from(fraction.len()).expect("few digits");
    let power = u32::try_from(shift).ok().and_then(|shift| 10i128.checked_pow(shift));
    let beyond = if units < 0 { i128::MIN } else { i128::MAX };
    Value::Decimal { units: power.and_then(|power| units.checked_mul(power)).unwrap_or(beyond), scale: SCALE }
}
