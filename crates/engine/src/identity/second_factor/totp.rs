//! Codes of an authenticator (RFC 6238 with SHA-1, six digits and steps of thirty seconds, which is what all of them know).

use aws_lc_rs::hmac;
use insula_model::value::Timestamp;
use subtle::ConstantTimeEq as _;

pub(super) const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Steps before and after the present one that are good too: clocks differ, and people take their time.
const WINDOW: i64 = 1;
const DIGITS: usize = 6;

/// The step whose code this is, among those that are good now and come after `used`.
pub(super) fn step_of(secret: &[u8], code: &str, used: i64, now: Timestamp) -> Option<i64> {
    let present = now.as_seconds().div_euclid(STEP_SECONDS);
    let mut found = None;
    for step in present - WINDOW..=present + WINDOW {
        // All are compared, whichever it is.
        if bool::from(code_at(secret, step).as_bytes().ct_eq(code.as_bytes())) && step > used {
            found = Some(step);
        }
    }
    found
}

/// RFC 4226 §5.3.
fn code_at(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 15));
    let part = tag.get(offset..offset + 4).and_then(|part| <[u8; 4]>::try_from(part).ok()).unwrap_or_default();
    let number = u32::from_be_bytes(part) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238, appendix B; the last six of its eight digits.
    #[test]
    fn vectors() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SECRET, seconds / STEP_SECONDS), code, "{seconds}");
        }
    }

    #[test]
    fn a_step_before_and_after_and_none_twice() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let step = 1_111_111_109 / STEP_SECONDS;
        for (seconds, used, expect) in [
            (step * 30, 0, Some(step)),
            (step * 30 - 1, 0, Some(step)),
            (step * 30 - 31, 0, None),
            (step * 30 + 59, 0, Some(step)),
            (step * 30 + 60, 0, None),
            (step * 30, step - 1, Some(step)),
            (step * 30, step, None),
            (step * 30, step + 1, None),
        ] {
            assert_eq!(step_of(SECRET, "081804", used, at(seconds)), expect, "{seconds} {used}");
        }
        for code in ["", "81804", "0818040", "08180a"] {
            assert_eq!(step_of(SECRET, code, 0, at(step * 30)), None, "{code}");
        }
    }
}
