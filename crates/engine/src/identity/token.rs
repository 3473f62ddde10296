//! Access tokens: JWTs (RFC 7519) in the profile of RFC 9068, signed with HMAC-SHA256 or Ed25519 (requirements A1, A2).
//!
//! A token's header is never parsed. That of a key is always the same text, so whatever differs from it by one byte
//! (another algorithm, `crit`, `jku`, a `kid` of one's own, members in another order) is not ours. Times are checked
//! against our own clock.

mod key;

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::value::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use self::key::{Key, Secret};

/// Issuer and audience: an installation serves itself alone.
const SELF: &str = "insula";
/// A `jti` is 128 random bits in hex.
const JTI_LENGTH: usize = 32;
/// Far above any token of ours; nothing longer is looked at.
const MAX_LENGTH: usize = 1024;
/// Bytes a signature is decoded into: at most 64, and what the decoder asks for beyond.
const SIGNATURE_ROOM: usize = 68;
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

/// Makes and verifies access tokens.
pub(super) struct Signer {
    /// The newest first. Replaced as a whole, so that no verification waits.
    keys: ArcSwap<Vec<Key>>,
}

/// Why a token is not good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    /// It may be another node's, of a key this one has not heard of.
    UnknownKey,
    Bad,
}

impl Signer {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self { keys: ArcSwap::from_pointee(keys) }
    }

    /// Goes over to these keys, newest first. What is held already stays as it is, with what it remembers.
    pub(super) fn hold(&self, keys: Vec<Key>) {
        let held = self.keys.load();
        let same = |(one, other): (&Key, &Key)| one.header == other.header && one.signs_at() == other.signs_at();
        if held.len() != keys.len() || !held.iter().zip(&keys).all(same) {
            self.keys.store(Arc::new(keys));
        }
    }

    /// A token good for `seconds` from `now`.
    pub(super) fn issue(&self, subject: Subject, jti: [u8; 16], now: Timestamp, seconds: i64) -> Result<String> {
        let keys = self.keys.load();
        let key = keys.iter().find(|key| key.signs_at() <= now).or(keys.last());
        let key = key.ok_or_else(|| Problem::internal("there is no key to sign with"))?;
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
        let message = format!("{}.{}", key.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = key.sign(message.as_bytes());
        Ok(format!("{message}.{signature}"))
    }

    /// What `token` says, if it is ours and its time is now.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Subject, Unfit> {
        if token.len() > MAX_LENGTH {
            return Err(Unfit::Bad);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Unfit::Bad)?;
        let (header, claims) = message.split_once('.').ok_or(Unfit::Bad)?;
        let keys = self.keys.load();
        let Some(key) = keys.iter().find(|key| key.header == header) else {
            return Err(if key::may_be_ours(header) { Unfit::UnknownKey } else { Unfit::Bad });
        };
        let mut room = [0; SIGNATURE_ROOM];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut room).map_err(|_| Unfit::Bad)?;
        let signature = room.get(..length).ok_or(Unfit::Bad)?;
        if !key.verifies(message, signature, token) {
            return Err(Unfit::Bad);
        }
        read(claims, now).ok_or(Unfit::Bad)
    }
}

/// What rightly signed claims say, if their time is now.
fn read(claims: &str, now: Timestamp) -> Option<Subject> {
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

#[cfg(test)]
mod tests;
