//! Times of day, without a date or a zone, with microseconds: what both stores can hold exactly.

use std::fmt;

use super::date::digits;

/// A time of day, as microseconds since midnight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Time {
    /// Reads `HH:MM` or `HH:MM:SS` with a fraction of up to nine digits; finer than microseconds is cut. There is no
    /// `24:00` and no leap second: neither has a place in a day that every clock agrees on.
    pub fn parse(text: &str) -> Option<Self> {
        let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, rest)| (clock, Some(rest)));
        let parts: Vec<i64> = clock.split(':').map(two_digits).collect::<Option<_>>()?;
        let (hour, minute, second) = match (parts.as_slice(), fraction) {
            (&[hour, minute], None) => (hour, minute, 0),
            (&[hour, minute, second], _) => (hour, minute, second),
            _ => return None,
        };
        let micros = fraction.map_or(Some(0), super::duration::fraction_micros)?;
        let good = hour < 24 && minute < 60 && second < 60;
        good.then(|| Self((hour * 3600 + minute * 60 + second) * SECOND + micros))
    }

    /// A time of that many microseconds after midnight, if the day has it.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (0..DAY).contains(&micros).then_some(Self(micros))
    }

    /// Microseconds since midnight.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Appends `HH:MM:SS`; the fraction only where there is one, always six digits.
    pub fn write(self, out: &mut Vec<u8>) {
        let part = |n: i64| i32::try_from(n).unwrap_or(0);
        digits(out, part(self.0 / (3600 * SECOND)), 2);
        out.push(b':');
        digits(out, part(self.0 / (60 * SECOND) % 60), 2);
        out.push(b':');
        digits(out, part(self.0 / SECOND % 60), 2);
        let micros = part(self.0 % SECOND);
        if micros != 0 {
            out.push(b'.');
            digits(out, micros, 6);
        }
    }
}

fn two_digits(text: &str) -> Option<i64> {
    let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(15);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, back) in [
            ("00:00", "00:00:00"),
            ("09:30", "09:30:00"),
            ("09:30:05", "09:30:05"),
            ("23:59:59.999999", "23:59:59.999999"),
            ("23:59:59.9999999", "23:59:59.999999"),
            ("12:00:00.5", "12:00:00.500000"),
        ] {
            let time = Time::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(time.to_string(), back);
            assert_eq!(Time::parse(back), Some(time));
        }
        for bad in [
            "",
            "9:30",
            "09",
            "0930",
            "24:00",
            "23:60",
            "23:59:60",
            "09:30:",
            "09:30:05.",
            "09:30.5",
            "T09:30",
            "09:30Z",
            "09:30:00+01:00",
            " 09:30",
            "+9:30",
            "09:30:00.1234567890",
        ] {
            assert_eq!(Time::parse(bad), None, "{bad:?}");
        }
    }
}
