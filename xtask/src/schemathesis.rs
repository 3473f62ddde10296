//! schemathesis, which tries the server by its own API document: installed at the versions that are committed, under
//! the build folder, so that nothing of the machine's own Python is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::{packages, program};

const REQUIREMENTS: &str = "crates/testkit/openapi/requirements.txt";
const ADVICE: &str = "\
Python 3 with `venv` is not installed, and a test of the API document needs it.
  Debian, Ubuntu: sudo apt-get install python3-venv
  Fedora:         sudo dnf install python3
  macOS:          brew install python";

/// The program; installed first, unless these very versions are there.
pub(crate) fn ensure() -> Result<PathBuf, Failure> {
    let wanted = program::root().join(REQUIREMENTS);
    let versions = fs::read(&wanted).map_err(|cause| Failure::at("read", &wanted, &cause))?;
    let folder = program::target()?.join("schemathesis");
    let stamp = folder.join("installed.txt");
    let program = folder.join("bin/schemathesis");
    if program.is_file() && fs::read(&stamp).is_ok_and(|installed| installed == versions) {
        return Ok(program);
    }
    make_environment(&folder)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
    program::run(&mut pip)?;
    fs::write(&stamp, versions).map_err(|cause| Failure::at("write", &stamp, &cause))?;
    Ok(program)
}

/// Debian's Python comes without `venv`.
fn make_environment(folder: &Path) -> Result<(), Failure> {
    let make = || program::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if make().is_ok() {
        return Ok(());
    }
    packages::install("python3-venv", ADVICE)?;
    make().map(drop)
}
