//! Asking for a way back into an account (requirement B4). The request does the same whoever's address it names, since
//! it does not look: that happens when the mail is written.

use insula_model::id::AccountId;
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::Result;
use insula_model::value::{Email, Value};
use uuid::Uuid;

use crate::engine::Inner;
use crate::identity::fingerprint::Kind;
use crate::identity::opaque::OpaqueToken;
use crate::mail::{self, Letter};
use crate::sql::Fixed;
use crate::store::StoreError;

/// How long a token is good for.
const GOOD_SECONDS: i64 = 3600;
/// How long after one nobody is sent another, so that others cannot fill somebody's mailbox.
const PAUSE_SECONDS: i64 = 60;

static ACCOUNT: Fixed = Fixed::new(
    "SELECT id, email FROM insula.account WHERE email_folded = $1 AND active AND password_hash <> '' FOR UPDATE",
);
static RECENT: Fixed =
    Fixed::new("SELECT 1 FROM insula.password_reset WHERE account_id = $1 AND mail_id <> $2 AND issued_at > $3");
static ISSUE: Fixed = Fixed::new(
    "INSERT INTO insula.password_reset (account_id, mail_id, hash, email_folded, issued_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id) DO UPDATE SET mail_id = excluded.mail_id, \
     hash = excluded.hash, email_folded = excluded.email_folded, issued_at = excluded.issued_at, \
     expires_at = excluded.expires_at",
);

pub(in crate::identity) async fn forgot(engine: &Inner, body: &Json) -> Result<()> {
    let email = Members::read(body, Email::read)?;
    let email_folded = email.folded();
    let subject = engine.identity.fingerprints.of(Kind::ForgottenPassword, email_folded.as_bytes());
    let mut tx = engine.stores.platform_write().await?;
    mail::put(&mut tx, engine, subject, &Letter::PasswordForgotten { email_folded }).await?;
    tx.commit().await?;
    engine.wake();
    Ok(())
}

/// The address and the token of whoever is to be sent one with `mail`. The token before is good for nothing any more.
pub(in crate::identity) async fn invite(
    engine: &Inner,
    mail: Uuid,
    email_folded: &str,
) -> Result<Option<(String, String)>, StoreError> {
    let now = engine.clock.now();
    let folded = Value::Text(email_folded.to_owned());
    let mut tx = engine.stores.platform_write().await?;
    let rows = tx.fixed(&ACCOUNT, &[&folded]).await?;
    let Some(row) = rows.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let account = Value::Uuid(row.id::<AccountId>(0)?.uuid());
    let mail = Value::Uuid(mail);
    let since = Value::Timestamp(now.plus_seconds(-PAUSE_SECONDS));
    if !tx.fixed(&RECENT, &[&account, &mail, &since]).await?.is_empty() {
        tx.rollback().await?;
        return Ok(None);
    }
    let token = OpaqueToken::fresh(engine);
    let expires_at = Value::Timestamp(now.plus_seconds(GOOD_SECONDS));
    let binds = [&account, &mail, &token.hash, &folded, &Value::Timestamp(now), &expires_at];
    tx.fixed_execute(&ISSUE, &binds).await?;
    tx.commit().await?;
    Ok(Some((row.text(1)?.to_owned(), token.text)))
}
