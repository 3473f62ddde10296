//! What rows are found by that must not tell whom they are about: keyed hashes, which nobody without the secret key can
//! make of a guess.

use aws_lc_rs::hmac;
use insula_model::value::Value;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What the key is derived under.
const KEY_TAG: &[u8] = b"insula fingerprint v1\0";

pub(super) struct Fingerprints(hmac::Key);

/// What a fingerprint is taken of: those of different kinds never meet.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    ForgottenPassword,
    ChangedPassword,
    LockedAccount,
    /// The address a sign-in names.
    SignInName,
    SignInDevice,
    /// Where a sign-in comes from.
    SignInPlace,
    /// Whose present password was asked for.
    OwnPassword,
    /// Whose code of an authenticator was asked for.
    SecondFactor,
    RecoveryCode,
}

impl Kind {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::ForgottenPassword => b"forgotten password\0",
            Self::ChangedPassword => b"changed password\0",
            Self::LockedAccount => b"locked account\0",
            Self::SignInName => b"sign-in name\0",
            Self::SignInDevice => b"sign-in device\0",
            Self::SignInPlace => b"sign-in place\0",
            Self::OwnPassword => b"own password\0",
            Self::SecondFactor => b"second factor\0",
            Self::RecoveryCode => b"recovery code\0",
        }
    }
}

impl Fingerprints {
    pub(super) fn new(secret: &SecretString) -> Self {
        let key = Sha256::new().chain_update(KEY_TAG).chain_update(secret.expose_secret()).finalize();
        let key = Zeroizing::new(<[u8; 32]>::from(key));
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
    }

    pub(super) fn of(&self, kind: Kind, what: &[u8]) -> Value {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(kind.tag());
        context.update(what);
        Value::Bytes(context.sign().as_ref().to_vec())
    }
}
