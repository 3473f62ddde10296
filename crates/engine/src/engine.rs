//! The engine as a whole: what the server holds. Gives out no storage: only [`Public`](crate::identity::Public) and,
//! for a verified credential, [`Scope`].

use std::sync::Arc;
use std::time::Duration;

use insula_model::clock::{Clock, Ids};
use insula_model::id::RequestId;
use insula_model::problem::Result;
use insula_model::value::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;

use crate::identity::{Identity, Public};
use crate::mail::{Delivery, MailOptions};
use crate::public_url::PublicUrl;
use crate::scope::Scope;
use crate::seal::Seal;
use crate::store::{StoreError, StoreOptions, Stores};
use crate::tenant::Tenants;

/// How to run; already checked, nothing here is read from the environment.
#[derive(Clone, Debug)]
pub struct Options {
    pub store: StoreOptions,
    /// Signs tokens and seals what the stores keep secret. At least 32 bytes.
    pub secret_key: SecretString,
    pub identity: IdentityOptions,
    pub mail: MailOptions,
    /// Records of an entity whose values a change of the schema converts itself. Of more, a job does.
    pub converted_at_once: u64,
    pub clock: Clock,
}

/// See [`Options::converted_at_once`]: writers of the organisation wait a quarter of a second or so for these.
pub const CONVERTED_AT_ONCE: u64 = 10_000;

#[derive(Clone, Debug)]
pub struct IdentityOptions {
    pub registration: Registration,
    /// What new access tokens are signed with (A1).
    pub token_algorithm: TokenAlgorithm,
    /// Seconds an access token lives (A3).
    pub access_token_seconds: i64,
    /// Where people reach the installation, as far as that is known.
    pub public_url: Option<PublicUrl>,
    /// Seconds a refresh token lives when unused (A3).
    pub refresh_token_seconds: i64,
    /// Seconds after which a session ends whatever is done with it (A3).
    pub session_seconds: i64,
    /// Seconds after which a session ends that nobody uses; `None`: as long as a refresh token lives (A6).
    pub session_idle_seconds: Option<i64>,
    /// How many sessions an account may have (A6).
    pub session_limit: usize,
    pub when_full: WhenFull,
    pub sign_in_limits: SignInLimits,
    /// A sign-in that is refused is answered so long after it came, or a multiple of it. Longer than a hash takes (B6).
    pub refusal_pause: Duration,
    pub password_hasher: PasswordHasher,
    /// bcrypt's cost (B1).
    pub bcrypt_cost: u32,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self {
            registration: Registration::Open,
            token_algorithm: TokenAlgorithm::Hs256,
            access_token_seconds: 30 * 60,
            refresh_token_seconds: 7 * 24 * 3600,
            public_url: None,
            session_seconds: 30 * 24 * 3600,
            session_idle_seconds: None,
            session_limit: 10,
            when_full: WhenFull::EvictOldest,
            sign_in_limits: SignInLimits { per_account: 10, per_place: 100 },
            refusal_pause: Duration::from_secs(1),
            password_hasher: PasswordHasher::Bcrypt,
            bcrypt_cost: 12,
        }
    }
}

impl IdentityOptions {
    /// How long a session lives without being used.
    pub(crate) fn idle_seconds(&self) -> i64 {
        self.session_idle_seconds.unwrap_or(self.refresh_token_seconds)
    }

    /// A session that was not used since then has ended.
    pub(crate) fn idle_since(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.idle_seconds())
    }
}

/// How access tokens are signed: HMAC with SHA-256 (RFC 7518 §3.2), or Ed25519 (RFC 8037 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenAlgorithm {
    Hs256,
    EdDsa,
}

impl TokenAlgorithm {
    pub const ALL: [Self; 2] = [Self::Hs256, Self::EdDsa];

    /// As JWS names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// What becomes of a sign-in to an account that has all the sessions it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenFull {
    /// The oldest session ends.
    EvictOldest,
    /// The sign-in is refused.
    Deny,
}

/// How many sign-ins may fail in a quarter of an hour (B6).
#[derive(Clone, Copy, Debug)]
pub struct SignInLimits {
    /// Of one address, somebody's or not.
    pub per_account: i64,
    /// That come from one network address.
    pub per_place: i64,
}

/// How passwords are hashed (B1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordHasher {
    Bcrypt,
    Argon2id,
}

/// Who may make an organisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registration {
    Open,
    Closed,
}

/// Where a request came from: known before anyone is signed in, repeated in every log line and audit event. Cheap to
/// clone: every transaction has one.
#[derive(Clone, Debug)]
pub struct Origin {
    pub request: RequestId,
    /// The client's address, after the proxy rule.
    pub address: Arc<str>,
    pub user_agent: Arc<str>,
}

/// Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) stores: Stores,
    pub(crate) tenants: Tenants,
    pub(crate) identity: Identity,
    pub(crate) mail: MailOptions,
    pub(crate) converted_at_once: u64,
    /// Seals letters that wait to be sent.
    pub(crate) letters: Seal,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    /// Rouses [`Engine::work_in_background`].
    pub(crate) wake: Notify,
}

/// The engine could not start; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be opened: {0}")]
pub struct OpenError(#[from] StoreError);

impl Engine {
    /// Opens the stores, migrates the platform's and ends what an interrupted registration left half-way.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let stores = Stores::open(&options.store, &options.secret_key).await?;
        let engine = Self::over(stores, options);
        engine.open_keys().await?;
        engine.sweep_orphans().await?;
        Ok(engine)
    }

    /// An engine over stores that are open.
    pub(crate) fn over(stores: Stores, options: Options) -> Self {
        Self(Arc::new(Inner {
            identity: Identity::new(&options.secret_key, options.identity),
            mail: options.mail,
            converted_at_once: options.converted_at_once,
            letters: Seal::new("insula/mail/v1", options.secret_key.expose_secret().as_bytes()),
            tenants: Tenants::new(stores.share()),
            ids: Ids::new(options.clock.clone()),
            clock: options.clock,
            stores,
            wake: Notify::new(),
        }))
    }

    pub fn ids(&self) -> &Ids {
        &self.0.ids
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn public_url(&self) -> Option<&PublicUrl> {
        self.0.identity.public_url()
    }

    /// What may be done without a credential.
    pub fn public(&self, origin: Origin) -> Public {
        Public::new(self.clone(), origin)
    }

    /// Verifies a bearer token and gives the scope it is good for. The only way to a [`Scope`].
    pub async fn authenticate(&self, bearer: &str, origin: Origin) -> Result<Scope> {
        let caller = self.admit(bearer).await?;
        Ok(Scope::new(self.clone(), caller, origin))
    }

    /// How mails leave; for health.
    pub fn delivery(&self) -> &Delivery {
        &self.0.mail.delivery
    }

    /// Whether the platform store answers; for health.
    pub async fn ping(&self) -> Result<()> {
        static ONE: crate::sql::Fixed = crate::sql::Fixed::new("SELECT 1");
        let mut tx = self.0.stores.platform_read().await?;
        tx.fixed(&ONE, &[]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Finishes what was accepted and closes the stores.
    pub async fn close(&self) {
        self.0.stores.close().await;
    }
}
