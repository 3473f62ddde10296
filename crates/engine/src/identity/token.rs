//! Access tokens: JWTs (RFC 7519) in the profile of RFC 9068, signed with HMAC-SHA256 (requirements A1, A2).
//!
//! A token's header is never parsed. Ours is always the same text, so whatever differs from it by one byte (another
//! algorithm, `crit`, `jku`, a `kid` of one's own, members in another order) is not ours. Times are checked against
//! our own clock.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::value::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Issuer and audience: an installation serves itself alone.
const SELF: &str = "insula";
/// What the key is derived under, so that no other use of the secret can make a token.
const KEY_TAG: &[u8] = b"insula access token HS256 v1\0";
/// A `jti` is 128 random bits in hex.
const JTI_LENGTH: usize = 32;
/// Far above any token of ours; nothing longer is looked at.
const MAX_LENGTH: usize = 1024;
/// Bytes a signature is decoded into: 32, and what the decoder asks for beyond.
const SIGNATURE_ROOM: usize = 36;
/// Nodes' clocks may differ by this much before a token fresh from one is "not yet valid" at another. Ends have none.
const NOT_BEFORE_LEEWAY_SECONDS: i64 = 5;

/// What a token says, once verified. It holds no roles: they are looked up, so that a change bites at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subject {
    pub(super) account: AccountId,
    pub(super) realm: Realm,
    pub(super) session: SessionId,
}

/// What a sign-in is for: one tenant, or the platform and none. Neither is ever good for the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Realm {
    Tenant(TenantId),
    Platform,
}

impl Realm {
    pub(super) fn of(tenant: Option<TenantId>) -> Self {
        tenant.map_or(Self::Platform, Self::Tenant)
    }

    pub(super) const fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Platform => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: AccountId,
    /// Absent from a token for the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tid: Option<TenantId>,
    sid: SessionId,
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Makes and verifies access tokens with one key.
pub(super) struct Signer {
    /// The first part of every token.
    header: String,
    /// Made ready once: half of what a short HMAC costs is its key.
    key: hmac::Key,
}

impl Signer {
    pub(super) fn new(secret: &SecretString) -> Self {
        let key = derive(secret);
        // Names the key without telling anything of it.
        let name = Sha256::new().chain_update(b"insula key name\0").chain_update(key.as_slice()).finalize();
        let name = hex::encode(name.first_chunk::<8>().unwrap_or(&[0; 8]));
        let header = format!("{{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"{name}\"}}");
        Self { header: URL_SAFE_NO_PAD.encode(header), key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()) }
    }

    /// A token good for `seconds` from `now`.
    pub(super) fn issue(&self, subject: Subject, jti: [u8; 16], now: Timestamp, seconds: i64) -> Result<String> {
        let iat = now.as_seconds();
        let claims = Claims {
            iss: SELF,
            aud: SELF,
            sub: subject.account,
            tid: subject.realm.tenant(),
            sid: subject.session,
            jti: &hex::encode(jti),
            iat,
            nbf: iat,
            exp: iat.saturating_add(seconds),
        };
        let claims = serde_json::to_vec(&claims).map_err(Problem::internal)?;
        let message = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = hmac::sign(&self.key, message.as_bytes());
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// What `token` says, if it is ours and its time is now.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<Subject> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        if header != self.header {
            return None;
        }
        let mut tag = [0; SIGNATURE_ROOM];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut tag).ok()?;
        hmac::verify(&self.key, message.as_bytes(), tag.get(..length)?).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Claims<'_> = serde_json::from_slice(&claims).ok()?;
        let now = now.as_seconds();
        let good = claims.iss == SELF
            && claims.aud == SELF
            && claims.jti.len() == JTI_LENGTH
            && claims.nbf.max(claims.iat) <= now.saturating_add(NOT_BEFORE_LEEWAY_SECONDS)
            && now < claims.exp;
        good.then_some(Subject { account: claims.sub, realm: Realm::of(claims.tid), session: claims.sid })
    }
}

fn derive(secret: &SecretString) -> Zeroizing<[u8; 32]> {
    let hash = Sha256::new().chain_update(KEY_TAG).chain_update(secret.expose_secret());
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
mod tests;
