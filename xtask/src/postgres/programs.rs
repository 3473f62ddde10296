//! Finding PostgreSQL's programs.
//!
//! Without them the tests of one of the two stores cannot run, and tests that did not run are a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::packages;
use crate::program;

const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
const DEBIAN: &str = "/usr/lib/postgresql";
const OLDEST: u32 = 15;
const ADVICE: &str = "\
PostgreSQL is not installed, and half of the tests need it.
  Debian, Ubuntu: sudo apt-get install postgresql
  Fedora:         sudo dnf install postgresql-server
  macOS:          brew install postgresql@17, and its bin folder on PATH
`initdb`, `pg_ctl` and `postgres` are looked for on PATH and in /usr/lib/postgresql/*/bin.";

/// The folder that holds `initdb`, `pg_ctl` and `postgres`.
pub(super) struct Programs(PathBuf);

impl Programs {
    pub(super) fn find() -> Result<Self, Failure> {
        let found = match installed() {
            Some(found) => found,
            None => install()?,
        };
        let version = program::output(Command::new(found.join("postgres")).arg("--version"))?;
        match major(&version) {
            Some(major) if major >= OLDEST => Ok(Self(found)),
            _ => Err(Failure::new(format!(
                "PostgreSQL {OLDEST} or newer is needed; {} is `{}`.",
                found.display(),
                version.trim()
            ))),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn installed() -> Option<PathBuf> {
    program::folder_on_path(&NEEDED).or_else(|| newest_in(Path::new(DEBIAN)))
}

/// Debian keeps each major version in a folder of its own, outside `PATH`.
fn newest_in(debian: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(debian).ok()?.filter_map(Result::ok);
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| NEEDED.iter().all(|name| bin.join(name).is_file()))
        .max()
        .map(|(_, bin)| bin)
}

fn install() -> Result<PathBuf, Failure> {
    packages::install("postgresql", ADVICE)?;
    installed().ok_or_else(|| Failure::new(format!("`postgresql` was installed, yet {DEBIAN} holds no server")))
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` is 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
    number.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        let table = [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres", None),
        ];
        for (said, expected) in table {
            assert_eq!(major(said), expected, "{said}");
        }
    }
}
