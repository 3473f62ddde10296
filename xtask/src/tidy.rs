//! `cargo xtask tidy`: the house rules that no lint knows.
//!
//! The rules are data, in `tidy/rules.rs`; the sizes of files are in `tidy/sizes.rs`.

mod rules;
mod sizes;
mod views;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::program;

pub(crate) const HELP: &str = "\
Check the house rules that no lint knows: sizes of files, what must not be named where, loose ends, white space.

Usage: cargo xtask tidy

Looks at every file that git tracks or would track. Each finding says what to do instead.";

/// A breach: where, and what to do instead.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    match options.first() {
        Some(option) => Err(Failure::unknown_option(option, HELP)),
        None => check(),
    }
}

pub(crate) fn check() -> Result<(), Failure> {
    let files = read_all(&listed()?)?;
    let mut findings: Vec<Finding> = files.iter().flat_map(|(path, text)| rules::check(path, text)).collect();
    let sizes = sizes::Sizes::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    findings.extend(sizes.findings());
    println!("{} files; {}", files.len(), sizes.summary());
    if findings.is_empty() {
        return Ok(());
    }
    for Finding { path, line, message } in &findings {
        println!("{path}:{line}: {message}");
    }
    Err(Failure::new(format!("tidy found {} things to put right", findings.len())))
}

/// Whether the path ends in one of these extensions, spelled as we spell them.
fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

/// New files count before they are committed; ignored ones do not.
fn listed() -> Result<Vec<String>, Failure> {
    let mut git = Command::new("git");
    // A build machine's checkout often belongs to another user, whom git would not trust by itself.
    git.args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]);
    let said = program::output(git.current_dir(program::root()))?;
    Ok(said.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The text files among `paths`. One that git lists and nobody finds has been deleted and not yet committed.
fn read_all(paths: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let place = program::root().join(path);
        if !place.is_file() || place.is_symlink() {
            continue;
        }
        let bytes = fs::read(&place).map_err(|cause| Failure::at("read", &place, &cause))?;
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            files.push((path.clone(), text));
        }
    }
    Ok(files)
}
