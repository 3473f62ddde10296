//! The policy as a whole.

pub(crate) mod matrix;
