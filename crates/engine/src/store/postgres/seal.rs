//! Passwords at rest: sealed under the installation's secret key, so that a dump of the platform's database opens
//! nothing.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use insula_model::clock::{Clock, Ids};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store::StoreError;

const NONCE: usize = 12;

pub(super) struct Seal(ChaCha20Poly1305);

impl Seal {
    /// The key is SHA-256 over a label and the secret. That needs no salt or stretching: the secret is a random key, not
    /// a password, and the label keeps this key apart from others made of the same secret.
    pub(super) fn new(secret: &SecretString) -> Self {
        let digest = Sha256::new()
            .chain_update(b"insula/postgres/login-role-password/v1\0")
            .chain_update(secret.expose_secret().as_bytes())
            .finalize();
        let key = Zeroizing::new(<[u8; 32]>::from(digest));
        Self(ChaCha20Poly1305::new((&*key).into()))
    }

    /// A fresh password of 256 bits, and the same sealed for `role`: it opens under that name only.
    pub(super) fn password(&self, role: &str) -> Result<(SecretString, Vec<u8>), StoreError> {
        let ids = Ids::new(Clock::default());
        let password = SecretString::from(hex::encode(Zeroizing::new(ids.random::<32>()).as_slice()));
        let mut sealed = ids.random::<NONCE>().to_vec();
        let nonce = Nonce::clone_from_slice(&sealed);
        let text = Payload { msg: password.expose_secret().as_bytes(), aad: role.as_bytes() };
        sealed.extend(self.0.encrypt(&nonce, text).map_err(|_| StoreError::Other("sealing failed".into()))?);
        Ok((password, sealed))
    }

    pub(super) fn open(&self, role: &str, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let wrong = || {
            StoreError::Other(
                format!(
                    "the secret key does not open the stored password of the database role {role}: \
                     start with the secret key this installation was made with"
                )
                .into(),
            )
        };
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
        let payload = Payload { msg: text, aad: role.as_bytes() };
        let password = self.0.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| wrong())?;
        String::from_utf8(password).map(SecretString::from).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_under_its_key_and_name_only() {
        let seal = Seal::new(&SecretString::from("one"));
        let (password, sealed) = seal.password("role").unwrap();
        assert_eq!(password.expose_secret().len(), 64);
        assert_eq!(seal.open("role", &sealed).unwrap().expose_secret(), password.expose_secret());
        assert!(seal.open("other", &sealed).is_err());
        assert!(seal.open("role", &sealed[..8]).is_err());
        assert!(Seal::new(&SecretString::from("two")).open("role", &sealed).is_err());
    }
}
