//! A private PostgreSQL: a throw-away server in a temporary folder, for tests, benchmarks and `cargo xtask postgres`.
//!
//! Touches no server that is already installed or running. It is a server as in production where that matters to a
//! test: passwords are asked for, every commit is flushed, and the default collation is *not* that of code points, so
//! that a forgotten `COLLATE "C"` shows.

mod account;
mod place;
mod programs;

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::failure::Failure;
use crate::guardian::Guardian;
use crate::program;
use account::Account;
pub(crate) use place::Place;
use programs::Programs;

pub(crate) const HELP: &str = "\
Run the private PostgreSQL that the tests use until Ctrl-C, to run single tests by hand or from an editor.

Usage: cargo xtask postgres

Prints what to export. The data is gone when it ends.";

/// The folder goes away even if the server does not stop, and a server that ignores a polite request is killed. The pid
/// is read from the server's own file, which it removes when it ends: a pid that was used again is never hit.
const CLEANUP: &str = r#"
lock="$1/data/postmaster.pid"
tell() { pid=$(head -n 1 "$lock") && kill "-$1" "$pid"; }
tell INT
waited=0
while [ -e "$lock" ] && [ $waited -lt 300 ]; do
  sleep 0.1
  waited=$((waited + 1))
  [ $waited -eq 200 ] && tell QUIT
done
[ -e "$lock" ] && tell KILL
rm -rf "$1"
"#;

pub(crate) struct Postgres {
    programs: Programs,
    account: Account,
    folder: PathBuf,
    port: u16,
    password: String,
    _guardian: Guardian,
}

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    if let Some(option) = options.first() {
        return Err(Failure::unknown_option(option, HELP));
    }
    let postgres = Postgres::start(Place::Quick)?;
    println!("PostgreSQL runs until Ctrl-C. For the tests:\n");
    println!("  export INSULA_TEST_POSTGRES={}\n", postgres.url());
    println!("Its log: {}", postgres.log().display());
    loop {
        thread::park();
    }
}

impl Postgres {
    pub(crate) fn start(place: Place) -> Result<Self, Failure> {
        let programs = Programs::find()?;
        let account = Account::for_server()?;
        let folder = place.make_folder(account)?;
        let guardian = Guardian::over(folder.as_os_str(), CLEANUP)?;
        let postgres =
            Self { programs, account, folder, port: free_port()?, password: place::random_hex()?, _guardian: guardian };
        postgres.initialise()?;
        postgres.launch()?;
        Ok(postgres)
    }

    /// For the superuser, as the tests and the benchmark take it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The last lines of the server's log, to be shown when something that used it failed.
    pub(crate) fn log_tail(&self) -> String {
        const LINES: usize = 40;
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
        format!("The end of PostgreSQL's log:\n  {}", tail.join("\n  "))
    }

    fn initialise(&self) -> Result<(), Failure> {
        let password_file = self.folder.join("password");
        place::write_private(&password_file, &self.password, self.account)?;
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(self.folder.join("data")).arg("--pwfile").arg(&password_file);
        initdb.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        program::output(&mut initdb)?;
        fs::remove_file(&password_file).map_err(|cause| Failure::at("remove", &password_file, &cause))
    }

    /// Starts the server on the data that is there, and waits until it answers.
    fn launch(&self) -> Result<(), Failure> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories='{}' -c max_connections=300 \
             -c fsync=on -c full_page_writes=on -c synchronous_commit=on",
            self.port,
            self.folder.display()
        );
        let mut start = self.command("pg_ctl");
        start.args(["start", "-w", "-t", "60", "-D"]).arg(self.folder.join("data"));
        start.arg("-l").arg(self.log()).arg("-o").arg(OsStr::from_bytes(options.as_bytes()));
        program::output(&mut start).map(drop).map_err(|failure| Failure::new(format!("{failure}\n{}", self.log_tail())))
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.path(name));
        // PostgreSQL insists on a readable working folder, and ours need not be one for its account.
        command.current_dir(&self.folder).env("LC_ALL", "C");
        self.account.run_as(&mut command);
        command
    }
}

/// Asks the kernel. Somebody else may take the port before the server does; it then fails to start and says so.
fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Failure::new(format!("cannot get a free port on 127.0.0.1: {cause}")))
}
