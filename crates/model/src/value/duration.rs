//! Lengths of time, exact to the microsecond. A day is 24 hours and a week seven days; years and months, which have no
//! one length, are refused.

use std::fmt;

use super::date::digits;

/// A length of time in microseconds; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Duration(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The length of all the years a date can have, either way: no sum with an instant overflows.
const MOST: i64 = 3_652_059 * DAY;

impl Duration {
    /// Reads ISO 8601: `PnW`, `PnD`, `PTnH`, `nM`, `n.nS`, the largest first, each at most once; a `-` in front turns it
    /// around, as in XML Schema. Finer than microseconds is cut.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let rest = rest.strip_prefix('P')?;
        let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
        if time.map_or(date, |time| time).is_empty() {
            return None;
        }
        let date = components(date, &[(b'W', 7 * DAY), (b'D', DAY)])?;
        let time = components(time.unwrap_or_default(), &[(b'H', 3600 * SECOND), (b'M', 60 * SECOND), (b'S', SECOND)])?;
        let total = date.checked_add(time)?;
        Self::from_micros(if negative { -total } else { total })
    }

    /// Reads CEL's own form, that of Go: `168h`, `1h30m`, `-1.5s`, `250ms`. Nothing below a microsecond.
    pub fn parse_cel(text: &str) -> Option<Self> {
        const UNITS: [(&str, i128); 7] = [
            ("ns", 1),
            ("us", 1_000),
            ("µs", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ];
        let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        match rest {
            "0" => return Some(Self(0)),
            "" => return None,
            _ => {}
        }
        let mut nanos: i128 = 0;
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (written, tail) = rest.split_at_checked(number)?;
            let unit_length = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at_checked(unit_length)?;
            let unit = UNITS.iter().find(|(name, _)| *name == unit)?.1;
            let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
            if whole.len() > 20 || fraction.len() > 15 || whole.is_empty() && fraction.is_empty() {
                return None;
            }
            let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
            let part = number(fraction)? * unit;
            let scale = 10i128.pow(u32::try_from(fraction.len()).ok()?);
            if part % scale != 0 {
                return None;
            }
            nanos += number(whole)? * unit + part / scale;
            rest = tail;
        }
        if nanos % 1_000 != 0 {
            return None;
        }
        let micros = i64::try_from(nanos / 1_000).ok()?;
        Self::from_micros(if negative { -micros } else { micros })
    }

    /// A length of at most ten thousand years.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (-MOST..=MOST).contains(&micros).then_some(Self(micros))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Appends the canonical form of XML Schema's `dayTimeDuration` (XSD 1.1, part 2, §3.4.27): days, then hours below
    /// 24, minutes and seconds below 60, none that is zero; `PT0S` for nothing.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        out.push(b'P');
        let micros = self.0.unsigned_abs();
        let (day, second) = (DAY.unsigned_abs(), SECOND.unsigned_abs());
        let mut part = |number: u64, unit: u8| {
            if number != 0 {
                out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                out.push(unit);
            }
        };
        part(micros / day, b'D');
        let within = micros % day;
        if within == 0 {
            if micros == 0 {
                out.extend_from_slice(b"T0S");
            }
            return;
        }
        out.push(b'T');
        let mut part = |number: u64, unit: u8| {
            if number != 0 {
                out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                out.push(unit);
            }
        };
        part(within / (3600 * second), b'H');
        part(within / (60 * second) % 60, b'M');
        let (seconds, fraction) = (within / second % 60, within % second);
        if fraction == 0 {
            part(seconds, b'S');
        } else {
            out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
            out.push(b'.');
            let start = out.len();
            digits(out, i32::try_from(fraction).unwrap_or(0), 6);
            let zeros = out.get(start..).unwrap_or_default().iter().rev().take_while(|digit| **digit == b'0').count();
            out.truncate(out.len() - zeros);
            out.push(b'S');
        }
    }
}

/// The sum of `text`'s components, each a number and its unit, in the order of `units`. Only seconds have a fraction.
fn components(text: &str, units: &[(u8, i64)]) -> Option<i64> {
    let mut units = units.iter();
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let (unit, tail) = tail.split_at_checked(1)?;
        let (unit, size) = units.by_ref().find(|(name, _)| unit.as_bytes() == [*name])?;
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
        if whole.is_empty() || fraction.is_some() && *unit != b'S' {
            return None;
        }
        total = total.checked_add(whole.parse::<i64>().ok()?.checked_mul(*size)?)?;
        total = total.checked_add(fraction.map_or(Some(0), fraction_micros)?)?;
        rest = tail;
    }
    Some(total)
}

/// Microseconds of the one to nine digits behind a second's point.
pub(super) fn fraction_micros(digits: &str) -> Option<i64> {
    if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: String = digits.chars().chain("000000".chars()).take(6).collect();
    micros.parse().ok()
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(24);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_iso_8601() {
        for (text, back) in [
            ("PT0S", "PT0S"),
            ("P0D", "PT0S"),
            ("-PT0S", "PT0S"),
            ("P1W", "P7D"),
            ("PT168H", "P7D"),
            ("P1DT25H", "P2DT1H"),
            ("PT90M", "PT1H30M"),
            ("PT1.5S", "PT1.5S"),
            ("PT0.000001S", "PT0.000001S"),
            ("PT1.0000019S", "PT1.000001S"),
            ("-P1DT2H3M4.5S", "-P1DT2H3M4.5S"),
            ("P3652059D", "P3652059D"),
        ] {
            let duration = Duration::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(duration.to_string(), back, "{text}");
            assert_eq!(Duration::parse(back), Some(duration));
        }
        for bad in [
            "",
            "P",
            "PT",
            "P1DT",
            "-",
            "1D",
            "P1Y",
            "P1M",
            "P1Y2D",
            "PT1S1M",
            "P1D1W",
            "P1D1D",
            "P-1D",
            "P1.5D",
            "PT1.S",
            "PT.5S",
            "p1d",
            "P1H",
            "PT1D",
            "P1D ",
            "+P1D",
            "PT1,5S",
            "P3652060D",
            "P99999999999999999999D",
            "PT1",
            "1h",
            "PTS",
        ] {
            assert_eq!(Duration::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn reads_cel() {
        for (text, iso) in [
            ("168h", "P7D"),
            ("1h30m", "PT1H30M"),
            ("1.5h", "PT1H30M"),
            ("-1.5s", "-PT1.5S"),
            ("250ms", "PT0.25S"),
            ("1us", "PT0.000001S"),
            ("1µs", "PT0.000001S"),
            ("1000ns", "PT0.000001S"),
            (".5s", "PT0.5S"),
            ("0", "PT0S"),
            ("0s", "PT0S"),
        ] {
            assert_eq!(Duration::parse_cel(text), Duration::parse(iso), "{text}");
        }
        for bad in ["", "-", "h", "1", "1d", "1ns", "0.0000001s", "1h ", "P1D", ".s", "1..5s", "100000000000h"] {
            assert_eq!(Duration::parse_cel(bad), None, "{bad:?}");
        }
    }
}
