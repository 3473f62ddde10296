//! What is sent to prove a second factor, and whether it does. Every way counts as a failure until it has succeeded.

use insula_model::id::AccountId;
use insula_model::input::Members;
use insula_model::problem::{Code, Errors};
use insula_model::value::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{recovery, totp};
use crate::engine::Inner;
use crate::store::{StoreError, Tx};

/// Longer ones are looked at no further.
const MAX_CODE: usize = 64;

pub(super) enum Proof {
    Totp(SecretString),
    Recovery(SecretString),
}

impl Proof {
    /// One of `code` and `recovery_code`.
    pub(super) fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<Self> {
        match (members.optional("code").is_some(), members.optional("recovery_code").is_some()) {
            (true, true) => {
                let message = "Give `code` or `recovery_code`, not both.";
                errors.add(members.pointer("recovery_code"), Code::Invalid, message);
                None
            }
            (false, true) => {
                members.text("recovery_code", MAX_CODE, errors).map(|code| Self::Recovery(SecretString::from(code)))
            }
            _ => members.text("code", MAX_CODE, errors).map(|code| Self::Totp(SecretString::from(code))),
        }
    }

    /// Whether it is right; what is, is used up. In a transaction in which the account is locked.
    pub(super) async fn holds(
        &self,
        tx: &mut Tx,
        engine: &Inner,
        account: AccountId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(found) = super::find(tx, engine, account).await?.filter(|found| found.is_confirmed) else {
            return Ok(false);
        };
        match self {
            Self::Totp(code) => {
                let step = totp::step_of(&found.secret, code.expose_secret(), found.used_step, now);
                if let Some(step) = step {
                    super::use_up(tx, account, step).await?;
                }
                Ok(step.is_some())
            }
            Self::Recovery(code) => recovery::use_up(tx, engine, account, code.expose_secret()).await,
        }
    }
}
