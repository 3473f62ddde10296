//! Instants in UTC with microseconds: what both stores can hold exactly.

use std::fmt;

use serde::{Serialize, Serializer};

use super::date::{Date, digits};

/// An instant, as microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

const DAY: i64 = 86_400_000_000;
/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// Reads RFC 3339 with an offset or `Z`; finer than microseconds is cut. Years 0001 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, rest) = text.split_at_checked(10)?;
        let (clock, offset) = time_of_day(rest.as_bytes())?;
        let micros = i64::from(Date::parse(day)?.days()) * DAY + clock - offset;
        // A second that was inserted at the end of a day: the one before it, as no clock of ours counts it. Elsewhere
        // there is none.
        let is_inserted = rest.get(7..9) == Some("60");
        let micros = if is_inserted { micros - 1_000_000 } else { micros };
        if is_inserted && micros.rem_euclid(DAY) / 1_000_000 != 86_399 {
            return None;
        }
        (FIRST..=LAST).contains(&micros).then_some(Self(micros))
    }

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant moved by whole seconds (backwards if negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This instant moved by microseconds, if that is one a value can be.
    pub fn checked_add(self, micros: i64) -> Option<Self> {
        let moved = self.0.checked_add(micros)?;
        (FIRST..=LAST).contains(&moved).then_some(Self(moved))
    }

    /// This instant moved by microseconds; beyond what a value can be, an instant that lies before or after all of them.
    #[must_use]
    pub fn reckon(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros).clamp(FIRST - DAY, LAST + DAY))
    }

    /// The day it is in UTC.
    pub fn date(self) -> Date {
        Date::from_days(i32::try_from(self.0.div_euclid(DAY)).unwrap_or(0))
    }

    /// Whole seconds since 1970: the unit of a JWT's `NumericDate` (RFC 7519 §2).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Appends RFC 3339 in UTC; the fraction only where there is one, always six digits.
    pub fn write(self, out: &mut Vec<u8>) {
        let days = i32::try_from(self.0.div_euclid(DAY)).unwrap_or(0);
        let within = self.0.rem_euclid(DAY);
        let part = |n: i64| i32::try_from(n).unwrap_or(0);
        Date::from_days(days).write(out);
        out.push(b'T');
        digits(out, part(within / 3_600_000_000), 2);
        out.push(b':');
        digits(out, part(within / 60_000_000 % 60), 2);
        out.push(b':');
        digits(out, part(within / 1_000_000 % 60), 2);
        let micros = part(within % 1_000_000);
        if micros != 0 {
            out.push(b'.');
            digits(out, micros, 6);
        }
        out.push(b'Z');
    }
}

/// What follows the date in a `date-time` of RFC 3339 §5.6, in microseconds: the time of the day and how far it is ahead of
/// UTC.
fn time_of_day(text: &[u8]) -> Option<(i64, i64)> {
    let (start, mut rest) = text.split_first_chunk::<9>()?;
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = *start else { return None };
    let (hours, minutes, seconds) = (two(h1, h2, 23)?, two(m1, m2, 59)?, two(s1, s2, 60)?);
    let mut micros = (hours * 3600 + minutes * 60 + seconds) * 1_000_000;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let kept = fraction.iter().take(digits).chain(std::iter::repeat(&b'0')).take(6);
        micros += kept.fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
        rest = fraction.get(digits..)?;
    }
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let ahead = (two(h1, h2, 23)? * 3600 + two(m1, m2, 59)? * 60) * 1_000_000;
            if sign == b'+' { ahead } else { -ahead }
        }
        _ => return None,
    };
    Some((micros, offset))
}

/// A number of two digits.
fn two(tens: u8, ones: u8, at_most: i64) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?).filter(|number| *number <= at_most)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(27);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, back) in [
            ("2013-01-01T10:00:00Z", "2013-01-01T10:00:00Z"),
            ("2013-01-01T10:00:00.5+02:00", "2013-01-01T08:00:00.500000Z"),
            ("2013-01-01t10:00:00.123456789z", "2013-01-01T10:00:00.123456Z"),
            ("2013-01-01T10:00:00-00:00", "2013-01-01T10:00:00Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
            ("1899-12-31T23:59:59.0000019Z", "1899-12-31T23:59:59.000001Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2017-01-01T01:29:60.25+01:30", "2016-12-31T23:59:59.250000Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(back));
        }
        for bad in [
            "",
            "2013-01-01",
            "2013-01-01T10:00:00",
            "2013-01-01 10:00:00Z",
            "2013-01-01T10:00:00+00:00[UTC]",
            "2013-02-30T10:00:00Z",
            "2013-01-01T10:00:00+02",
            "2013-01-01T10:00:00+0200",
            "2013-01-01T10:00+00:00",
            "2013-01-01T10:00+00:00:00",
            "2013-01-01T10:00:00+02:00:00",
            "2013-01-01T10:00:00+02:60",
            "2013-01-01T10:00:00+24:00",
            "2013-01-01T10:00:00,5Z",
            "2013-01-01T10:00:00.Z",
            "2013-01-01T10:00:60.5.5Z",
            "2013-01-01T100000Z....",
            "20130101T10:00:00.000Z",
            "+02013-01-01T10:00:00Z",
            "２013-01-01T10:00:00Z",
            "now",
            "2013-01-01T24:00:00Z",
            "2013-01-01T10:60:00Z",
            "2013-01-01T10:00:61Z",
            "2013-01-01T12:00:60Z",
            "2016-12-31T23:59:60+01:00",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad:?}");
        }
    }
}
