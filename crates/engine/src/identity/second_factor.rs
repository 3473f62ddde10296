//! The second factor of a sign-in (requirement B8): codes of an authenticator, each good once, and codes for the day that
//! is lost. What is told of one is told to whoever has proved the password.

pub(super) mod challenge;
mod confirm;
mod enrol;
mod proof;
mod recovery;
mod remove;
mod totp;
pub(super) mod verify;

use insula_model::id::AccountId;
use insula_model::problem::{Problem, Result};
use insula_model::value::{Timestamp, Value};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

pub use confirm::{RecoveryCodes, confirm};
pub use enrol::{Enrolment, enrol};
pub use remove::remove;

use super::account;
use super::event::Action;
use super::fingerprint::Kind;
use super::lockout::{self, Counted, Entry, Subjects};
use super::logout::Holder;
use super::session::{self, Closing, EndReason, Ending};
use crate::engine::Inner;
use crate::seal::Seal;
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static IS_SET: Fixed =
    Fixed::new("SELECT 1 FROM insula.second_factor WHERE account_id = $1 AND confirmed_at IS NOT NULL");
static FIND: Fixed =
    Fixed::new("SELECT secret_sealed, confirmed_at, used_step FROM insula.second_factor WHERE account_id = $1");
static USE: Fixed = Fixed::new("UPDATE insula.second_factor SET used_step = $1 WHERE account_id = $2");

/// Seals what the store keeps of authenticators, and what a sign-in that is half done is continued with.
pub(super) struct Seals {
    secrets: Seal,
    challenges: Seal,
}

impl Seals {
    pub(super) fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        Self {
            secrets: Seal::new("insula/totp-secret/v1", secret),
            challenges: Seal::new("insula/mfa-token/v1", secret),
        }
    }
}

/// An authenticator as the store has it.
struct Authenticator {
    secret: Zeroizing<Vec<u8>>,
    is_confirmed: bool,
    used_step: i64,
}

/// Whether the account asks for a second factor.
pub(super) async fn is_set(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    Ok(!tx.fixed(&IS_SET, &[&Value::Uuid(account.uuid())]).await?.is_empty())
}

async fn find(tx: &mut Tx, engine: &Inner, account: AccountId) -> Result<Option<Authenticator>, StoreError> {
    let rows = tx.fixed(&FIND, &[&Value::Uuid(account.uuid())]).await?;
    rows.first().map(|row| read(engine, account, row)).transpose()
}

fn read(engine: &Inner, account: AccountId, row: &Row) -> Result<Authenticator, StoreError> {
    let opened = engine.identity.seals.secrets.open(&account.to_string(), row.bytes(0)?);
    let secret = opened.ok_or_else(|| StoreError::Other("the secret key does not open an authenticator's".into()))?;
    Ok(Authenticator { secret, is_confirmed: !row.is_null(1), used_step: row.int(2)? })
}

/// Counts an attempt at the account's second factor; `None` where it is locked.
async fn count(engine: &Inner, account: AccountId) -> Result<Option<Counted>> {
    let account = engine.identity.fingerprints.of(Kind::SecondFactor, account.uuid().as_bytes());
    Ok(match lockout::enter(engine, Subjects { account, place: None }).await? {
        Entry::Open(counted) => Some(counted),
        Entry::Locked => None,
    })
}

/// A transaction in which the account of whoever is signed in, and still is, is locked.
async fn begin(holder: &Holder<'_>) -> Result<Tx> {
    let mut tx = holder.engine.stores.platform_write().await?;
    account::lock(&mut tx, holder.account).await?;
    if session::is_live(&mut tx, holder.session).await? {
        return Ok(tx);
    }
    tx.rollback().await?;
    Err(Problem::unauthenticated())
}

/// Ends a change of the factor, and all that was given out under the one before, but for the session that changed it.
async fn conclude(mut tx: Tx, holder: &Holder<'_>, action: Action, now: Timestamp) -> Result<()> {
    let Holder { engine, origin, account, session, email, .. } = *holder;
    account::raise_epoch(&mut tx, account).await?;
    session::renew(&mut tx, session).await?;
    let tenants = account::tenants(&mut tx, account).await?;
    let (which, reason) = (Ending::Others(account, session), EndReason::SecondFactor);
    let closing = Closing { which, reason, action, account, email, tenant: None, tenants };
    session::close(tx, engine, origin, now, closing).await
}

/// Uses a code's step up, in a transaction in which the account is locked.
async fn use_up(tx: &mut Tx, account: AccountId, step: i64) -> Result<(), StoreError> {
    tx.fixed_execute(&USE, &[&Value::Int(step), &Value::Uuid(account.uuid())]).await?;
    Ok(())
}
