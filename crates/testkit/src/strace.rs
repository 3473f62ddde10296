//! What a process asks of the kernel, in order. Needs no rights of its own: `strace` starts the process it watches.

use std::collections::HashMap;
use std::fs;
use std::io::{PipeReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Input and output, and what makes it durable.
const CALLS: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync";

/// A process being watched.
pub struct Watch {
    file: PathBuf,
    /// Ends when the process and `strace` are both gone: the file is whole by then.
    ended: PipeReader,
}

/// One system call that returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub thread: String,
    pub name: String,
    /// As `strace` prints it: `3</tmp/x>, "abc", 3) = 3`.
    pub text: String,
    /// Where it was entered and left, in one order over all threads.
    pub entered: usize,
    pub left: usize,
}

/// `command`, to be started as before, and what will be seen of it. The process stays the child of whoever starts it:
/// `strace` stands beside it, not between. Its standard error is taken.
pub fn watched(command: &Command, file: &Path) -> (Command, Watch) {
    let (ended, held) = std::io::pipe().expect("a pipe");
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-y", "-s", "4096", "-e", "signal=none", "-e", CALLS, "-o"]).arg(file);
    strace.arg(command.get_program()).args(command.get_args()).env_clear();
    // `strace` itself is looked for on the path, and so is nothing else.
    strace.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).stderr(held);
    (strace, Watch { file: file.to_owned(), ended })
}

impl Watch {
    /// Waits until it says `word` on its standard error.
    pub fn read_until(&mut self, word: &str) {
        let mut said = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&said).contains(word) {
            let read = self.ended.read(&mut byte).expect("its standard error can be read");
            assert!(read > 0, "it ended without saying `{word}`:\n{}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&byte);
        }
    }

    /// All it asked for. Waits for its end, which is the caller's to bring about.
    pub fn calls(mut self) -> Vec<Call> {
        let mut said = String::new();
        self.ended.read_to_string(&mut said).expect("its standard error ends");
        let calls = parse(&fs::read_to_string(&self.file).unwrap_or_default());
        assert!(!calls.is_empty(), "`strace` saw nothing: it must be installed, and allowed to trace a child\n{said}");
        calls
    }
}

impl Call {
    pub fn receives(&self) -> bool {
        ["read", "readv", "recvfrom", "recvmsg"].contains(&self.name.as_str())
    }

    pub fn sends(&self) -> bool {
        ["write", "writev", "sendto", "sendmsg"].contains(&self.name.as_str())
    }

    /// Writes to a file whose path holds `path`.
    pub fn writes(&self, path: &str) -> bool {
        ["write", "writev", "pwrite64", "pwritev"].contains(&self.name.as_str()) && self.file().contains(path)
    }

    /// Has made such a file durable.
    pub fn syncs(&self, path: &str) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str()) && self.file().contains(path) && self.text.ends_with("= 0")
    }

    /// The descriptor and what it stands for: `3</tmp/x>`.
    pub fn file(&self) -> &str {
        self.text.split([',', ')']).next().unwrap_or_default()
    }
}

/// The first call entered after `after` that is `wanted`.
#[track_caller]
pub fn first<'c>(calls: &'c [Call], after: usize, what: &str, wanted: impl Fn(&Call) -> bool) -> &'c Call {
    let mut found: Vec<_> = calls.iter().filter(|call| call.entered > after && wanted(call)).collect();
    found.sort_by_key(|call| call.entered);
    found.first().copied().unwrap_or_else(|| panic!("never: {what}"))
}

/// Whether the last write to `path` between two moments was made durable between them. What is written and not
/// flushed by then does not count as written.
#[track_caller]
pub fn assert_durable(calls: &[Call], path: &str, after: usize, before: usize) {
    let between = |call: &&Call| call.entered > after && call.left < before;
    let within: Vec<_> = calls.iter().filter(between).collect();
    let written = within.iter().filter(|call| call.writes(path)).map(|call| call.left).max();
    let written = written.unwrap_or_else(|| panic!("nothing was written to {path} in time:\n{within:#?}"));
    let durable = within.iter().any(|call| call.entered > written && call.syncs(path));
    assert!(durable, "{path} was written and not flushed in time:\n{within:#?}");
}

/// Calls in the order of their ends. One that was under way when another thread's was printed stands in two lines.
fn parse(text: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut begun: HashMap<&str, Call> = HashMap::new();
    for (at, line) in (1..).zip(text.lines()) {
        let Some((thread, line)) = line.split_once(' ') else { continue };
        let line = line.trim_start();
        let call = if let Some(rest) = line.strip_prefix("<... ") {
            let Some(mut call) = begun.remove(thread) else { continue };
            let Some((_, rest)) = rest.split_once(" resumed>") else { continue };
            call.text.push_str(rest);
            call.left = at;
            call
        } else {
            let Some((name, text)) = line.split_once('(') else { continue };
            let text = text.to_owned();
            Call { thread: thread.to_owned(), name: name.to_owned(), text, entered: at, left: at }
        };
        match call.text.strip_suffix(" <unfinished ...>").map(str::to_owned) {
            Some(text) => drop(begun.insert(thread, Call { text, ..call })),
            None => calls.push(call),
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "\
        10 pwrite64(3</t/a-wal>, \"x\", 1, 0) = 1\n\
        11 recvfrom(7<socket:[1]>, \"GET\", 8192, 0, NULL, NULL) = 3\n\
        10 fdatasync(3</t/a-wal> <unfinished ...>\n\
        11 sendto(7<socket:[1]>, \"no\", 2, 0, NULL, 0) = 2\n\
        10 <... fdatasync resumed>)          = 0\n\
        10 sendto(8<socket:[2]>, \"yes\", 3, 0, NULL, 0) = 3\n\
        10 +++ exited with 0 +++\n";

    fn durable(text: &str) -> bool {
        let calls = parse(text);
        let answer = first(&calls, 0, "yes", |call| call.sends() && call.text.contains("yes")).entered;
        std::panic::catch_unwind(|| assert_durable(&calls, "a-wal", 0, answer)).is_ok()
    }

    #[test]
    fn a_call_in_two_lines_is_one() {
        let calls = parse(SOUND);
        assert_eq!(calls.len(), 5);
        let sync = calls.iter().find(|call| call.syncs("/t/a-wal")).unwrap();
        assert_eq!((sync.entered, sync.left, sync.file()), (3, 5, "3</t/a-wal>"));
        assert_eq!(first(&calls, 4, "a send", Call::sends).file(), "8<socket:[2]>");
    }

    #[test]
    fn only_a_flush_after_the_write_and_before_the_answer_counts() {
        assert!(durable(SOUND));
        let flush = "10 fdatasync(3</t/a-wal> <unfinished ...>\n";
        let flushed = "10 <... fdatasync resumed>)          = 0\n";
        let answer = "10 sendto(8<socket:[2]>, \"yes\", 3, 0, NULL, 0) = 3\n";
        for (name, broken) in [
            ("none", SOUND.replace(flush, "").replace(flushed, "")),
            ("too early", format!("{flush}{flushed}{}", SOUND.replace(flush, "").replace(flushed, ""))),
            ("too late", SOUND.replace(answer, "").replace(flushed, &format!("{answer}{flushed}"))),
            ("of another file", SOUND.replace("fdatasync(3</t/a-wal>", "fdatasync(4</t/b-wal>")),
            ("failed", SOUND.replace("resumed>)          = 0", "resumed>) = -1 EIO (Input/output error)")),
        ] {
            assert!(!durable(&broken), "{name}\n{broken}");
        }
    }
}
