//! Who asks. A [`Caller`] has no public constructor: only the authenticator makes one, from a verified credential.

use std::sync::Arc;

use insula_model::id::{AccountId, ApiKeyId, SessionId, TenantId};
use insula_model::rights::KeyScope;

use crate::store::Placement;

/// A verified caller in one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    account: AccountId,
    credential: Credential,
    placement: Placement,
    email: Arc<str>,
}

/// What was shown of the caller.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// He is signed in.
    Session(SessionId),
    /// A program acts in his place.
    Key(Arc<Key>),
}

/// An API key: it reaches what both the caller and its scopes reach.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: ApiKeyId,
    pub(crate) scopes: Arc<[KeyScope]>,
}

impl Caller {
    /// For the authenticator alone, once signature, session (or key), account, membership and tenant have been
    /// checked.
    pub(crate) const fn verified(
        account: AccountId,
        credential: Credential,
        placement: Placement,
        email: Arc<str>,
    ) -> Self {
        Self { account, credential, placement, email }
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// None of a program.
    pub(crate) const fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::Key(_) => None,
        }
    }

    /// None of somebody who is signed in.
    pub(crate) fn key(&self) -> Option<&Key> {
        match &self.credential {
            Credential::Session(_) => None,
            Credential::Key(key) => Some(key),
        }
    }

    pub const fn tenant(&self) -> TenantId {
        self.placement.tenant
    }

    pub(crate) const fn placement(&self) -> Placement {
        self.placement
    }

    pub fn email(&self) -> &str {
        &self.email
    }

    pub(crate) fn email_shared(&self) -> Arc<str> {
        Arc::clone(&self.email)
    }
}
