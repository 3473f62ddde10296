//! How a key is written: `isk_`, 240 random bits in base 32, and a check over those, so that a scanner for secrets knows
//! one when it sees it and nobody asks the store about a misspelling.

use flate2::Crc;
use sha2::{Digest, Sha256};

use crate::engine::Inner;
use crate::identity::base32;

const MARK: &str = "isk_";
const RANDOM_BYTES: usize = 30;
/// Characters of the random part, and of the check.
const BODY: usize = RANDOM_BYTES * 8 / 5;
const CHECK: usize = 7;
/// Characters a key is shown by: what is left out are 200 bits.
const SHOWN: usize = MARK.len() + 8;

/// SHA-256 of a key: what it is found by. Nobody can choose one, so that how long a look-up takes tells nothing.
pub(in crate::identity) type KeyHash = [u8; 32];

/// A key that was just made.
pub(super) struct Secret {
    pub(super) text: String,
}

impl Secret {
    pub(super) fn fresh(engine: &Inner) -> Self {
        let body = base32::encode(&engine.ids.random::<RANDOM_BYTES>());
        Self { text: format!("{MARK}{body}{}", check(&body)) }
    }

    pub(super) fn prefix(&self) -> &str {
        self.text.get(..SHOWN).unwrap_or_default()
    }

    pub(super) fn hash(&self) -> KeyHash {
        Sha256::digest(&self.text).into()
    }
}

/// Whether a bearer token means to be a key.
pub(in crate::identity) fn is_meant(bearer: &str) -> bool {
    bearer.starts_with(MARK)
}

/// What a key is found by; `None` of what was never one.
pub(super) fn hash_of(bearer: &str) -> Option<KeyHash> {
    let (body, found) = bearer.strip_prefix(MARK)?.split_at_checked(BODY)?;
    (found.len() == CHECK && found == check(body)).then(|| Sha256::digest(bearer).into())
}

fn check(body: &str) -> String {
    let mut crc = Crc::new();
    crc.update(body.as_bytes());
    base32::encode(&crc.sum().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_none() {
        let body = base32::encode(&[7; RANDOM_BYTES]);
        let key = format!("{MARK}{body}{}", check(&body));
        assert_eq!(key.len(), MARK.len() + BODY + CHECK);
        assert!(is_meant(&key) && hash_of(&key).is_some());
        for other in [
            key.replacen("a4", "a5", 1),
            key[..key.len() - 1].to_owned(),
            format!("{key}a"),
            key.to_uppercase(),
            key.replace(MARK, "isk-"),
            MARK.to_owned(),
            format!("{MARK}{}", "ä".repeat(40)),
            String::new(),
        ] {
            assert!(other != key && hash_of(&other).is_none(), "{other}");
        }
    }
}
