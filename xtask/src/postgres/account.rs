//! The account PostgreSQL runs under: it refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::program;

#[derive(Clone, Copy)]
pub(super) enum Account {
    /// Whoever runs us.
    Own,
    /// The system user `postgres`, when root runs us.
    System { user: u32, group: u32 },
}

impl Account {
    pub(super) fn for_server() -> Result<Self, Failure> {
        if !program::is_root()? {
            return Ok(Self::Own);
        }
        let (user, group) = (program::id(&["-u", "postgres"]), program::id(&["-g", "postgres"]));
        match (user, group) {
            (Ok(user), Ok(group)) => Ok(Self::System { user, group }),
            _ => Err(Failure::new(
                "PostgreSQL does not run as root, and there is no system user `postgres` to run it as.\n\
                 Make one (`useradd --system postgres`) or run this as an ordinary user.",
            )),
        }
    }

    pub(super) fn run_as(self, command: &mut Command) {
        if let Self::System { user, group } = self {
            command.uid(user).gid(group);
        }
    }

    pub(super) fn own(self, path: &Path) -> Result<(), Failure> {
        match self {
            Self::Own => Ok(()),
            Self::System { user, group } => {
                chown(path, Some(user), Some(group)).map_err(|cause| Failure::at("give away", path, &cause))
            }
        }
    }
}
