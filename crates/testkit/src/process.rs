//! The real binary as a process of its own, for what only a process can show: its exit code, its log, its death.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use crate::app::SECRET_KEY;
use crate::caller::Caller;
use crate::store::Place;

/// `insula serve` on a free port. Killed when dropped.
pub struct Process {
    child: Child,
    /// Reads on, so that a log nobody looks at never fills its pipe.
    rest: JoinHandle<Vec<String>>,
    url: String,
    /// The lines of the log up to the one that says where it listens.
    pub log: Vec<String>,
}

/// `insula serve` over `place` with nothing else in its environment; a test adds what it is about.
pub fn serve(place: &Place) -> Command {
    insula(place, &["serve"])
}

/// `insula` with these arguments over `place`.
pub fn insula(place: &Place, args: &[&str]) -> Command {
    let mut command = binary();
    command.args(args);
    command.env("BIND_ADDRESS", "127.0.0.1:0").env("DATA_DIR", place.data_dir.path()).env("SECRET_KEY", SECRET_KEY);
    if let Some(database) = &place.database {
        command.env("DATABASE_URL", database.url());
    }
    command
}

/// `insula serve` with an empty environment.
pub fn bare() -> Command {
    let mut command = binary();
    command.arg("serve");
    command
}

fn binary() -> Command {
    let binary = std::env::var_os("INSULA_BIN").expect("no INSULA_BIN: run `cargo xtask test`");
    let mut command = Command::new(binary);
    command.env_clear().stdin(Stdio::null());
    command
}

impl Process {
    /// Runs `command` until its log says where it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output is ours"));
        let mut log = Vec::new();
        let port = loop {
            let mut line = String::new();
            // A line that cannot be read is the end of it too.
            if stdout.read_line(&mut line).unwrap_or(0) == 0 {
                break None;
            }
            log.push(line.trim_end().to_owned());
            if let Some(port) = listening_port(&line) {
                break Some(port);
            }
        };
        let Some(port) = port else {
            let status = child.wait();
            panic!("insula ended before it listened: {status:?}\n{}", log.join("\n"));
        };
        let rest = std::thread::spawn(move || stdout.lines().map_while(Result::ok).collect());
        Self { child, rest, url: format!("http://127.0.0.1:{port}"), log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn anonymous(&self) -> Caller {
        Caller::anonymous(&self.url)
    }

    /// `kill -9`: no warning, no clean-up.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM; gives the exit status and what was left of the log.
    pub fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("`kill` runs");
        assert!(sent.success(), "no process {pid}");
        let status = self.child.wait().expect("the process ends");
        let nothing = std::thread::spawn(Vec::new);
        (status, std::mem::replace(&mut self.rest, nothing).join().expect("the log is read"))
    }

    fn end(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The port of a line of either format that says `listening`.
fn listening_port(line: &str) -> Option<u16> {
    let (_, rest) = line.contains("listening").then(|| line.split_once("127.0.0.1:"))??;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listening_port;

    #[test]
    fn the_port_is_read_from_either_format() {
        let check = |line: &str, expect: Option<u16>| assert_eq!(listening_port(line), expect, "{line}");
        check("2026-01-01T00:00:00Z  INFO insula::application: listening address=127.0.0.1:41234\n", Some(41234));
        check(r#"{"level":"INFO","message":"listening","address":"127.0.0.1:80","target":"x"}"#, Some(80));
        check("INFO request 127.0.0.1:80", None);
        check("INFO listening", None);
    }
}
