//! Counting, pure: what an attempt means for those before it.

use insula_model::value::Timestamp;

use super::{NEVER, WINDOW_SECONDS};

/// The first lock; each that follows lasts twice as long.
const FIRST_LOCK_SECONDS: i64 = 60;
const LONGEST_LOCK_SECONDS: i64 = 3600;
/// After so long without one, the next lock is the first again.
const CALM_SECONDS: i64 = 24 * 3600;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tally {
    pub(super) failures: i64,
    pub(super) since: Timestamp,
    pub(super) locks: i64,
    pub(super) locked_until: Timestamp,
}

pub(super) struct Rule {
    /// How many may fail in a window.
    pub(super) limit: i64,
    pub(super) locks: Locks,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Locks {
    /// What is too much is refused until the window has passed.
    Never,
    /// The last that may fail locks: for a minute, the next time for two, and never for more than an hour.
    Growing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Counted,
    /// Counted, and the first of late that locks.
    FirstLock,
    Refused,
}

impl Tally {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { failures: 0, since: now, locks: 0, locked_until: NEVER }
    }

    pub(super) fn count(&mut self, rule: &Rule, now: Timestamp) -> Verdict {
        if now < self.locked_until {
            return Verdict::Refused;
        }
        let lock_is_over = rule.locks == Locks::Growing && self.failures >= rule.limit;
        if lock_is_over || now >= self.since.plus_seconds(WINDOW_SECONDS) {
            self.failures = 0;
            self.since = now;
        }
        if now >= self.locked_until.plus_seconds(CALM_SECONDS) {
            self.locks = 0;
        }
        if self.failures >= rule.limit {
            return Verdict::Refused;
        }
        self.failures += 1;
        if rule.locks == Locks::Never || self.failures < rule.limit {
            return Verdict::Counted;
        }
        let seconds = FIRST_LOCK_SECONDS << self.locks.clamp(0, 16);
        self.locked_until = now.plus_seconds(seconds.min(LONGEST_LOCK_SECONDS));
        self.locks += 1;
        if self.locks == 1 { Verdict::FirstLock } else { Verdict::Counted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWING: Rule = Rule { limit: 10, locks: Locks::Growing };
    const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn fail(tally: &mut Tally, rule: &Rule, times: usize, now: Timestamp) -> Vec<Verdict> {
        (0..times).map(|_| tally.count(rule, now)).collect()
    }

    #[test]
    fn the_tenth_locks_and_each_lock_is_longer() {
        let (mut tally, mut now) = (Tally::new(START), START);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            let verdicts = fail(&mut tally, &GROWING, 11, now);
            let last = if minutes == 1 { Verdict::FirstLock } else { Verdict::Counted };
            assert_eq!(verdicts[..9], [Verdict::Counted; 9]);
            assert_eq!(verdicts[9..], [last, Verdict::Refused], "{minutes}");
            let end = now.plus_seconds(minutes * 60);
            assert_eq!(tally.count(&GROWING, end.plus_seconds(-1)), Verdict::Refused, "{minutes}");
            assert_eq!(tally.locked_until, end);
            now = end;
        }
        now = now.plus_seconds(CALM_SECONDS);
        assert_eq!(fail(&mut tally, &GROWING, 10, now)[9], Verdict::FirstLock);
        assert_eq!(tally.locked_until, now.plus_seconds(60));
    }

    #[test]
    fn what_failed_long_ago_counts_no_more() {
        let mut tally = Tally::new(START);
        assert_eq!(fail(&mut tally, &GROWING, 9, START), [Verdict::Counted; 9]);
        let later = START.plus_seconds(WINDOW_SECONDS);
        assert_eq!(fail(&mut tally, &GROWING, 9, later), [Verdict::Counted; 9]);
        assert_eq!(tally.count(&GROWING, later.plus_seconds(WINDOW_SECONDS - 1)), Verdict::FirstLock);
    }

    #[test]
    fn a_place_is_refused_until_its_window_has_passed() {
        let rule = Rule { limit: 3, locks: Locks::Never };
        let mut tally = Tally::new(START);
        assert_eq!(fail(&mut tally, &rule, 3, START), [Verdict::Counted; 3]);
        assert_eq!(tally.count(&rule, START.plus_seconds(WINDOW_SECONDS - 1)), Verdict::Refused);
        tally.failures -= 1;
        assert_eq!(tally.count(&rule, START), Verdict::Counted);
        assert_eq!(tally.count(&rule, START.plus_seconds(WINDOW_SECONDS)), Verdict::Counted);
    }
}
