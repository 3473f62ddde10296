//! What a store keeps and a dump must not tell: sealed under the installation's secret key.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use insula_model::clock::Ids;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const NONCE: usize = 12;

/// What was sealed cannot be opened: another key or place, or it is no sealed text at all.
#[derive(Debug, thiserror::Error)]
#[error("what is sealed does not open under this secret key")]
pub(crate) struct Unsealable;

pub(crate) struct Seal(ChaCha20Poly1305);

impl Seal {
    /// The key is SHA-256 over a label and the secret. That needs no salt or stretching: the secret is a random key, not
    /// a password, and the label keeps this key apart from others made of the same secret.
    pub(crate) fn new(label: &'static [u8], secret: &SecretString) -> Self {
        let digest = Sha256::new().chain_update(label).chain_update(secret.expose_secret().as_bytes()).finalize();
        let key = Zeroizing::new(<[u8; 32]>::from(digest));
        Self(ChaCha20Poly1305::new((&*key).into()))
    }

    /// `text` sealed for the place `name`: it opens there only.
    pub(crate) fn close(&self, ids: &Ids, name: &[u8], text: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let mut sealed = ids.random::<NONCE>().to_vec();
        let nonce = Nonce::clone_from_slice(&sealed);
        let payload = Payload { msg: text, aad: name };
        sealed.extend(self.0.encrypt(&nonce, payload).map_err(|_| Unsealable)?);
        Ok(sealed)
    }

    pub(crate) fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
        let payload = Payload { msg: text, aad: name };
        self.0.decrypt(Nonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| Unsealable)
    }
}

#[cfg(test)]
mod tests {
    use insula_model::clock::Clock;

    use super::*;

    #[test]
    fn opens_under_its_key_label_and_place_only() {
        let secret = SecretString::from("one");
        let seal = Seal::new(b"label", &secret);
        let sealed = seal.close(&Ids::new(Clock::default()), b"here", b"text").unwrap();
        assert_eq!(*seal.open(b"here", &sealed).unwrap(), b"text");
        assert!(seal.open(b"there", &sealed).is_err());
        assert!(seal.open(b"here", &sealed[..8]).is_err());
        assert!(Seal::new(b"other", &secret).open(b"here", &sealed).is_err());
        assert!(Seal::new(b"label", &SecretString::from("two")).open(b"here", &sealed).is_err());
    }
}
