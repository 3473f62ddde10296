//! The two ways to hash a password, and telling their hashes apart.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use insula_model::problem::{Problem, Result};

use crate::engine::PasswordHasher;

/// bcrypt reads no further, and a password of which only a part counts is a trap.
const MAX_BCRYPT_BYTES: usize = 72;
/// KiB.
const ARGON2_MEMORY: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;
const ARGON2_LANES: u32 = 1;
/// The salts and digests of hashes that nobody's password is held to.
const BCRYPT_DUMMY: &str = "L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
const ARGON2_DUMMY: &str = "vjOTI4eqDAsdGPt2hTzEFA$GzX/QuMyMlu4Ih8PsXoI9Z85mbZ0XEPhnyxz6VVj4hs";

/// How this installation hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::identity) enum Hasher {
    Bcrypt { cost: u32 },
    Argon2id,
}

impl Hasher {
    pub(in crate::identity) const fn new(kind: PasswordHasher, bcrypt_cost: u32) -> Self {
        match kind {
            PasswordHasher::Bcrypt => Self::Bcrypt { cost: bcrypt_cost },
            PasswordHasher::Argon2id => Self::Argon2id,
        }
    }

    /// The most bytes of UTF-8 that count, where not all do.
    pub(in crate::identity) const fn max_bytes(self) -> Option<usize> {
        match self {
            Self::Bcrypt { .. } => Some(MAX_BCRYPT_BYTES),
            Self::Argon2id => None,
        }
    }

    /// What the hashes begin with that are made so.
    fn mark(self) -> String {
        match self {
            Self::Bcrypt { cost } => format!("$2b${cost:02}$"),
            Self::Argon2id => format!("$argon2id$v=19$m={ARGON2_MEMORY},t={ARGON2_PASSES},p={ARGON2_LANES}$"),
        }
    }

    pub(super) fn made(self, stored: &str) -> bool {
        stored.starts_with(&self.mark())
    }

    pub(super) fn fits(self, password: &str) -> bool {
        self.max_bytes().is_none_or(|max| password.len() <= max)
    }

    /// A hash as dear to compare as one of a password.
    pub(super) fn dummy(self) -> String {
        let rest = match self {
            Self::Bcrypt { .. } => BCRYPT_DUMMY,
            Self::Argon2id => ARGON2_DUMMY,
        };
        self.mark() + rest
    }

    pub(super) fn hash(self, password: &str, salt: [u8; 16]) -> Result<String> {
        match self {
            Self::Bcrypt { cost } => {
                bcrypt::hash_with_salt(password, cost, salt).map(|parts| parts.to_string()).map_err(Problem::internal)
            }
            Self::Argon2id => {
                let params =
                    Params::new(ARGON2_MEMORY, ARGON2_PASSES, ARGON2_LANES, None).map_err(Problem::internal)?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let made: PasswordHash =
                    argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(Problem::internal)?;
                Ok(made.to_string())
            }
        }
    }
}

/// Whether `attempt` is the password of `stored`, whichever way that was made.
pub(super) fn verify(attempt: &str, stored: &str) -> Result<bool> {
    if !stored.starts_with("$argon2") {
        let matches = bcrypt::verify(attempt, stored).map_err(Problem::internal)?;
        return Ok(matches && attempt.len() <= MAX_BCRYPT_BYTES);
    }
    let stored = PasswordHash::new(stored).map_err(Problem::internal)?;
    match Argon2::default().verify_password(attempt.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Problem::internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hash_is_known_for_what_it_is() {
        let quick = Hasher::Bcrypt { cost: 4 };
        for hasher in [quick, Hasher::Argon2id] {
            let hash = hasher.hash("three-small-boats-at-sea", [7; 16]).unwrap();
            assert!(verify("three-small-boats-at-sea", &hash).unwrap(), "{hash}");
            assert!(!verify("four-small-boats-at-sea", &hash).unwrap(), "{hash}");
            for other in [quick, Hasher::Bcrypt { cost: 5 }, Hasher::Argon2id] {
                assert_eq!(other.made(&hash), other == hasher, "{other:?} {hash}");
            }
            assert!(!verify("three-small-boats-at-sea", &hasher.dummy()).unwrap());
            assert!(hasher.made(&hasher.dummy()) && hash.len() == hasher.dummy().len(), "{hash}");
        }
    }
}
