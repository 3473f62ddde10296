//! Signing in. Whatever is wrong, the answer and the work are the same (requirement B7).

use insula_model::id::{AccountId, SessionId, TenantId};
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
use super::second_factor::challenge::{Challenge, Half};
use super::session::{self, Keeping, Refusal, Tokens};
use super::token::{Realm, Subject};
use super::{deadline, device};
use super::{second_factor, superuser};
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

/// What comes of a password that is right.
pub enum Login {
    SignedIn(SignIn),
    /// The account has a second factor.
    Challenged(Challenge),
}

/// Who has proved all that is asked of him, and for what.
pub(super) struct Proved<'a> {
    pub(super) account: AccountId,
    pub(super) epoch: Epoch,
    pub(super) realm: Realm,
    pub(super) keeping: Keeping,
    /// Known already.
    pub(super) device: Option<&'a Value>,
}

pub(super) async fn login(engine: &Inner, origin: &Origin, body: &Json, device: Option<&str>) -> Result<Login> {
    let credentials = Members::read(body, read)?;
    let begun = Instant::now();
    let signed_in = attempt(engine, origin, credentials, device).await;
    if signed_in.as_ref().is_err_and(|problem| problem.code() == Code::Unauthenticated) {
        deadline::after(begun, engine.identity.options.refusal_pause).await;
    }
    signed_in
}

async fn attempt(engine: &Inner, origin: &Origin, credentials: Credentials, device: Option<&str>) -> Result<Login> {
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
    let epoch = match id {
        Some(account) => account::lock(&mut tx, account).await?,
        None => None,
    };
    let realm = realm(&mut tx, id, credentials.tenant.as_deref()).await?;
    let opened = match (&found, realm, counted) {
        // A password that was changed meanwhile has raised the epoch, and proves nothing any more.
        (Some(found), Some(realm), Some(counted)) if !matches!(proof, Proof::None) && epoch == Some(found.epoch) => {
            counted.clear(&mut tx).await?;
            if let Proof::Outdated(renewed) = proof {
                account::renew_hash(&mut tx, found.id, renewed).await?;
            }
            let (account, epoch, keeping) = (found.id, found.epoch, credentials.keeping);
            if second_factor::is_set(&mut tx, account).await? {
                tx.commit().await?;
                let half = Half::new(account, realm, epoch, keeping, now);
                return half.challenge(engine).map(Login::Challenged);
            }
            let proved = Proved { account, epoch, realm, keeping, device: device.as_ref() };
            open(&mut tx, engine, origin, &proved, now).await?
        }
        // From a device of his own it was the owner.
        (Some(found), _, Some(counted)) if counted.is_last && device.is_none() => {
            warn(&mut tx, engine, found.id).await?;
            Err(Refusal::Unproved)
        }
        _ => Err(Refusal::Unproved),
    };
    let action = if opened.is_ok() { Action::Login } else { Action::Refused };
    let session = opened.as_ref().ok().map(|(_, session)| *session);
    match (&found, realm) {
        (Some(Found { id: account, email, .. }), Some(realm)) => {
            tell(&mut tx, engine, origin, now, action, &Told { account: *account, email, realm, session }).await?;
        }
        // Of no tenant: it is nobody's business but the platform's.
        (_, realm) => {
            let whom = Whom { account: id, tenant: realm.and_then(Realm::tenant) };
            event::append(&mut tx, engine, origin, now, action, whom).await?;
        }
    }
    tx.commit().await?;
    engine.wake();
    opened.map(|(signed_in, _)| Login::SignedIn(signed_in)).map_err(refused)
}

/// Opens the session of somebody who has proved himself.
pub(super) async fn open(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    proved: &Proved<'_>,
    now: Timestamp,
) -> Result<Result<(SignIn, SessionId), Refusal>> {
    let Proved { account, epoch, realm, keeping, device } = *proved;
    let session = engine.ids.next();
    let tokens = match session::open(tx, engine, origin, Subject { account, realm, session }, epoch, now).await? {
        Ok(tokens) => tokens.kept(keeping, engine, session),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let device = device::keep(tx, engine, device, account, now).await?;
    if let Realm::Tenant(tenant) = realm {
        mark_used(tx, account, tenant, now).await?;
    }
    Ok(Ok((SignIn { tokens, device }, session)))
}

/// A sign-in of an account, or one that was refused.
pub(super) struct Told<'a> {
    pub(super) account: AccountId,
    pub(super) email: &'a str,
    pub(super) realm: Realm,
    pub(super) session: Option<SessionId>,
}

pub(super) async fn tell(
    tx: &mut Tx,
    engine: &Inner,
    origin: &Origin,
    now: Timestamp,
    action: Action,
    told: &Told<'_>,
) -> Result<(), StoreError> {
    let Told { account, email, realm, session } = *told;
    match realm {
        Realm::Tenant(tenant) => {
            let party = Party { account, tenant, email, session };
            event::append_to_both(tx, engine, origin, now, action, &party).await
        }
        Realm::Platform => {
            let whom = Whom { account: Some(account), tenant: None };
            event::append(tx, engine, origin, now, action, whom).await
        }
    }
}

/// What is told of a refusal. That an account is full is told to whoever has proved that it is his.
fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unproved => Problem::new(Code::Unauthenticated, "E-mail or password is wrong."),
        Refusal::Full => full(),
    }
}

pub(super) fn full() -> Problem {
    let detail = "This account is signed in as often as it may be. End one of its sessions first.";
    Problem::conflict(detail, Vec::new())
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

/// The address of an account that may still sign in there.
pub(super) async fn email_in(tx: &mut Tx, account: AccountId, realm: Realm) -> Result<Option<String>, StoreError> {
    let may = match realm {
        Realm::Platform => superuser::is_one(tx, Some(account)).await?,
        Realm::Tenant(tenant) => {
            let rows = tx.fixed(&MEMBERSHIPS, &[&Value::Uuid(account.uuid())]).await?;
            let tenants = rows.iter().map(|row| row.id::<TenantId>(0)).collect::<Result<Vec<_>, _>>()?;
            tenants.contains(&tenant)
        }
    };
    let credentials = account::credentials(tx, account).await?;
    Ok(credentials.filter(|_| may).map(|credentials| credentials.email))
}

async fn mark_used(tx: &mut Tx, account: AccountId, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
    let binds = [Value::Timestamp(now), Value::Uuid(account.uuid()), Value::Uuid(tenant.uuid())];
    tx.fixed_execute(&USED, &binds.each_ref()).await?;
    Ok(())
}
