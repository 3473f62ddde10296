//! Who asks. A [`Caller`] has no public constructor: only the authenticator makes one, from a verified credential.

use std::sync::Arc;

use insula_model::id::{AccountId, SessionId, TenantId};

use crate::store::Placement;

/// A verified caller in one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    account: AccountId,
    session: SessionId,
    placement: Placement,
    email: Arc<str>,
}

impl Caller {
    /// For the authenticator alone, once signature, session, account, membership and tenant have been checked.
    pub(crate) const fn verified(
        account: AccountId,
        session: SessionId,
        placement: Placement,
        email: Arc<str>,
    ) -> Self {
        Self { account, session, placement, email }
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }

    pub const fn session(&self) -> SessionId {
        self.session
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
