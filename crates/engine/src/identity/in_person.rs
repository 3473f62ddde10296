//! What only somebody who is signed in himself may do: to his password, his sessions, his keys. A program that calls with
//! a key has no part in it, whatever its scopes.

use insula_model::id::SessionId;
use insula_model::problem::{Code, Problem, Result};

use crate::scope::Scope;

/// A scope of a caller who is signed in.
pub struct InPerson {
    scope: Scope,
    session: SessionId,
}

impl InPerson {
    /// 403 to a program.
    pub fn of(scope: Scope) -> Result<Self> {
        match scope.caller().session() {
            Some(session) => Ok(Self { scope, session }),
            None => Err(Problem::new(Code::Forbidden, "An API key cannot do this. Sign in.")),
        }
    }

    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) const fn session(&self) -> SessionId {
        self.session
    }
}
