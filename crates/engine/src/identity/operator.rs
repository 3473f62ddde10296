//! Who runs the installation. An [`Operator`] has no public constructor: only the authenticator makes one, from a
//! superuser's token for the platform. It reaches the platform's tables through [`crate::platform`], and no tenant's.

use std::sync::Arc;

use insula_model::id::{AccountId, SessionId};

use super::token::Subject;
use crate::engine::{Engine, Inner, Origin};

/// A verified superuser, for one request.
pub struct Operator {
    engine: Engine,
    account: AccountId,
    session: SessionId,
    email: Arc<str>,
    origin: Origin,
}

impl Operator {
    /// For the authenticator alone, once signature, session, account and standing have been checked.
    pub(super) const fn verified(engine: Engine, subject: Subject, email: Arc<str>, origin: Origin) -> Self {
        Self { engine, account: subject.account, session: subject.session, email, origin }
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) const fn session(&self) -> SessionId {
        self.session
    }

    pub(super) fn email(&self) -> &str {
        &self.email
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine.0
    }
}
