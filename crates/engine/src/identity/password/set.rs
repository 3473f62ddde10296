//! The end of every way to another password: it is in force, tokens that were mailed are not, sessions end, and it is
//! told in the trails and to the account's owner.

use insula_model::id::AccountId;
use insula_model::problem::Result;
use insula_model::value::Value;

use crate::engine::{Inner, Origin};
use crate::identity::event::Action;
use crate::identity::fingerprint::Kind;
use crate::identity::session::{self, Closing, EndReason, Ending};
use crate::identity::{account, device};
use crate::mail::{self, Letter};
use crate::sql::Fixed;
use crate::store::Tx;

static REMEMBER: Fixed = Fixed::new(
    "INSERT INTO insula.password_history (account_id, set_at, password_hash) \
     SELECT id, COALESCE(password_set_at, created_at), password_hash FROM insula.account WHERE id = $1 \
     ON CONFLICT DO NOTHING",
);
static FORGET_PAST: Fixed = Fixed::new(
    "DELETE FROM insula.password_history WHERE account_id = $1 AND set_at NOT IN \
     (SELECT set_at FROM insula.password_history WHERE account_id = $1 ORDER BY set_at DESC LIMIT $2)",
);
static FORGET_RESET: Fixed = Fixed::new("DELETE FROM insula.password_reset WHERE account_id = $1");

/// Whose password is set, and how that came.
pub(super) struct Setting<'a> {
    pub(super) account: AccountId,
    pub(super) email: &'a str,
    pub(super) action: Action,
    /// The sessions that were opened with the password before.
    pub(super) ending: Ending,
    /// How many passwords are remembered, this one included.
    pub(super) history: i64,
}

/// Ends `tx`, in which the account is locked.
pub(super) async fn set(
    mut tx: Tx,
    engine: &Inner,
    origin: &Origin,
    setting: &Setting<'_>,
    hash: String,
) -> Result<()> {
    let Setting { account, email, action, ending, history } = *setting;
    let now = engine.clock.now();
    let id = Value::Uuid(account.uuid());
    if history > 1 {
        tx.fixed_execute(&REMEMBER, &[&id]).await?;
    }
    tx.fixed_execute(&FORGET_PAST, &[&id, &Value::Int((history - 1).max(0))]).await?;
    account::set_password(&mut tx, account, hash, now).await?;
    tx.fixed_execute(&FORGET_RESET, &[&id]).await?;
    device::forget(&mut tx, account).await?;
    account::raise_epoch(&mut tx, account).await?;
    if let Ending::Others(_, session) = ending {
        session::renew(&mut tx, session).await?;
    }
    let subject = engine.identity.fingerprints.of(Kind::ChangedPassword, account.uuid().as_bytes());
    mail::put(&mut tx, engine, subject, &Letter::PasswordChanged { account }).await?;
    let tenants = account::tenants(&mut tx, account).await?;
    let (which, reason) = (ending, EndReason::Password);
    session::close(tx, engine, origin, now, Closing { which, reason, action, account, email, tenant: None, tenants })
        .await
}
