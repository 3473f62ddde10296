//! One key that access tokens are signed with. Which algorithm it is for is pinned to it (RFC 8725 §3.1): nothing a token
//! says has a part in that.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::value::Timestamp;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::engine::TokenAlgorithm;

/// What the key of an installation without others is derived under, so that no other use of the secret can make a token.
const DERIVED_TAG: &[u8] = b"insula access token HS256 v1\0";
/// Hex digits of a key's name.
const NAME_LENGTH: usize = 16;
/// The longest header of ours, encoded, is shorter.
const MAX_HEADER: usize = 128;
/// Tokens whose Ed25519 signature is known to be right.
const VERIFIED: usize = 10_000;

/// The bytes a key is made of.
pub(in crate::identity) type Secret = Zeroizing<[u8; 32]>;

pub(in crate::identity) struct Key {
    name: String,
    /// The first part of every token of this key.
    pub(super) header: String,
    secret: Secret,
    method: Method,
    signs_at: Timestamp,
}

enum Method {
    /// Made ready once: half of what a short HMAC costs is its key.
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519>),
}

struct Ed25519 {
    pair: Ed25519KeyPair,
    public: ParsedPublicKey,
    /// By the hash of the whole token. What it says is read and its time checked every time.
    verified: Cache<[u8; 32], ()>,
}

impl Key {
    /// `None` where the algorithm can make nothing of the secret.
    pub(in crate::identity) fn new(algorithm: TokenAlgorithm, secret: Secret, signs_at: Timestamp) -> Option<Self> {
        let name = name(&secret);
        let method = match algorithm {
            TokenAlgorithm::Hs256 => Method::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()))),
            TokenAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(secret.as_slice()).ok()?;
                let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref()).ok()?;
                Method::Ed25519(Box::new(Ed25519 { pair, public, verified: Cache::new(VERIFIED) }))
            }
        };
        let header = URL_SAFE_NO_PAD.encode(header(algorithm, &name));
        Some(Self { name, header, secret, method, signs_at })
    }

    /// The key of an installation that has no others: every node derives the same.
    pub(in crate::identity) fn derived(secret: &SecretString) -> Option<Self> {
        let hash = Sha256::new().chain_update(DERIVED_TAG).chain_update(secret.expose_secret());
        Self::new(TokenAlgorithm::Hs256, Zeroizing::new(hash.finalize().into()), Timestamp::from_micros(0))
    }

    pub(in crate::identity) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::identity) const fn algorithm(&self) -> TokenAlgorithm {
        match self.method {
            Method::Hmac(_) => TokenAlgorithm::Hs256,
            Method::Ed25519(_) => TokenAlgorithm::EdDsa,
        }
    }

    pub(in crate::identity) fn secret(&self) -> &[u8] {
        self.secret.as_slice()
    }

    /// From when on it signs, until another does.
    pub(in crate::identity) const fn signs_at(&self) -> Timestamp {
        self.signs_at
    }

    /// What others could verify with.
    #[cfg(test)]
    pub(super) fn public(&self) -> Option<[u8; 32]> {
        match &self.method {
            Method::Hmac(_) => None,
            Method::Ed25519(key) => key.pair.public_key().as_ref().try_into().ok(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> String {
        match &self.method {
            Method::Hmac(key) => URL_SAFE_NO_PAD.encode(hmac::sign(key, message)),
            Method::Ed25519(key) => URL_SAFE_NO_PAD.encode(key.pair.sign(message)),
        }
    }

    /// Whether `signature` is this key's under `message`; the two make up `token`.
    pub(super) fn verifies(&self, message: &str, signature: &[u8], token: &str) -> bool {
        match &self.method {
            Method::Hmac(key) => hmac::verify(key, message.as_bytes(), signature).is_ok(),
            Method::Ed25519(key) => {
                let hash: [u8; 32] = Sha256::digest(token).into();
                if key.verified.get(&hash).is_some() {
                    return true;
                }
                let right = key.public.verify_sig(message.as_bytes(), signature).is_ok();
                if right {
                    key.verified.insert(hash, ());
                }
                right
            }
        }
    }
}

/// Names a key without telling anything of it.
fn name(secret: &Secret) -> String {
    let hash = Sha256::new().chain_update(b"insula key name\0").chain_update(secret.as_slice()).finalize();
    hex::encode(hash.first_chunk::<{ NAME_LENGTH / 2 }>().unwrap_or(&[0; NAME_LENGTH / 2]))
}

fn header(algorithm: TokenAlgorithm, name: &str) -> String {
    format!("{{\"typ\":\"at+jwt\",\"alg\":\"{}\",\"kid\":\"{name}\"}}", algorithm.name())
}

/// Whether the first part of a token is what a key of ours would have written, if there is such a key.
pub(super) fn may_be_ours(encoded: &str) -> bool {
    if encoded.len() > MAX_HEADER {
        return false;
    }
    let decoded = URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default();
    let text = std::str::from_utf8(&decoded).unwrap_or_default();
    let name = text.strip_suffix("\"}").and_then(|text| text.get(text.len().saturating_sub(NAME_LENGTH)..));
    let is_name = |name: &&str| name.len() == NAME_LENGTH && name.bytes().all(|b| b"0123456789abcdef".contains(&b));
    name.filter(is_name).is_some_and(|name| TokenAlgorithm::ALL.iter().any(|one| header(*one, name) == text))
}
