//! `cargo xtask openapi`: the platform's API document, as the binary prints it.

use std::fs;
use std::process::Command;

use crate::failure::Failure;
use crate::program::{self, Profile};

pub(crate) const HELP: &str = "\
Write docs/openapi.json anew, after a change of the API. A test holds the file to what the server serves.

Usage: cargo xtask openapi";

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    if let Some(option) = options.first() {
        return Err(Failure::unknown_option(option, HELP));
    }
    program::run(program::cargo().args(["build", "--locked", "--package", "insula", "--bin", "insula"]))?;
    let document = program::output(Command::new(program::built("insula", Profile::Debug)?).arg("openapi"))?;
    let file = program::root().join("docs/openapi.json");
    fs::write(&file, document).map_err(|cause| Failure::at("write", &file, &cause))?;
    println!("{} is written; look at what `git diff` says of it.", file.display());
    Ok(())
}
