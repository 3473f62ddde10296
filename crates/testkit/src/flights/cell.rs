//! How one cell of the files is read: `NA` is no value, and numbers are as R printed them.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use insula_model::value::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

const NONE: &str = "NA";

pub(super) fn text<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<&'de str>, D::Error> {
    Ok(Some(<&str>::deserialize(cell)?).filter(|text| *text != NONE))
}

pub(super) fn number<'de, D, N>(cell: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: FromStr<Err: Display>,
{
    text(cell)?.map(|text| text.parse().map_err(|error| D::Error::custom(format!("{text}: {error}")))).transpose()
}

/// The exact digits of the file.
pub(super) fn decimal<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    text(cell)?.map(|text| plain(text).ok_or_else(|| D::Error::custom(format!("{text} is no decimal")))).transpose()
}

/// Wind in miles per hour was made from whole knots, times 1.15078: five digits after the point are exact, and any
/// beyond them (`10.357019999999999`) are the noise of binary fractions.
pub(super) fn wind<'de, D: Deserializer<'de>>(cell: D) -> Result<Option<String>, D::Error> {
    text(cell)?
        .map(|text| rounded(text, 5).ok_or_else(|| D::Error::custom(format!("{text} is no wind speed"))))
        .transpose()
}

/// R writes a thousand as `1e3`, which is shorter than `1000`. No other form with an exponent is in the files.
fn plain(text: &str) -> Option<Cow<'_, str>> {
    let Some((digits, zeros)) = text.split_once('e') else {
        return Decimal::parse(text).is_ok().then_some(Cow::Borrowed(text));
    };
    let digits: i64 = digits.parse().ok()?;
    let units = digits.checked_mul(10i64.checked_pow(zeros.parse().ok()?)?)?;
    Some(Cow::Owned(units.to_string()))
}

/// Rounds half up; for numbers that are not negative.
fn rounded(text: &str, scale: u8) -> Option<String> {
    let value = Decimal::parse(text).ok().filter(|value| value.units() >= 0)?;
    let cut = 10i64.checked_pow(u32::from(value.scale().saturating_sub(scale)))?;
    let units = value.units().checked_add(cut / 2)? / cut;
    Some(Decimal::new(units, value.scale().min(scale)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals() {
        for (text, expect) in [
            ("1012.3", Some("1012.3")),
            ("-176.646", Some("-176.646")),
            ("54.013333333333335", Some("54.013333333333335")),
            ("1e3", Some("1000")),
            ("1.5e3", None),
            ("1e-3", None),
            ("e3", None),
            ("\\N", None),
            ("", None),
        ] {
            assert_eq!(plain(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn wind_is_rounded_to_what_was_measured() {
        for (text, expect) in [
            ("0", Some("0")),
            ("8.05546", Some("8.05546")),
            ("10.357019999999999", Some("10.35702")),
            ("3.4523399999999995", Some("3.45234")),
            ("1048.36058", Some("1048.36058")),
            ("0.000005", Some("0.00001")),
            ("-1.5", None),
            ("calm", None),
        ] {
            assert_eq!(rounded(text, 5).as_deref(), expect, "{text}");
        }
    }
}
