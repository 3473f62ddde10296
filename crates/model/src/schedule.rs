//! When something is due again and again: cron expressions of five fields (minute, hour, day of the month, month, day of
//! the week), in UTC, as POSIX and Vixie cron read them: where both days are restricted, either will do.

use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::value::Timestamp;

/// A cron expression that can be met.
#[derive(Clone, Debug)]
pub struct Schedule(Cron);

/// The text is no cron expression of five fields.
#[derive(Debug, thiserror::Error)]
#[error("not a schedule: {0}")]
pub struct NoSchedule(String);

impl FromStr for Schedule {
    type Err = NoSchedule;

    fn from_str(text: &str) -> Result<Self, NoSchedule> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        parser.parse(text).map(Self).map_err(|error| NoSchedule(error.to_string()))
    }
}

impl Schedule {
    /// The first time later than `after`; `None` where there is none, as with the 30th of February.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let civil =
            jiff::Timestamp::from_microsecond(after.as_micros()).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let next = self.0.find_next_occurrence(&civil, false).ok()?;
        let next = next.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Timestamp::from_micros(next.as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, from: &str) -> Vec<String> {
        let schedule: Schedule = cron.parse().unwrap();
        let first = Timestamp::parse(from).unwrap();
        let next = |at: &Timestamp| schedule.next_after(*at);
        std::iter::successors(schedule.next_after(first), next).take(3).map(|at| at.to_string()).collect()
    }

    #[test]
    fn the_next_times_lie_across_days_months_and_leap_years() {
        let check = |cron: &str, from: &str, expect: [&str; 3]| {
            assert_eq!(times(cron, from), expect.map(|at| format!("{at}:00Z")), "{cron} after {from}");
        };
        let day = ["2026-03-01T03:17", "2026-03-02T03:17", "2026-03-03T03:17"];
        check("17 3 * * *", "2026-02-28T03:17:00Z", day);
        // Strictly later, by however little.
        check("17 3 * * *", "2026-03-01T03:16:59.999999Z", day);
        check(
            "17 3 * * *",
            "2026-03-01T03:17:00.000001Z",
            ["2026-03-02T03:17", "2026-03-03T03:17", "2026-03-04T03:17"],
        );
        check("*/20 * * * *", "2026-12-31T23:39:00Z", ["2026-12-31T23:40", "2027-01-01T00:00", "2027-01-01T00:20"]);
        check("0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]);
        // 2100 is no leap year.
        check("0 0 29 2 *", "2096-02-29T00:00:00Z", ["2104-02-29T00:00", "2108-02-29T00:00", "2112-02-29T00:00"]);
        check("0 12 28-31 2 *", "2028-02-27T12:00:00Z", ["2028-02-28T12:00", "2028-02-29T12:00", "2029-02-28T12:00"]);
        check("0 0 31 * *", "2026-01-31T00:00:00Z", ["2026-03-31T00:00", "2026-05-31T00:00", "2026-07-31T00:00"]);
        check("30 1 * * 1", "2026-12-27T00:00:00Z", ["2026-12-28T01:30", "2027-01-04T01:30", "2027-01-11T01:30"]);
        check("0 0 1 1 *", "1999-12-31T23:59:59Z", ["2000-01-01T00:00", "2001-01-01T00:00", "2002-01-01T00:00"]);
        // Clocks go forward in much of Europe; UTC knows nothing of it.
        check("30 * * * *", "2026-03-29T00:45:00Z", ["2026-03-29T01:30", "2026-03-29T02:30", "2026-03-29T03:30"]);
        // Either day.
        check("0 0 13 * 5", "2026-11-01T00:00:00Z", ["2026-11-06T00:00", "2026-11-13T00:00", "2026-11-20T00:00"]);
    }

    #[test]
    fn what_is_never_met_has_no_next_time() {
        let schedule: Schedule = "0 0 30 2 *".parse().unwrap();
        assert_eq!(schedule.next_after(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()), None);
    }

    #[test]
    fn only_five_sound_fields_are_a_schedule() {
        for bad in [
            "",
            "* * * *",
            "0 0 3 * * *",
            "0 0 1 1 * 2030",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "a b c d e",
        ] {
            assert!(bad.parse::<Schedule>().is_err(), "{bad}");
        }
    }
}
