//! Signing in. Whatever is wrong, the answer and the work are the same (requirement B7).

use insula_model::id::{AccountId, TenantId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::{Email, MAX_ADDRESS, Timestamp, Value};
use secrecy::SecretString;
use uuid::Uuid;

use super::account::{self, Epoch, NEVER};
use super::event::{self, Action, Party, Whom};
use super::password::MAX_ATTEMPT_CHARS;
use super::session::{self, Keeping, Refusal, Tokens};
use super::superuser;
use super::token::{Realm, Subject};
use crate::engine::{Inner, Origin};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

static ACCOUNT: Fixed =
    Fixed::new("SELECT id, password_hash, email, credential_epoch FROM insula.account WHERE email_folded = $1");
static MEMBERSHIPS: Fixed = Fixed::new(
    "SELECT t.id, t.code_folded, m.last_used_at, \
     (SELECT count(*) FROM insula.membership o WHERE o.account_id = a.id) FROM insula.account a \
     JOIN insula.membership m ON m.account_id = a.id \
     JOIN insula.tenant t ON t.id = m.tenant_id \
     WHERE a.id = $1 AND a.active AND m.active AND t.status = 'active' \
     ORDER BY m.last_used_at DESC, t.id",
);
static USED: Fixed =
    Fixed::new("UPDATE insula.membership SET last_used_at = $1 WHERE account_id = $2 AND tenant_id = $3");

struct Credentials {
    /// None where the text is no address: nobody's, then.
    email: Option<Email>,
    password: SecretString,
    /// The code as it is compared.
    tenant: Option<String>,
    keeping: Keeping,
}

struct Found {
    id: AccountId,
    password_hash: String,
    email: String,
    /// That of the password.
    epoch: Epoch,
}

impl Found {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id(0)?,
            password_hash: row.text(1)?.to_owned(),
            email: row.text(2)?.to_owned(),
            epoch: Epoch::read(row, 3)?,
        })
    }
}

pub(super) async fn login(engine: &Inner, origin: &Origin, body: &Json) -> Result<Tokens> {
    let credentials = Members::read(body, read)?;
    let found = find(engine, credentials.email.as_ref()).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let slots = &engine.identity.slots;
    let proved = slots.verify(credentials.password.clone(), hash.clone()).await?;
    let renewed = match &hash {
        Some(hash) if proved => slots.renew(credentials.password, hash, engine.ids.random()).await?,
        _ => None,
    };

    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let id = found.as_ref().map(|found| found.id);
    // A password that was changed meanwhile has ended sessions, and this one would be new.
    let proved = proved && account::still_has(&mut tx, id, hash).await?;
    let realm = realm(&mut tx, id, credentials.tenant.as_deref()).await?;
    let session = engine.ids.next();
    let opened = match (&found, realm) {
        (Some(found), Some(realm)) if proved => {
            if let Some(hash) = renewed {
                account::renew_hash(&mut tx, found.id, hash).await?;
            }
            let subject = Subject { account: found.id, realm, session };
            session::open(&mut tx, engine, origin, subject, found.epoch, now).await?
        }
        _ => Err(Refusal::Unproved),
    };
    if let (Ok(_), Some(account), Some(Realm::Tenant(tenant))) = (&opened, id, realm) {
        mark_used(&mut tx, account, tenant, now).await?;
    }
    let action = if opened.is_ok() { Action::Login } else { Action::Refused };
    let (opened_session, session) = (session, opened.is_ok().then_some(session));
    match (found, realm) {
        (Some(Found { id: account, email, .. }), Some(Realm::Tenant(tenant))) => {
            let party = Party { account, tenant, email: &email, session };
            event::append_to_both(&mut tx, engine, origin, now, action, &party).await?;
        }
        // Of no tenant: it is nobody's business but the platform's.
        (_, realm) => {
            let whom = Whom { account: id, tenant: realm.and_then(Realm::tenant) };
            event::append(&mut tx, engine, origin, now, action, whom).await?;
        }
    }
    tx.commit().await?;
    engine.wake();
    opened.map(|tokens| tokens.kept(credentials.keeping, engine, opened_session)).map_err(refused)
}

/// What is told of a refusal. That an account is full is told to whoever has proved that it is his.
fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unproved => Problem::new(Code::Unauthenticated, "E-mail or password is wrong."),
        Refusal::Full => {
            let detail = "This account is signed in as often as it may be. End one of its sessions first.";
            Problem::conflict(detail, Vec::new())
        }
    }
}

fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<Credentials> {
    let email = members.text("email", MAX_ADDRESS, errors);
    let password = members.text("password", MAX_ATTEMPT_CHARS, errors);
    let tenant = members.optional_text("tenant", MAX_ADDRESS, errors);
    let keeping = match members.optional_text("session", MAX_ADDRESS, errors) {
        Some("cookie") => Keeping::Cookie,
        None | Some("bearer") => Keeping::Body,
        Some(_) => {
            errors.add(members.pointer("session"), Code::OutOfRange, "Expected \"bearer\" or \"cookie\".");
            Keeping::Body
        }
    };
    Some(Credentials {
        email: Email::parse(email?),
        password: password?.into(),
        tenant: tenant.map(str::to_ascii_lowercase),
        keeping,
    })
}

async fn find(engine: &Inner, email: Option<&Email>) -> Result<Option<Found>, StoreError> {
    let folded = Value::Text(email.map(Email::folded).unwrap_or_default());
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&ACCOUNT, &[&folded]).await?;
    tx.commit().await?;
    rows.first().map(Found::read).transpose()
}

/// What to sign in to. A superuser who names no tenant means the platform, whoever made him a member of what.
async fn realm(tx: &mut Tx, account: Option<AccountId>, code: Option<&str>) -> Result<Option<Realm>, StoreError> {
    if code.is_none() && superuser::is_one(tx, account).await? {
        return Ok(Some(Realm::Platform));
    }
    Ok(membership(tx, account, code).await?.map(Realm::Tenant))
}

/// The tenant to sign in to: the one named, else the one used last. Anybody can make a member of any address, so one
/// that was never used must be named, unless it is the account's only one.
async fn membership(
    tx: &mut Tx,
    account: Option<AccountId>,
    code: Option<&str>,
) -> Result<Option<TenantId>, StoreError> {
    let account = Value::Uuid(account.map_or(Uuid::nil(), AccountId::uuid));
    for row in tx.fixed(&MEMBERSHIPS, &[&account]).await? {
        let is_meant = match code {
            Some(code) => row.text(1)? == code,
            None => row.timestamp(2)? != NEVER || row.int(3)? == 1,
        };
        if is_meant {
            return row.id(0).map(Some);
        }
    }
    Ok(None)
}

async fn mark_used(tx: &mut Tx, account: AccountId, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
    let binds = [Value::Timestamp(now), Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid())];
    tx.fixed_execute(&USED, &binds.each_ref()).await?;
    Ok(())
}
