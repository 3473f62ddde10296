//! The password of an account.

pub(crate) mod change;
pub(crate) mod forgot;
pub(crate) mod policy;
pub(crate) mod reset;

use crate::openapi::Schema;

/// A password to be set.
pub(crate) fn new_password() -> Schema {
    Schema::text(12, 128).described("`GET /auth/password-policy` tells what more is asked.")
}
