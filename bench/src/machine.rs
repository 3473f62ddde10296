//! Where and of what a run was made.

use std::path::Path;
use std::process::Command;

use insula_model::clock::Clock;

/// Cores, processor, memory, commit and day, in one line each of a list.
pub fn describe(root: &Path) -> String {
    let first = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().find(|line| line.starts_with(key)).and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processor = first("/proc/cpuinfo", "model name").unwrap_or_default();
    let kib = first("/proc/meminfo", "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    let memory = kib.unwrap_or(0) / 1024 / 1024;
    let commit = git(root, &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    let changed = git(root, &["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/performance.md"]);
    let changed = if changed.is_some_and(|files| !files.is_empty()) { ", with changes not committed" } else { "" };
    let day = Clock::default().now().to_string();
    let day = day.get(..10).unwrap_or_default();
    format!("- machine: {cores} cores ({processor}), {memory} GiB\n- commit: {commit}{changed}\n- day: {day}\n")
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
