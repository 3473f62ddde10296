//! What the stores keep and a copy of them must not tell: sealed with ChaCha20-Poly1305 (RFC 8439).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) const NONCE: usize = 12;

/// A key for one purpose.
pub(crate) struct Seal(ChaCha20Poly1305);

impl Seal {
    /// The key is SHA-256 over a label and the secret. That needs no salt or stretching: the secret is random, not a
    /// password, and the label keeps this key apart from others made of the same secret.
    pub(crate) fn new(label: &'static str, secret: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(label).chain_update([0]).chain_update(secret).finalize();
        let key = Zeroizing::new(<[u8; 32]>::from(digest));
        Self(ChaCha20Poly1305::new((&*key).into()))
    }

    /// `text` behind its nonce, which no two texts share. It opens under `name` only. `None` where it is longer than
    /// the cipher can go.
    pub(crate) fn seal(&self, name: &str, text: &[u8], nonce: [u8; NONCE]) -> Option<Vec<u8>> {
        let payload = Payload { msg: text, aad: name.as_bytes() };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// `None` where it was sealed under another key or name, or is not as it was.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE)?;
        let payload = Payload { msg: text, aad: name.as_bytes() };
        self.0.decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_under_its_label_secret_and_name_only() {
        let seal = Seal::new("label", b"one");
        let sealed = seal.seal("name", b"text", [7; NONCE]).unwrap();
        assert_eq!(seal.open("name", &sealed).as_deref().map(Vec::as_slice), Some(&b"text"[..]));
        for other in [Seal::new("label", b"two"), Seal::new("other", b"one"), Seal::new("labe", b"l\0one")] {
            assert!(other.open("name", &sealed).is_none());
        }
        let mut changed = sealed.clone();
        changed[NONCE] ^= 1;
        for (name, sealed) in [("other", sealed.as_slice()), ("name", &sealed[..8]), ("name", &changed)] {
            assert!(seal.open(name, sealed).is_none(), "{name}");
        }
    }
}
