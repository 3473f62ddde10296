//! Who someone is: accounts, passwords, tokens, sessions, and the users of a tenant.
//!
//! Knows the platform's tables and the members of a tenant. Must not know HTTP, nor records. The one place where a
//! [`Caller`](crate::caller::Caller) is made, once everything a token says has been checked against the store.

mod account;
mod admission;
pub mod api_key;
mod base32;
mod csrf;
mod deadline;
pub mod device;
pub(crate) mod event;
mod fingerprint;
mod in_person;
mod keys;
mod label;
mod letter;
mod lockout;
mod login;
mod logout;
mod lost_reply;
mod me;
mod opaque;
pub mod operator;
pub mod organisation;
mod orphans;
mod password;
mod purge;
mod refresh;
mod register;
pub mod second_factor;
mod session;
mod superuser;
mod token;
pub mod users;

use insula_model::id::{ApiKeyId, SessionId, TenantId};
use insula_model::json::Json;
use insula_model::password::PasswordPolicy;
use insula_model::problem::Result;
use secrecy::SecretString;

use self::organisation::PasswordPolicyView;
use crate::engine::{Engine, IdentityOptions, Origin};
use crate::public_url::PublicUrl;

pub use csrf::CookieProof;
pub use in_person::InPerson;
pub(crate) use keys::read_keys_again;
pub(crate) use letter::write_letter;
pub use login::{Login, SignIn};
pub use logout::{SignedIn, logout};
pub(crate) use lost_reply::{eldest as eldest_reply, erase_lost_replies};
pub use me::{Me, me};
pub use password::change::change as change_password;
pub(crate) use purge::purge_sessions;
pub use session::Tokens;
pub use session::own as sessions;
pub(crate) use session::used::write_uses;
pub(crate) use users::change::finish_user_changes;

/// What the engine keeps for signing people in.
pub(crate) struct Identity {
    options: IdentityOptions,
    signer: token::Signer,
    ring: keys::Ring,
    slots: password::Slots,
    admitted: admission::Admitted,
    fingerprints: fingerprint::Fingerprints,
    uses: session::used::Uses<SessionId>,
    key_uses: session::used::Uses<ApiKeyId>,
    guard: csrf::Guard,
    gates: lockout::Gates,
    seals: second_factor::Seals,
}

impl Identity {
    pub(crate) fn new(secret: &SecretString, options: IdentityOptions) -> Self {
        Self {
            signer: keys::signer(secret),
            ring: keys::Ring::new(secret),
            slots: password::Slots::new(password::Hasher::new(options.password_hasher, options.bcrypt_cost)),
            admitted: admission::Admitted::default(),
            uses: session::used::Uses::default(),
            key_uses: session::used::Uses::default(),
            guard: csrf::Guard::new(secret),
            gates: lockout::Gates::default(),
            seals: second_factor::Seals::new(secret),
            fingerprints: fingerprint::Fingerprints::new(secret),
            options,
        }
    }

    pub(crate) const fn public_url(&self) -> Option<&PublicUrl> {
        self.options.public_url.as_ref()
    }

    /// Whether uses of sessions and keys are still to be written.
    pub(crate) fn has_uses(&self) -> bool {
        self.uses.wait() || self.key_uses.wait()
    }

    /// Makes this node ask again about the sessions of a tenant whose standing has changed.
    pub(crate) fn forget_tenant(&self, tenant: TenantId) {
        self.admitted.forget_tenant(tenant);
    }
}

/// What may be done without a credential.
pub struct Public {
    engine: Engine,
    origin: Origin,
}

impl Public {
    pub(crate) fn new(engine: Engine, origin: Origin) -> Self {
        Self { engine, origin }
    }

    /// Makes an organisation and its owner: `{tenant: {code, name}, email, password, full_name}`.
    pub async fn register(&self, body: &Json) -> Result<Tokens> {
        register::register(&self.engine.0, &self.origin, body).await
    }

    /// Signs in: `{email, password, tenant?, session?}`. `device` is what the client keeps of a sign-in before.
    pub async fn login(&self, body: &Json, device: Option<&str>) -> Result<Login> {
        login::login(&self.engine.0, &self.origin, body, device).await
    }

    /// Shows the second factor: `{mfa_token, code}` or `{mfa_token, recovery_code}`.
    pub async fn verify_factor(&self, body: &Json, device: Option<&str>) -> Result<SignIn> {
        second_factor::verify::verify(&self.engine.0, &self.origin, body, device).await
    }

    /// What is asked of passwords where nothing more is known of whom.
    pub fn password_policy(&self) -> PasswordPolicyView {
        PasswordPolicyView::new(PasswordPolicy::default(), self.engine.0.identity.slots.hasher())
    }

    /// Asks for a way back into an account: `{email}`. Says nothing of whether there is one.
    pub async fn forgot_password(&self, body: &Json) -> Result<()> {
        password::forgot::forgot(&self.engine.0, body).await
    }

    /// Sets the password of whoever has the token of such a way: `{token, new_password}`.
    pub async fn reset_password(&self, body: &Json) -> Result<()> {
        password::reset::reset(&self.engine.0, &self.origin, body).await
    }

    /// Trades a refresh token for the next pair: `{refresh_token}`, or the one of the cookie.
    pub async fn refresh(&self, body: &Json, cookie: Option<CookieProof<'_>>) -> Result<Tokens> {
        refresh::refresh(&self.engine.0, &self.origin, body, cookie).await
    }

    /// Signs out whose cookie it is, as [`logout`] does.
    pub async fn logout(&self, cookie: CookieProof<'_>, body: Option<&Json>) -> Result<()> {
        logout::of_cookie(&self.engine.0, &self.origin, cookie, body).await
    }
}

#[cfg(test)]
mod tests;
