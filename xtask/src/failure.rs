//! Why a command ended: one message, written for the person at the terminal.

use std::fmt;
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A failed step on a file or folder: `what` reads after "cannot", as in "cannot read /tmp/x".
    pub(crate) fn at(what: &str, path: &Path, cause: &io::Error) -> Self {
        Self(format!("cannot {what} {}: {cause}", path.display()))
    }

    pub(crate) fn unknown_option(option: &str, help: &str) -> Self {
        Self(format!("there is no option `{option}` here\n\n{help}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
