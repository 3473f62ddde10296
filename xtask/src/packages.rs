//! Programs that the tests need besides Rust: installed where that is one safe command, asked for elsewhere.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::program;

/// Installs a Debian package when root runs us on Debian, as on a build machine that has only Rust. Everywhere else
/// fails with `advice`: what is on somebody's own machine is for them to decide.
pub(crate) fn install(package: &str, advice: &str) -> Result<(), Failure> {
    if !Path::new("/etc/debian_version").exists() || !program::is_root()? {
        return Err(Failure::new(advice));
    }
    println!("installing the package `{package}`");
    apt_get(&["update"])?;
    apt_get(&["install", "-y", "--no-install-recommends", package])
}

/// A test of durability watches system calls with `strace`, which only Linux has.
pub(crate) fn require_strace() -> Result<(), Failure> {
    if !cfg!(target_os = "linux") || program::folder_on_path(&["strace"]).is_some() {
        return Ok(());
    }
    install(
        "strace",
        "strace is not installed, and a test of durability needs it.\n  \
         Debian, Ubuntu: sudo apt-get install strace\n  \
         Fedora:         sudo dnf install strace",
    )
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    program::run(Command::new("apt-get").arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
