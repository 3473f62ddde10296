//! Showing that the authenticator works. From then on it is asked for.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::Value;
use serde::Serialize;

use super::{recovery, totp};
use crate::identity::event::Action;
use crate::identity::logout::{Holder, SignedIn};
use crate::sql::Fixed;

static CONFIRM: Fixed =
    Fixed::new("UPDATE insula.second_factor SET confirmed_at = $1 WHERE account_id = $2 AND confirmed_at IS NULL");

/// Told this once.
#[derive(Serialize)]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// `{code}`. Every other session of the account ends, and what was given out on the password alone: none of them has shown
/// the factor. This one goes on.
pub async fn confirm(who: SignedIn<'_>, body: &Json) -> Result<RecoveryCodes> {
    let holder = who.holder();
    let Holder { engine, account, .. } = holder;
    let code = Members::read(body, |members, errors| members.text("code", 64, errors))?;
    let counted = super::count(engine, account).await?.ok_or_else(wrong)?;
    let now = engine.clock.now();
    let mut tx = super::begin(&holder).await?;
    let found = super::find(&mut tx, engine, account).await?.filter(|found| !found.is_confirmed);
    let Some(step) = found.and_then(|found| totp::step_of(&found.secret, code, found.used_step, now)) else {
        tx.rollback().await?;
        return Err(wrong());
    };
    counted.clear(&mut tx).await?;
    tx.fixed_execute(&CONFIRM, &[&Value::Timestamp(now), &Value::Uuid(account.uuid())]).await?;
    super::use_up(&mut tx, account, step).await?;
    let recovery_codes = recovery::make(&mut tx, engine, account).await?;
    super::conclude(tx, &holder, Action::SecondFactorAdd, now).await?;
    Ok(RecoveryCodes { recovery_codes })
}

pub(super) fn wrong() -> Problem {
    Problem::at("/code".to_owned(), Code::WrongCode, "This code is not good now. Wait for the next.")
}
