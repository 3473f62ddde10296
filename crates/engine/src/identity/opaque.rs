//! Tokens that say nothing by themselves: 256 random bits, of which the store keeps the hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::value::Value;
use sha2::{Digest, Sha256};

use crate::engine::Inner;

/// Longer ones are looked at no further: none of ours.
pub(super) const MAX_CHARS: usize = 512;

/// A token that was just made: what the client gets, and what the store keeps.
pub(super) struct OpaqueToken {
    pub(super) text: String,
    pub(super) hash: Value,
}

impl OpaqueToken {
    pub(super) fn fresh(engine: &Inner) -> Self {
        let text = URL_SAFE_NO_PAD.encode(engine.ids.random::<32>());
        Self { hash: hash(&text), text }
    }
}

/// What the store knows a token by (A4): a dump of it opens nothing.
pub(super) fn hash(token: &str) -> Value {
    Value::Bytes(Sha256::digest(token).to_vec())
}
