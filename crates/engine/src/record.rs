//! Records: reading, writing, and the plans behind both.

/// Compiled statements of one model.
#[derive(Default)]
pub(crate) struct Plans {}
