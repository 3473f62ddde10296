//! The proof that a request which brings a session's cookie was made by a page that the session was opened in: a browser
//! sends the cookie along whoever asks, and this only a page that was told it. It is bound to the session and lasts as long.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::id::SessionId;
use insula_model::problem::{Code, Problem, Result};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const LABEL: &[u8] = b"insula csrf token v1\0";

/// What a browser brings of a session: the cookie, and what the page says beside it.
#[derive(Clone, Copy)]
pub struct CookieProof<'a> {
    pub refresh_token: &'a str,
    pub csrf_token: Option<&'a str>,
}

pub(super) struct Guard(hmac::Key);

impl Guard {
    pub(super) fn new(secret: &SecretString) -> Self {
        let hash = Sha256::new().chain_update(LABEL).chain_update(secret.expose_secret()).finalize();
        let key = Zeroizing::new(<[u8; 32]>::from(hash));
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
    }

    pub(super) fn token(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, session.uuid().as_bytes()))
    }

    /// In constant time.
    pub(super) fn check(&self, session: SessionId, proof: &CookieProof<'_>) -> Result<()> {
        let told = proof.csrf_token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        let right = told.is_some_and(|tag| hmac::verify(&self.0, session.uuid().as_bytes(), &tag).is_ok());
        let detail = "Send the session's `csrf_token` in `X-CSRF-Token` beside its cookie.";
        if right { Ok(()) } else { Err(Problem::new(Code::Forbidden, detail)) }
    }
}
