//! Doing without the second factor again, by whoever still has it.

use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::value::Value;

use super::confirm::wrong;
use super::proof::Proof;
use crate::identity::event::Action;
use crate::identity::logout::{Holder, SignedIn};
use crate::sql::Fixed;

static REMOVE: Fixed = Fixed::new("DELETE FROM insula.second_factor WHERE account_id = $1");

/// `{code}` or `{recovery_code}`. Every other session of the account ends, as when its password changes.
pub async fn remove(who: SignedIn<'_>, body: &Json) -> Result<()> {
    let holder = who.holder();
    let Holder { engine, account, .. } = holder;
    let proof = Members::read(body, Proof::read)?;
    let counted = super::count(engine, account).await?.ok_or_else(wrong)?;
    let now = engine.clock.now();
    let mut tx = super::begin(&holder).await?;
    if !proof.holds(&mut tx, engine, account, now).await? {
        tx.rollback().await?;
        return Err(wrong());
    }
    counted.clear(&mut tx).await?;
    tx.fixed_execute(&REMOVE, &[&Value::Uuid(account.uuid())]).await?;
    super::conclude(tx, &holder, Action::SecondFactorRemove, now).await
}
