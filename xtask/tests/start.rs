//! `cargo xtask start` as README says it: it serves, says what to do next, what it says works, and Ctrl-C ends it all.

#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test speaks")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

struct Started {
    xtask: Child,
    said: BufReader<ChildStdout>,
    address: SocketAddr,
    data: PathBuf,
}

impl Started {
    /// On a free port and an empty folder. It builds nothing: other tests run the same binary at the same time.
    fn with(options: &[&str]) -> Self {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let data = std::env::temp_dir().join(format!("insula-start-{}", address.port()));
        assert!(std::env::var_os("INSULA_BIN").is_some(), "no INSULA_BIN: run `cargo xtask test`");
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.arg("start").args(options).env("BIND_ADDRESS", address.to_string()).env("DATA_DIR", &data);
        let mut xtask = xtask.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(xtask.stdout.take().unwrap());
        Self { xtask, said, address, data }
    }

    /// What it says up to the line with `last`.
    fn read_until(&mut self, last: &str) -> String {
        let mut text = String::new();
        while !text.lines().next_back().is_some_and(|line| line.contains(last)) {
            let read = self.said.read_line(&mut text).unwrap();
            assert!(read > 0, "it ended without `{last}`:\n{text}");
        }
        text
    }

    /// Ctrl-C. Whatever it started holds its standard output too, which ends when the last of them has.
    fn interrupt(mut self) {
        let pid = self.xtask.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.xtask.wait().unwrap();
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.said, &mut rest).unwrap();
        assert!(TcpStream::connect(self.address).is_err(), "{} still answers", self.address);
        assert!(self.data.join("platform.db").is_file(), "{} holds no data", self.data.display());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // The guardian sees to what it has started.
        drop(self.xtask.kill());
        drop(self.xtask.wait());
        drop(fs::remove_dir_all(&self.data));
    }
}

/// What a shell prints that runs what the text shows indented.
fn run_shown(text: &str) -> String {
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("  ")).collect();
    let output = Command::new("sh").args(["-eu", "-c", &commands.join("\n")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{commands:#?}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("/docs/problems"), "{commands:#?}\n{said}");
    said
}

#[test]
fn start_serves_until_ctrl_c_and_what_it_tells_to_do_works() {
    let mut started = Started::with(&[]);
    let text = started.read_until("README.md goes on from there");
    assert!(text.contains(&format!("Insula answers at http://{}", started.address)), "{text}");
    let alive = Command::new("curl").args(["-fsS", &format!("http://{}/livez", started.address)]).output().unwrap();
    assert!(alive.status.success(), "{alive:?}");
    let (_, steps) = text.split_once("Make an organisation").unwrap();
    assert!(run_shown(steps).contains("access_token"));
    started.interrupt();
}

#[test]
fn start_with_the_demo_loads_it_and_its_questions_have_answers() {
    let mut started = Started::with(&["--demo"]);
    let loaded = started.read_until("Sign in:");
    assert!(loaded.contains("27004 records"), "{loaded}");
    let mut questions = String::new();
    for _ in 0..3 {
        questions += &started.read_until("count=exact");
    }
    let answers = run_shown(&questions);
    let totals: Vec<&str> = answers.split("\"total\":").skip(1).collect();
    assert_eq!(totals.len(), 3, "{answers}");
    assert!(!totals.iter().any(|total| total.starts_with('0')), "{answers}");
    started.interrupt();
}
