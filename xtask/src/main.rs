//! `cargo xtask`: the house's commands.
//!
//! Knows how to build, start, test and measure Insula on a contributor's machine. Uses the standard library alone, so
//! that it compiles in a second, and links to none of the product's crates: what it starts is the real binary.

mod bench;
mod failure;
mod guardian;
mod openapi;
mod packages;
mod postgres;
mod program;
mod schemathesis;
mod start;
mod test;
mod tidy;

use std::env;
use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
The house's commands.

Usage: cargo xtask <command> [options]

Commands:
  start     build Insula and run it on the embedded store at http://127.0.0.1:8000
  test      everything a change must pass: format, tidy, lints, tests on both stores
  bench     measure the release build against its floor, on both stores
  postgres  run the private PostgreSQL that the tests use, to run single tests by hand
  openapi   write docs/openapi.json anew, after a change of the API
  tidy      the house rules that no lint knows (also part of `test`)

`cargo xtask <command> --help` tells more.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

type Run = fn(&[String]) -> Result<(), Failure>;

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((command, options)) = arguments.split_first() else {
        return Err(Failure::new(format!("a command is missing\n\n{HELP}")));
    };
    let (help, run): (&str, Run) = match command.as_str() {
        "start" => (start::HELP, start::run),
        "test" => (test::HELP, test::run),
        "bench" => (bench::HELP, bench::run),
        "openapi" => (openapi::HELP, openapi::run),
        "postgres" => (postgres::HELP, postgres::run),
        "tidy" => (tidy::HELP, tidy::run),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            return Ok(());
        }
        other => return Err(Failure::new(format!("there is no command `{other}`\n\n{HELP}"))),
    };
    if matches!(options.first().map(String::as_str), Some("--help" | "-h")) {
        println!("{help}");
        return Ok(());
    }
    run(options)
}
