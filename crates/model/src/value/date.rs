//! Calendar dates (proleptic Gregorian), years 0001 to 9999.

use std::fmt;

use serde::{Serialize, Serializer};

/// A date, as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date(i32);

impl Date {
    /// Reads `YYYY-MM-DD` and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (&[a, b, c, d, b'-', m1, m2, b'-', d1, d2], true) = (bytes.first_chunk::<10>()?, bytes.len() == 10) else {
            return None;
        };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0i32, |n, digit| digit.is_ascii_digit().then(|| n * 10 + i32::from(digit - b'0')))
        };
        let (year, month, day) = (number(&[a, b, c, d])?, number(&[m1, m2])?, number(&[d1, d2])?);
        let year = i16::try_from(year).ok().filter(|y| *y >= 1)?;
        jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(Self(days_from_civil(i32::from(year), month, day)))
    }

    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The date so many days later, if the years 0001 to 9999 have it.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        let (first, last) = (days_from_civil(1, 1, 1), days_from_civil(9999, 12, 31));
        let moved = i64::from(self.0).checked_add(days)?;
        i32::try_from(moved).ok().filter(|moved| (first..=last).contains(moved)).map(Self)
    }

    /// Appends `YYYY-MM-DD`.
    pub fn write(self, out: &mut Vec<u8>) {
        let (year, month, day) = civil_from_days(self.0);
        digits(out, year, 4);
        out.push(b'-');
        digits(out, month, 2);
        out.push(b'-');
        digits(out, day, 2);
    }
}

/// Appends `number` in decimal, padded with zeros to `width`.
pub(super) fn digits(out: &mut Vec<u8>, number: i32, width: u32) {
    for place in (0..width).rev() {
        let digit = number.unsigned_abs() / 10u32.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

/// Days since 1970-01-01 of a civil date (Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`] (ibid., `civil_from_days`).
fn civil_from_days(days: i32) -> (i32, i32, i32) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(10);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_reads_back_and_agrees_with_jiff() {
        let epoch = jiff::civil::date(1970, 1, 1);
        for days in -150_000..150_000 {
            let text = Date::from_days(days).to_string();
            assert_eq!(Date::parse(&text), Some(Date::from_days(days)));
            let civil: jiff::civil::Date = text.parse().unwrap();
            assert_eq!((civil - epoch).get_days(), days);
        }
    }

    #[test]
    fn only_real_dates() {
        for bad in ["", "2013-02-29", "2013-1-1", "2013-13-01", "0000-01-01", "2013-01-01 ", "+013-01-01", "2013/01/01"]
        {
            assert_eq!(Date::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Date::parse("9999-12-31").map(|d| d.to_string()).as_deref(), Some("9999-12-31"));
    }
}
