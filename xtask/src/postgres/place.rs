//! Where the private server's folder lies.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use crate::failure::Failure;
use crate::program;

/// Room that a test run must find; a container's shared memory is often far smaller.
const QUICK_KIB: u64 = 2 * 1024 * 1024;

#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In memory where there is room: a test cares that a flush is asked for, not how long the disk takes.
    Quick,
    /// On a disk: a measurement in memory would flatter the server.
    Disk,
}

impl Place {
    pub(super) fn make_folder(self, account: Account) -> Result<PathBuf, Failure> {
        let folder = self.parent().join(format!("insula-postgres-{}", random_hex()?));
        DirBuilder::new().mode(0o700).create(&folder).map_err(|cause| Failure::at("make", &folder, &cause))?;
        account.own(&folder)?;
        Ok(folder)
    }

    fn parent(self) -> PathBuf {
        let memory = Path::new("/dev/shm");
        let disk = Path::new("/var/tmp");
        match self {
            Self::Quick if free_kib(memory).is_some_and(|free| free >= QUICK_KIB) => memory.to_owned(),
            Self::Disk if disk.is_dir() => disk.to_owned(),
            _ => env::temp_dir(),
        }
    }
}

/// 128 random bits from the operating system.
pub(super) fn random_hex() -> Result<String, Failure> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|cause| Failure::at("read", source, &cause))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A file only the server's account can read.
pub(super) fn write_private(path: &Path, content: &str, account: Account) -> Result<(), Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|cause| Failure::at("write", path, &cause))?;
    account.own(path)
}

fn free_kib(folder: &Path) -> Option<u64> {
    if !fs::metadata(folder).ok()?.is_dir() {
        return None;
    }
    available(&program::output(Command::new("df").arg("-Pk").arg(folder)).ok()?)
}

/// The fourth column of the second line, which POSIX promises for `df -Pk`.
fn available(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_room_left() {
        let table = [
            (
                "Filesystem 1024-blocks Used Available Capacity Mounted on\ntmpfs 65536 0 65535 1% /dev/shm\n",
                Some(65_535),
            ),
            ("Filesystem 1024-blocks Used Available Capacity Mounted on\n", None),
            ("", None),
        ];
        for (said, expected) in table {
            assert_eq!(available(said), expected, "{said}");
        }
    }
}
