//! Instants in UTC with microseconds: what both stores can hold exactly.

use std::fmt;

use serde::{Serialize, Serializer};

use super::date::{Date, digits};

/// An instant, as microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

const DAY: i64 = 86_400_000_000;
/// 0001-01-01T00:00:00Z; the other end is jiff's, the evening of 9999-12-30.
const FIRST: i64 = -62_135_596_800_000_000;

impl Timestamp {
    /// Reads RFC 3339 with an offset or `Z`; finer than microseconds is cut. Years 0001 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        // jiff also reads shapes RFC 3339 does not know: a space, a bracketed zone, a short offset, a decimal comma.
        if !has_shape(text.as_bytes()) {
            return None;
        }
        let instant: jiff::Timestamp = text.parse().ok()?;
        // Cut towards the past, before 1970 too.
        let micros = i64::try_from(instant.as_nanosecond().div_euclid(1_000)).ok()?;
        Some(micros).filter(|micros| *micros >= FIRST).map(Self)
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
        (FIRST..=jiff::Timestamp::MAX.as_microsecond()).contains(&moved).then_some(Self(moved))
    }

    /// This instant moved by microseconds; beyond what a value can be, an instant that lies before or after all of them.
    #[must_use]
    pub fn reckon(self, micros: i64) -> Self {
        let last = jiff::Timestamp::MAX.as_microsecond();
        Self(self.0.saturating_add(micros).clamp(FIRST - DAY, last + DAY))
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

/// Whether the text is a `date-time` by the grammar of RFC 3339 §5.6. That the date exists is not looked at.
fn has_shape(text: &[u8]) -> bool {
    let fits = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte.eq_ignore_ascii_case(other),
            })
    };
    let Some((start, mut rest)) = text.split_at_checked(19) else { return false };
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = fraction.get(digits..).unwrap_or_default();
        if digits == 0 {
            return false;
        }
    }
    let is_offset = match rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', offset @ ..] => {
            fits(offset, b"00:00") && offset.get(..2) < Some(b"24") && offset.get(3..) < Some(b"60")
        }
        _ => false,
    };
    is_offset && fits(start, b"0000-00-00T00:00:00")
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
            ("9999-12-30T21:59:59.999999Z", "9999-12-30T21:59:59.999999Z"),
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
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad:?}");
        }
    }
}
