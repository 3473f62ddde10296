//! The authenticator of an account.

pub(crate) mod confirm;
pub(crate) mod enrol;
pub(crate) mod remove;
