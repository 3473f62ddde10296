//! Literals of an expression, and what each is as a value of a column: exactly, or only as a bound.

use std::cmp::Ordering;

use super::check::ExprError;
use super::path::{Column, ColumnKind};
use crate::entity::FieldKind;
use crate::id::parse_uuid;
use crate::value::{ColumnType, Date, Decimal, Duration, Email, MAX_PRECISION, Phone, Time, Timestamp, Url, Value};

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    /// Finite.
    Double(f64),
    Text(String),
    Date(Date),
    Timestamp(Timestamp),
    Duration(Duration),
}

/// Where a literal lies among the values a column can hold.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Place {
    At(Value),
    /// Between this value and the next larger one, equal to neither.
    After(Value),
    AboveAll,
    BelowAll,
}

impl Literal {
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a string",
            Self::Date(_) => "a date",
            Self::Timestamp(_) => "a datetime",
            Self::Duration(_) => "a duration",
        }
    }

    /// The literal as a value of `column`; an error where the types do not meet. Null is not for this function.
    pub(super) fn place(self, column: &Column<'_>) -> Result<Place, ExprError> {
        let name = &column.name;
        Ok(match (column.path.column_type, self) {
            (ColumnType::Bool, Self::Bool(b)) => Place::At(Value::Bool(b)),
            (ColumnType::Int, Self::Int(n)) => Place::At(Value::Int(n)),
            (ColumnType::Int, Self::Double(n)) => Number::from_double(n).among(0, INT_LIMIT, Value::Int),
            (ColumnType::Decimal { scale }, Self::Int(n)) => Number::from(n).among_decimals(scale),
            (ColumnType::Decimal { scale }, Self::Double(n)) => {
                let number = Number::from_double(n);
                if number.mantissa.unsigned_abs() >= 10u128.pow(EXACT_DIGITS) {
                    return Err(ExprError::invalid(format!(
                        "a number compared with `{name}` can have at most {EXACT_DIGITS} digits if it has a point"
                    )));
                }
                number.among_decimals(scale)
            }
            (ColumnType::Text, Self::Text(text)) => Place::At(Value::Text(as_stored(column, text)?)),
            (ColumnType::Uuid, Self::Text(text)) => match parse_uuid(&text) {
                Some(id) => Place::At(Value::Uuid(id)),
                None => {
                    return Err(ExprError::invalid(format!(
                        "`{name}` is {}; compare it with an id such as \"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\"",
                        column.describe()
                    )));
                }
            },
            (ColumnType::Date, Self::Date(date)) => Place::At(Value::Date(date)),
            (ColumnType::Date, Self::Text(text)) => Place::At(Value::Date(date(&text)?)),
            (ColumnType::Time, Self::Text(text)) => Place::At(Value::Time(time(&text)?)),
            (ColumnType::Duration, Self::Duration(duration)) => Place::At(Value::Duration(duration)),
            (ColumnType::Duration, Self::Text(text)) => Place::At(Value::Duration(iso_duration(&text)?)),
            (ColumnType::Timestamp, Self::Timestamp(time)) => Place::At(Value::Timestamp(time)),
            (ColumnType::Timestamp, Self::Text(text)) => Place::At(Value::Timestamp(timestamp(&text)?)),
            (column_type, literal) => {
                return Err(ExprError::invalid(format!(
                    "`{name}` is {}; compare it with {}, not with {}",
                    column.describe(),
                    wanted(column_type),
                    literal.describe()
                )));
            }
        })
    }
}

/// What to write beside a column of this type.
pub(super) const fn wanted(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "`true` or `false`",
        ColumnType::Int | ColumnType::Decimal { .. } => "a number",
        ColumnType::Text => "a string",
        ColumnType::Json => "`null` alone",
        ColumnType::Texts | ColumnType::Uuids => "`null`, or write `\"…\" in` before it",
        ColumnType::Uuid => "an id in quotes",
        ColumnType::Date => "a date such as \"2013-01-31\"",
        ColumnType::Time => "a time such as \"09:30\"",
        ColumnType::Duration => "a duration such as `duration(\"1h30m\")`",
        ColumnType::Timestamp => "a datetime such as \"2013-01-31T09:30:00Z\"",
    }
}

pub(super) fn date(text: &str) -> Result<Date, ExprError> {
    Date::parse(text)
        .ok_or_else(|| ExprError::invalid(format!("{text:?} is not a date; write one such as \"2013-01-31\"")))
}

pub(super) fn timestamp(text: &str) -> Result<Timestamp, ExprError> {
    Timestamp::parse(text).ok_or_else(|| {
        ExprError::invalid(format!("{text:?} is not a datetime; write one such as \"2013-01-31T09:30:00Z\""))
    })
}

fn time(text: &str) -> Result<Time, ExprError> {
    Time::parse(text)
        .ok_or_else(|| ExprError::invalid(format!("{text:?} is not a time of day; write one such as \"09:30\"")))
}

/// A duration as its author would write it into a record.
pub(super) fn iso_duration(text: &str) -> Result<Duration, ExprError> {
    Duration::parse(text).ok_or_else(|| {
        ExprError::invalid(format!(
            "{text:?} is not a duration; write one such as \"PT1H30M\", or `duration(\"1h30m\")`"
        ))
    })
}

/// A duration in CEL's own form.
pub(super) fn duration(text: &str) -> Result<Duration, ExprError> {
    Duration::parse_cel(text).ok_or_else(|| {
        ExprError::invalid(format!("{text:?} is not a duration; write hours, minutes and seconds, such as \"1h30m\""))
    })
}

/// A text as a column of its kind would hold it. A choice can only be one of its options, so any other text is a mistake
/// worth telling; an e-mail address, URL or phone number that is none is still a text that none of them equals.
pub(super) fn as_stored(column: &Column<'_>, text: String) -> Result<String, ExprError> {
    match column.kind {
        ColumnKind::Field(FieldKind::Choice { options } | FieldKind::MultiChoice { options })
            if !options.contains(&text) =>
        {
            let options: Vec<String> = options.iter().map(|option| format!("{option:?}")).collect();
            let message =
                format!("{text:?} is not an option of `{}`; its options are {}", column.name, options.join(", "));
            Err(ExprError::invalid(message))
        }
        ColumnKind::Field(kind) => Ok(in_normal_form(kind, text)),
        ColumnKind::System(_) => Ok(text),
    }
}

/// A text as a field of this type would hold it, if it can.
pub(super) fn in_normal_form(kind: &FieldKind, text: String) -> String {
    match kind {
        FieldKind::Email => Email::parse(&text).map_or(text, Email::into_string),
        FieldKind::Url => Url::parse(&text).map_or(text, Url::into_string),
        FieldKind::Phone => Phone::parse(&text).map_or(text, Phone::into_string),
        _ => text,
    }
}

/// A double gives back any decimal of this many digits unchanged (IEEE 754 binary64); of more, the author's own digits
/// would be lost without a word.
const EXACT_DIGITS: u32 = 15;
/// Beyond any column of integers.
const INT_LIMIT: i128 = 1 << 64;

/// `mantissa × 10^exponent`.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Number {
    mantissa: i128,
    exponent: i32,
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self { mantissa: int.into(), exponent: 0 }
    }
}

impl Number {
    /// The shortest decimal that reads back as `double`.
    fn from_double(double: f64) -> Self {
        let text = format!("{double:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let places = i32::try_from(fraction.len()).unwrap_or(0);
        Self {
            mantissa: format!("{whole}{fraction}").parse().unwrap_or(0),
            exponent: exponent.parse::<i32>().unwrap_or(0) - places,
        }
    }

    /// The number in units of `10^-scale`, rounded down, and whether that is exact; or the side on which it lies beyond
    /// all of magnitude below `limit`.
    fn units(self, scale: u8, limit: i128) -> Result<(i64, bool), Ordering> {
        let beyond = if self.mantissa < 0 { Ordering::Less } else { Ordering::Greater };
        let shift = self.exponent.saturating_add(scale.into());
        let (units, exact) = match 10i128.checked_pow(shift.unsigned_abs()) {
            _ if self.mantissa == 0 => (0, true),
            Some(power) if shift >= 0 => (self.mantissa.checked_mul(power).ok_or(beyond)?, true),
            Some(power) => (self.mantissa.div_euclid(power), self.mantissa.rem_euclid(power) == 0),
            None if shift >= 0 => return Err(beyond),
            None => (if self.mantissa < 0 { -1 } else { 0 }, false),
        };
        if units.abs() >= limit {
            return Err(beyond);
        }
        i64::try_from(units).map(|units| (units, exact)).map_err(|_| beyond)
    }

    fn among(self, scale: u8, limit: i128, value: impl Fn(i64) -> Value) -> Place {
        match self.units(scale, limit) {
            Ok((units, true)) => Place::At(value(units)),
            Ok((units, false)) => Place::After(value(units)),
            Err(Ordering::Less) => Place::BelowAll,
            Err(_) => Place::AboveAll,
        }
    }

    fn among_decimals(self, scale: u8) -> Place {
        let limit = 10i128.pow(MAX_PRECISION.into());
        self.among(scale, limit, |units| Value::Decimal(Decimal::new(units, scale)))
    }
}

/// How two literals of one type compare; nothing where the types do not meet.
pub(super) fn compare(a: &Literal, b: &Literal) -> Option<Ordering> {
    match (a, b) {
        (Literal::Bool(a), Literal::Bool(b)) => Some(a.cmp(b)),
        (Literal::Int(a), Literal::Int(b)) => Some(a.cmp(b)),
        (Literal::Double(a), Literal::Double(b)) => a.partial_cmp(b),
        (Literal::Int(a), Literal::Double(b)) => Some(int_to_double(*a, *b)),
        (Literal::Double(a), Literal::Int(b)) => Some(int_to_double(*b, *a).reverse()),
        (Literal::Text(a), Literal::Text(b)) => Some(a.cmp(b)),
        (Literal::Date(a), Literal::Date(b)) => Some(a.cmp(b)),
        (Literal::Timestamp(a), Literal::Timestamp(b)) => Some(a.cmp(b)),
        (Literal::Duration(a), Literal::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn int_to_double(int: i64, double: f64) -> Ordering {
    match Number::from_double(double).units(0, INT_LIMIT) {
        Ok((floor, exact)) => int.cmp(&floor).then(if exact { Ordering::Equal } else { Ordering::Less }),
        Err(side) => side.reverse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_among_decimals() {
        let at = |units| Place::At(Value::Decimal(Decimal::new(units, 2)));
        let after = |units| Place::After(Value::Decimal(Decimal::new(units, 2)));
        for (double, place) in [
            (1.5, at(150)),
            (0.1, at(10)),
            (-0.1, at(-10)),
            (1.005, after(100)),
            (-1.005, after(-101)),
            (0.001, after(0)),
            (-0.001, after(-1)),
            (1e-300, after(0)),
            (-1e-300, after(-1)),
            (0.0, at(0)),
            (-0.0, at(0)),
            (1e15, at(100_000_000_000_000_000)),
            (1e16, Place::AboveAll),
            (-1e16, Place::BelowAll),
            (1e300, Place::AboveAll),
            (f64::MIN, Place::BelowAll),
            (f64::MIN_POSITIVE, after(0)),
        ] {
            assert_eq!(Number::from_double(double).among_decimals(2), place, "{double}");
        }
    }

    #[test]
    fn integers_against_doubles() {
        for (int, double, order) in [
            (2, 2.0, Ordering::Equal),
            (2, 2.5, Ordering::Less),
            (3, 2.5, Ordering::Greater),
            (-2, -2.5, Ordering::Greater),
            (i64::MAX, 1e19, Ordering::Less),
            (-(1 << 53), -9_007_199_254_740_992.0, Ordering::Equal),
            (i64::MIN, -1e300, Ordering::Greater),
            (0, 1e-300, Ordering::Less),
        ] {
            assert_eq!(int_to_double(int, double), order, "{int} {double}");
        }
    }
}
