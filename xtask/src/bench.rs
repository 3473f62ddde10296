//! `cargo xtask bench`: the release build measured against its floor, with a PostgreSQL beside it.

use crate::failure::Failure;
use crate::postgres::{Place, Postgres};
use crate::program::{self, Profile};
use crate::test;

pub(crate) const HELP: &str = "\
Measure the release build of Insula against its floor, on both stores.

Usage: cargo xtask bench [arguments for the benchmark]

Builds `insula` and the benchmark in release and runs the benchmark beside a private PostgreSQL, which lies on a disk.

With `--tenants 1000` it measures instead what so many tenants cost next to ten.

All arguments go to the benchmark; `cargo xtask bench -- --help` tells which there are.";

/// The product's twin that makes tenants without the cost of a password's hash.
const QUICK_HASH: &str = "insula-quick-hash";

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    let arguments = match options.split_first() {
        Some((dashes, arguments)) if dashes == "--" => arguments,
        _ => options,
    };
    program::run(program::cargo().args(["build", "--release", "--locked", "--package", "insula", "--bin", "insula"]))?;
    program::run(program::cargo().args(["build", "--release", "--locked", "--package", "insula-bench"]))?;
    if arguments.iter().any(|argument| argument.starts_with("--tenants")) {
        let twin = ["build", "--release", "--locked", "--package", "insula-testkit", "--bin", QUICK_HASH];
        program::run(program::cargo().args(twin))?;
    }
    let postgres = Postgres::start(Place::Disk)?;
    let mut bench = program::cargo();
    bench.args(["run", "--quiet", "--release", "--locked", "--package", "insula-bench", "--"]).args(arguments);
    bench.env("INSULA_QUICK_HASH_BIN", program::built(QUICK_HASH, Profile::Release)?);
    program::run(bench.envs(test::surroundings(&postgres, Profile::Release)?))
        .map_err(|failure| Failure::new(format!("{}\n\n{failure}", postgres.log_tail())))
}
