//! `cargo xtask test`: everything a change must pass, cheapest first.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::postgres::{Place, Postgres};
use crate::program::{self, Profile};
use crate::{packages, schemathesis, tidy};

pub(crate) const HELP: &str = "\
Everything a change must pass; stops at the first failure.

Usage: cargo xtask test [-- <arguments for the test runner>]

In order: formatting, tidy, lints, building (tests start and kill the `insula` binary), a private PostgreSQL, the
tests on both stores, the examples in the documentation. One of the tests is schemathesis, which is installed under the
build folder with the machine's Python 3. Tests run under cargo-nextest where it is installed, else under
`cargo test`. What follows `--` goes to it, such as a part of a test's name:

  cargo xtask test -- records::list

PostgreSQL 15 or newer must be installed (root on Debian: it is installed for you); none that is running is touched.";

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    let filter = match options.split_first() {
        None => options,
        Some((dashes, filter)) if dashes == "--" => filter,
        Some((option, _)) => return Err(Failure::unknown_option(option, HELP)),
    };
    let begun = Instant::now();
    step("Formatting", || program::run(program::cargo().args(["fmt", "--all", "--check"])))?;
    step("Tidy", tidy::check)?;
    step("Lints", || {
        let mut clippy = program::cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
        program::run(&mut clippy)
    })?;
    // With the tests in one selection, so that every crate is built once: cargo unites features by selection.
    step("Building", || program::run(program::cargo().args(["build", "--workspace", "--all-targets", "--locked"])))?;
    let postgres = step("A private PostgreSQL", || {
        packages::require_strace()?;
        Postgres::start(Place::Quick)
    })?;
    let schemathesis = step("schemathesis", schemathesis::ensure)?;
    let mut surroundings = surroundings(&postgres, Profile::Debug)?.to_vec();
    surroundings.push(("INSULA_SCHEMATHESIS", schemathesis.into_os_string()));
    step("Tests", || program::run(runner(filter).envs(surroundings.clone())))
        .and_then(|()| step("Examples in the documentation", || program::run(doc_tests().envs(surroundings.clone()))))
        .map_err(|failure| Failure::new(format!("{}\n\n{failure}", postgres.log_tail())))?;
    step("Stopping PostgreSQL", || {
        drop(postgres);
        Ok(())
    })?;
    println!("\nAll passed in {}.", shown(begun.elapsed()));
    Ok(())
}

/// What tests and benchmarks find in their environment.
pub(crate) fn surroundings(postgres: &Postgres, profile: Profile) -> Result<[(&'static str, OsString); 2], Failure> {
    Ok([
        ("INSULA_TEST_POSTGRES", postgres.url().into()),
        ("INSULA_BIN", program::built("insula", profile)?.into_os_string()),
    ])
}

fn runner(filter: &[String]) -> Command {
    let mut tests = program::cargo();
    if program::folder_on_path(&["cargo-nextest"]).is_some() {
        tests.args(["nextest", "run", "--workspace", "--locked"]);
    } else {
        println!("cargo-nextest is not installed: `cargo test` runs the same tests, more slowly.");
        tests.args(["test", "--workspace", "--all-targets", "--locked"]);
    }
    tests.args(filter);
    tests
}

/// Apart, since nextest leaves them out.
fn doc_tests() -> Command {
    let mut tests = program::cargo();
    tests.args(["test", "--doc", "--workspace", "--locked"]);
    tests
}

fn step<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("\n== {name}");
    let begun = Instant::now();
    let outcome = work();
    let end = if outcome.is_ok() { "done in" } else { "FAILED after" };
    println!("== {name}: {end} {}", shown(begun.elapsed()));
    outcome
}

fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}
