//! Signing in. Whatever is wrong, the answer and the work are the same (requirement B7).

use insula_model::id::{AccountId, TenantId};
use insula_model::input::Members;
use insula_model::json::Json;
use insula_model::problem::{Code, Errors, Problem, Result};
use insula_model::value::{Email, MAX_ADDRESS, Timestamp, Value};
use secrecy::SecretString;
use tokio::time::Instant;
use uuid::Uuid;

use super::account::{self, Epoch, NEVER};
use super::event::{self, Action, Party, Whom};
use super::fingerprint::Kind;
use super::lockout::{self, Counted, Entry, Subjects};
use super::password::MAX_ATTEMPT_CHARS;
use super::session::{self, Keeping, Refusal, Tokens};
use super::superuser;
use super::token::{Realm, Subject};
use super::{deadline, device};
use crate::engine::{Inner, Origin};
use crate::mail::{self, Letter};
use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};

/// Of those that have a password.
static ACCOUNT: Fixed = Fixed::new(
    "SELECT id, password_hash, email, credential_epoch FROM insula.account \
     WHERE email_folded = $1 AND password_hash <> ''",
);
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

/// Signed in, and what the client is to keep for the next time, where that is new.
pub struct SignIn {
    pub tokens: Tokens,
    pub device: Option<String>,
}

pub(super) async fn login(engine: &Inner, origin: &Origin, body: &Json, device: Option<&str>) -> Result<SignIn> {
    let credentials = Members::read(body, read)?;
    let begun = Instant::now();
    let signed_in = attempt(engine, origin, credentials, device).await;
    if signed_in.as_ref().is_err_and(|problem| problem.code() == Code::Unauthenticated) {
        deadline::after(begun, engine.identity.options.refusal_pause).await;
    }
    signed_in
}

async fn attempt(engine: &Inner, origin: &Origin, credentials: Credentials, device: Option<&str>) -> Result<SignIn> {
    let (found, device) = find(engine, &credentials, device).await?;
    let subjects = subjects(engine, origin, &credentials, device.as_ref());
    let (counted, proof) = match lockout::enter(engine, subjects).await? {
        Entry::Locked => (None, Proof::None),
        Entry::Open(counted) => prove(engine, &credentials, found.as_ref(), counted).await?,
    };

    let now = engine.clock.now();
    let mut tx = engine.stores.platform_write().await?;
    let id = found.as_ref().map(|found| found.id);
    // The account before its memberships, so that none of them ends until the session is there.
    if let Some(account) = id {
        account::lock(&mut tx, account).await?;
    }
    let realm = realm(&mut tx, id, credentials.tenant.as_deref()).await?;
    let session = engine.ids.next();
    let opened = match (&found, realm, counted) {
        (Some(found), Some(realm), Some(counted)) if !matches!(proof, Proof::None) => {
            let subject = Subject { account: found.id, realm, session };
            // A password that was changed meanwhile has raised the epoch, and proves nothing any more.
            let opened = session::open(&mut tx, engine, origin, subject, found.epoch, now).await?;
            if !matches!(opened, Err(Refusal::Unproved)) {
                counted.clear(&mut tx).await?;
                if let Proof::Outdated(renewed) = proof {
                    account::renew_hash(&mut tx, found.id, renewed).await?;
                }
            }
            match opened {
                Ok(tokens) => Ok(SignIn {
                    tokens: tokens.kept(credentials.keeping, engine, session),
                    device: device::keep(&mut tx, engine, device.as_ref(), found.id, now).await?,
                }),
                Err(refusal) => Err(refusal),
            }
        }
        // From a device of his own it was the owner.
        (Some(found), _, Some(counted)) if counted.is_last && device.is_none() => {
            warn(&mut tx, engine, found.id).await?;
            Err(Refusal::Unproved)
        }
        _ => Err(Refusal::Unproved),
    };
    if let (Ok(_), Some(account), Some(Realm::Tenant(tenant))) = (&opened, id, realm) {
        mark_used(&mut tx, account, tenant, now).await?;
    }
    let action = if opened.is_ok() { Action::Login } else { Action::Refused };
    let session = opened.is_ok().then_some(session);
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
    opened.map_err(refused)
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

/// What is known of the password that was sent.
enum Proof {
    None,
    Good,
    /// Good, and to be kept under another hash from now on.
    Outdated(String),
}

/// Whose attempts these are counted with.
fn subjects(engine: &Inner, origin: &Origin, credentials: &Credentials, device: Option<&Value>) -> Subjects {
    let fingerprints = &engine.identity.fingerprints;
    let account = if let Some(Value::Bytes(device)) = device {
        fingerprints.of(Kind::SignInDevice, device)
    } else {
        let name = credentials.email.as_ref().map(Email::folded).unwrap_or_default();
        fingerprints.of(Kind::SignInName, name.as_bytes())
    };
    // A known device stays in, whatever others do who come from the same address, a proxy's maybe.
    let place = device.is_none().then(|| fingerprints.of(Kind::SignInPlace, origin.address.as_bytes()));
    Subjects { account, place }
}

/// Looks at the password. What cannot be looked at now is no failure.
async fn prove(
    engine: &Inner,
    credentials: &Credentials,
    found: Option<&Found>,
    counted: Counted,
) -> Result<(Option<Counted>, Proof)> {
    let slots = &engine.identity.slots;
    let hash = found.map(|found| found.password_hash.clone());
    let proof = async {
        if !slots.verify(credentials.password.clone(), hash.clone()).await? {
            return Ok(Proof::None);
        }
        let stored = hash.as_deref().unwrap_or_default();
        let renewed = slots.renew(credentials.password.clone(), stored, engine.ids.random()).await?;
        Ok(renewed.map_or(Proof::Good, Proof::Outdated))
    };
    match proof.await {
        Ok(proof) => Ok((Some(counted), proof)),
        Err(problem) => {
            counted.take_back(engine).await?;
            Err(problem)
        }
    }
}

/// Tells the owner that nobody gets in for a while.
async fn warn(tx: &mut Tx, engine: &Inner, account: AccountId) -> Result<()> {
    let subject = engine.identity.fingerprints.of(Kind::LockedAccount, account.uuid().as_bytes());
    mail::put(tx, engine, subject, &Letter::AccountLocked { account }).await
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

/// The account that is named, and the device, if it is one of its owner's.
async fn find(
    engine: &Inner,
    credentials: &Credentials,
    device: Option<&str>,
) -> Result<(Option<Found>, Option<Value>), StoreError> {
    let folded = Value::Text(credentials.email.as_ref().map(Email::folded).unwrap_or_default());
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&ACCOUNT, &[&folded]).await?;
    let found = rows.first().map(Found::read).transpose()?;
    let id = found.as_ref().map(|found| found.id);
    let device = device::known(&mut tx, device, id, engine.clock.now()).await?;
    tx.commit().await?;
    Ok((found, device))
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
