//! From a bearer token to a caller. The signature is checked every time; what the platform store says of the session, or
//! of a key, is believed for a second (requirement A5).

use std::sync::Arc;

use insula_model::id::{AccountId, SessionId, TenantId};
use insula_model::problem::{Problem, Result};
use insula_model::value::{Timestamp, Value};
use quick_cache::sync::Cache;

use super::api_key;
use super::api_key::admission::LiveKey;
use super::api_key::secret::KeyHash;
use super::keys;
use super::operator::Operator;
use super::token::{Realm, Subject, Unfit};
use crate::caller::{Caller, Credential};
use crate::engine::{Engine, Inner, Origin};
use crate::sql::Fixed;
use crate::store::{Placement, Row, StoreError};

/// How long a session is believed to be good without asking.
const BELIEVED_MICROS: i64 = 1_000_000;
const SESSIONS: usize = 100_000;
const KEYS: usize = 10_000;
/// How often a session or a key in use is written down as used.
pub(super) const USE_SECONDS: i64 = 60;

static LIVE: Fixed = Fixed::new(
    "SELECT s.account_id, s.tenant_id, s.expires_at, s.last_used_at, t.cell, a.email FROM insula.session s \
     JOIN insula.account a ON a.id = s.account_id \
     JOIN insula.membership m ON m.account_id = s.account_id AND m.tenant_id = s.tenant_id \
     JOIN insula.tenant t ON t.id = s.tenant_id \
     WHERE s.id = $1 AND s.ended_at IS NULL AND s.credential_epoch = a.credential_epoch \
     AND a.active AND m.active AND t.status = 'active'",
);

/// Of the platform: asked every time, since there are few of them and they may do much.
static LIVE_OPERATOR: Fixed = Fixed::new(
    "SELECT s.expires_at, s.last_used_at, a.email FROM insula.session s \
     JOIN insula.account a ON a.id = s.account_id \
     JOIN insula.superuser u ON u.account_id = a.id \
     WHERE s.id = $1 AND s.account_id = $2 AND s.tenant_id IS NULL AND s.ended_at IS NULL \
     AND s.credential_epoch = a.credential_epoch AND a.active",
);

/// Sessions and keys found good a moment ago.
pub(super) struct Admitted {
    sessions: Cache<SessionId, Arc<Live>>,
    keys: Cache<KeyHash, Arc<LiveKey>>,
}

/// A session that had not ended, or a key, of an active member of an active tenant.
pub(super) struct Live {
    pub(super) account: AccountId,
    pub(super) placement: Placement,
    pub(super) email: Arc<str>,
    pub(super) expires_at: Timestamp,
    pub(super) checked_at: Timestamp,
}

impl Default for Admitted {
    fn default() -> Self {
        Self { sessions: Cache::new(SESSIONS), keys: Cache::new(KEYS) }
    }
}

impl Admitted {
    pub(super) fn forget(&self, session: SessionId) {
        self.sessions.remove(&session);
    }

    pub(super) fn forget_account(&self, account: AccountId) {
        self.forget_all(|live| live.account == account);
    }

    pub(super) fn forget_member(&self, account: AccountId, tenant: TenantId) {
        self.forget_all(|live| live.account == account && live.placement.tenant == tenant);
    }

    pub(super) fn forget_tenant(&self, tenant: TenantId) {
        self.forget_all(|live| live.placement.tenant == tenant);
    }

    fn forget_all(&self, of: impl Fn(&Live) -> bool) {
        self.sessions.retain(|_, live| !of(live));
        self.forget_keys(|key| of(&key.live));
    }

    pub(super) fn forget_key(&self, hash: &KeyHash) {
        self.keys.remove(hash);
    }

    pub(super) fn forget_keys(&self, which: impl Fn(&LiveKey) -> bool) {
        self.keys.retain(|_, key| !which(key));
    }

    pub(super) fn keep_key(&self, hash: KeyHash, key: Arc<LiveKey>) {
        self.keys.insert(hash, key);
    }

    pub(super) fn key(&self, hash: &KeyHash, now: Timestamp) -> Option<Arc<LiveKey>> {
        self.keys.get(hash).filter(|key| key.live.is_believed(now))
    }

    fn get(&self, session: SessionId, now: Timestamp) -> Option<Arc<Live>> {
        self.sessions.get(&session).filter(|live| live.is_believed(now))
    }
}

impl Engine {
    /// Verifies a bearer token, or a key; the one place a [`Caller`] is made. Whatever is wrong, the answer is the same; to a good
    /// token of the platform there is nothing of a tenant's to be found.
    pub(crate) async fn admit(&self, bearer: &str) -> Result<Caller> {
        let engine = &*self.0;
        let now = engine.clock.now();
        if api_key::secret::is_meant(bearer) {
            return Box::pin(api_key::admission::admit(engine, bearer, now)).await;
        }
        let subject = verify(engine, bearer, now).await?;
        if subject.realm == Realm::Platform {
            Box::pin(look_up_operator(engine, subject, now)).await?;
            return Err(Problem::not_found());
        }
        let live = match engine.identity.admitted.get(subject.session, now) {
            Some(live) => live,
            // Once a second, and no part of every request's size.
            None => Box::pin(look_up(engine, subject.session, now)).await?.ok_or_else(Problem::unauthenticated)?,
        };
        if live.agrees(subject) && now < live.expires_at {
            let credential = Credential::Session(subject.session);
            Ok(Caller::verified(live.account, credential, live.placement, Arc::clone(&live.email)))
        } else {
            Err(Problem::unauthenticated())
        }
    }

    /// Verifies a superuser's bearer token; the one place an [`Operator`] is made. To a member of a tenant there is no
    /// platform to be found.
    pub async fn authenticate_operator(&self, bearer: &str, origin: Origin) -> Result<Operator> {
        if api_key::secret::is_meant(bearer) {
            self.admit(bearer).await?;
            return Err(Problem::not_found());
        }
        let now = self.0.clock.now();
        let subject = verify(&self.0, bearer, now).await?;
        match subject.realm {
            Realm::Platform => {
                let email = look_up_operator(&self.0, subject, now).await?;
                Ok(Operator::verified(self.clone(), subject, email, origin))
            }
            Realm::Tenant(_) => {
                self.admit(bearer).await?;
                Err(Problem::not_found())
            }
        }
    }
}

/// What a token says. One of a key that is not known here may be another node's, which has heard of it earlier.
async fn verify(engine: &Inner, bearer: &str, now: Timestamp) -> Result<Subject> {
    let signer = &engine.identity.signer;
    let verified = match signer.verify(bearer, now) {
        Err(Unfit::UnknownKey) => {
            keys::read_keys_again(engine).await?;
            signer.verify(bearer, now)
        }
        verified => verified,
    };
    verified.map_err(|_| Problem::unauthenticated())
}

/// The address of the superuser whose session has not ended.
async fn look_up_operator(engine: &Inner, subject: Subject, now: Timestamp) -> Result<Arc<str>> {
    let mut tx = engine.stores.platform_read().await?;
    let binds = [Value::Uuid(subject.session.uuid()), Value::Uuid(subject.account.uuid())];
    let rows = tx.fixed(&LIVE_OPERATOR, &binds.each_ref()).await?;
    tx.commit().await?;
    let row = rows.first().ok_or_else(Problem::unauthenticated)?;
    if now < lives_until(engine, subject.session, row, 0, now)? {
        Ok(row.text(2)?.into())
    } else {
        Err(Problem::unauthenticated())
    }
}

/// When a session ends by itself, of a row that holds the end of its chain and its last use from `at` on. Being asked for
/// is a use, which is written once a minute.
fn lives_until(
    engine: &Inner,
    session: SessionId,
    row: &Row,
    at: usize,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let idle = engine.identity.options.idle_seconds();
    let (end, last_used) = (row.timestamp(at)?, row.timestamp(at + 1)?);
    let until = end.min(last_used.plus_seconds(idle));
    // A quarter, so that a time-out of minutes does not end what is being used.
    if now < until && last_used.plus_seconds((idle / 4).min(USE_SECONDS)) <= now {
        engine.identity.uses.note(session, now);
    }
    Ok(until)
}

impl Live {
    fn is_believed(&self, now: Timestamp) -> bool {
        (0..BELIEVED_MICROS).contains(&now.as_micros().saturating_sub(self.checked_at.as_micros()))
    }

    fn agrees(&self, subject: Subject) -> bool {
        self.account == subject.account && Realm::Tenant(self.placement.tenant) == subject.realm
    }
}

/// Asks the platform store and remembers a yes, as of `now`: before the question, so that no end is overlooked longer
/// than it may be.
async fn look_up(engine: &Inner, session: SessionId, now: Timestamp) -> Result<Option<Arc<Live>>, StoreError> {
    let mut tx = engine.stores.platform_read().await?;
    let rows = tx.fixed(&LIVE, &[&Value::Uuid(session.uuid())]).await?;
    tx.commit().await?;
    let Some(row) = rows.first() else {
        engine.identity.admitted.forget(session);
        return Ok(None);
    };
    let live = Arc::new(Live {
        account: row.id(0)?,
        placement: Placement { tenant: row.id(1)?, cell: row.int(4)? },
        email: row.text(5)?.into(),
        expires_at: lives_until(engine, session, row, 2, now)?,
        checked_at: now,
    });
    engine.identity.admitted.sessions.insert(session, Arc::clone(&live));
    Ok(Some(live))
}
