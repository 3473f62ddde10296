//! A sign-in whose password was proved and whose second factor was not. What continues it is sealed, holds the epoch the
//! password was proved in, and is good for nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::id::{AccountId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::value::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::Inner;
use crate::identity::account::Epoch;
use crate::identity::opaque::MAX_CHARS;
use crate::identity::session::Keeping;
use crate::identity::token::Realm;

/// How long the code may take.
const GOOD_SECONDS: i64 = 300;

/// What a client gets in place of tokens.
#[derive(Serialize)]
pub struct Challenge {
    mfa_required: Required,
    pub mfa_token: String,
    pub methods: [&'static str; 2],
}

/// Always.
struct Required;

impl Serialize for Required {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// Who has proved his password, for what.
#[derive(Serialize, Deserialize)]
pub(in crate::identity) struct Half {
    account: AccountId,
    tenant: Option<TenantId>,
    pub(in crate::identity) epoch: Epoch,
    pub(in crate::identity) keeping: Keeping,
    /// In microseconds.
    good_until: i64,
}

impl Half {
    pub(in crate::identity) fn new(
        account: AccountId,
        realm: Realm,
        epoch: Epoch,
        keeping: Keeping,
        now: Timestamp,
    ) -> Self {
        let good_until = now.plus_seconds(GOOD_SECONDS).as_micros();
        Self { account, tenant: realm.tenant(), epoch, keeping, good_until }
    }

    pub(in crate::identity) const fn account(&self) -> AccountId {
        self.account
    }

    pub(in crate::identity) fn realm(&self) -> Realm {
        Realm::of(self.tenant)
    }

    /// What its client continues with.
    pub(in crate::identity) fn challenge(&self, engine: &Inner) -> Result<Challenge> {
        let text = serde_json::to_vec(self).map_err(Problem::internal)?;
        let sealed = engine.identity.seals.challenges.seal("", &text, engine.ids.random());
        let sealed = sealed.ok_or_else(|| Problem::internal("sealing failed"))?;
        let mfa_token = URL_SAFE_NO_PAD.encode(sealed);
        Ok(Challenge { mfa_required: Required, mfa_token, methods: ["totp", "recovery_code"] })
    }

    /// `None` of what was never one, or is no more.
    pub(super) fn open(engine: &Inner, token: &str, now: Timestamp) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(Some(token).filter(|token| token.len() <= MAX_CHARS)?).ok()?;
        let text = engine.identity.seals.challenges.open("", &sealed)?;
        let half: Self = serde_json::from_slice(&text).ok()?;
        (now.as_micros() < half.good_until).then_some(half)
    }
}
