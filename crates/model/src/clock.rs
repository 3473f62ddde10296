//! Time and identifiers as parameters: the two ambient things a test wants to hold still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::value::Timestamp;

/// Where "now" comes from. Clones share the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(at.as_micros()))))
    }

    /// Now, in UTC with microseconds.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(match &self.0 {
            Source::System => system_micros(),
            Source::Set(at) => at.load(Ordering::Relaxed),
        })
    }

    /// Moves a fixed clock forward; a system clock moves by itself and ignores this.
    pub fn advance(&self, seconds: i64) {
        if let Source::Set(at) = &self.0 {
            at.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
fn system_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Makes ids (UUIDv7, RFC 9562 §5.7) and random bytes. Ids of one process strictly ascend, also within a
/// millisecond: the 12 bits of `rand_a` are a counter (method 1 of §6.2), 62 random bits follow.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    last: Arc<AtomicU64>,
}

impl Ids {
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: Arc::default() }
    }

    /// A fresh id; convert into the typed id wanted: `ids.next::<RecordId>()`.
    pub fn next<T: From<Uuid>>(&self) -> T {
        let tick = u64::try_from(self.clock.now().as_micros() / 1000).unwrap_or(0) << 12;
        let next = |last: u64| Some(tick.max(last + 1));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(0);
        let stamp = tick.max(last + 1);
        let random = u64::from_be_bytes(self.random());
        let high = u128::from(stamp >> 12) << 80 | 0x7 << 76 | u128::from(stamp & 0xfff) << 64;
        let low = u128::from(random) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        T::from(Uuid::from_u128(high | low))
    }

    /// A fresh id that tells nothing of when it was made (version 4, RFC 9562 §5.4).
    pub fn unordered<T: From<Uuid>>(&self) -> T {
        T::from(uuid::Builder::from_random_bytes(self.random()).into_uuid())
    }

    /// Bytes from the operating system's generator.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads randomness")]
    #[expect(clippy::panic, reason = "a machine without randomness cannot serve one request safely")]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        if let Err(error) = getrandom::fill(&mut bytes) {
            panic!("the operating system gives no randomness: {error}");
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_within_a_millisecond_and_are_version_7() {
        let ids = Ids::new(Clock::fixed(Timestamp::from_micros(1_700_000_000_000_000)));
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.windows(2).all(|w| w[0] < w[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    }
}
