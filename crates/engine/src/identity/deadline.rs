//! When a refusal is given (requirements B6, B7): a fixed time after it was asked for, whether or not a password was
//! looked at, so that the time it took tells nothing.

use std::time::Duration;

use tokio::time::Instant;

/// Resolves a whole number of `pauses` after `begun`: the first of them that is yet to come.
pub(super) async fn after(begun: Instant, pause: Duration) {
    let mut end = begun + pause;
    // More than one only where hashing had to wait for other hashing.
    while end < Instant::now() {
        end += pause.max(Duration::from_millis(1));
    }
    tokio::time::sleep_until(end).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_took_less_or_more_ends_at_the_same_beat() {
        let pause = Duration::from_millis(40);
        for (took, beats) in [(0, 1), (39, 1), (41, 2), (100, 3)] {
            let now = Instant::now();
            let begun = now - Duration::from_millis(took);
            after(begun, pause).await;
            let end = begun + pause * beats;
            assert!(Instant::now() >= end, "{took}");
        }
    }
}
