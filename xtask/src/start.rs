//! `cargo xtask start`: Insula on the embedded store, ready to be tried.

mod ready;

use std::env;
use std::ffi::{OsStr, OsString};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::failure::Failure;
use crate::guardian::Guardian;
use crate::program::{self, Profile};

pub(crate) const HELP: &str = "\
Build Insula and run it on the embedded store until Ctrl-C.

Usage: cargo xtask start [--demo] [--release]

  --demo     then make the organisation `flights` and load real data into it
  --release  build with optimisations: slower to build, faster to run

It listens on http://127.0.0.1:8000 and keeps its files in ./data; BIND_ADDRESS and DATA_DIR say otherwise. DATABASE_URL
is not looked at: to run on PostgreSQL, run `insula serve` itself. Where INSULA_BIN names a binary, that one is run and
nothing is built.";

/// The server is in a process group of its own: Ctrl-C reaches us alone, and the guardian then sends the server one
/// signal, never two, so that it may end what it has begun.
const CLEANUP: &str = r#"
kill -TERM "$1" || exit 0
waited=0
while kill -0 "$1"; do
  sleep 0.1
  waited=$((waited + 1))
  [ $waited -eq 150 ] && kill -KILL "$1" && exit 0
done
"#;

struct Options {
    demo: bool,
    profile: Profile,
}

struct Server {
    child: Child,
    guardian: Guardian,
}

pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    let Options { demo, profile } = Options::parse(options)?;
    let address = address()?;
    // Asked before the build, which may take minutes.
    TcpListener::bind(address).map_err(|cause| {
        Failure::new(format!(
            "{address} is not free ({cause}).\nIs Insula running already? End what listens there, or choose another \
             address: BIND_ADDRESS=127.0.0.1:8010 cargo xtask start"
        ))
    })?;
    let binary = if let Some(given) = env::var_os("INSULA_BIN") {
        println!("Nothing is built: INSULA_BIN is {}", given.display());
        PathBuf::from(given)
    } else {
        build(demo, profile)?;
        program::built("insula", profile)?
    };

    let mut server = Server::start(address, &binary)?;
    ready::wait(address, || server.ended())?;
    let url = format!("http://{address}");
    println!("\nInsula answers at {url}; Ctrl-C ends it.\n");
    if demo {
        let mut loader = Command::new(program::built("insula-demo", profile)?);
        program::run(loader.arg("--url").arg(&url).current_dir(program::root()))?;
    } else {
        println!("{}", next_steps(&url));
    }
    server.wait()
}

impl Options {
    fn parse(options: &[String]) -> Result<Self, Failure> {
        let mut parsed = Self { demo: false, profile: Profile::Debug };
        for option in options {
            match option.as_str() {
                "--demo" => parsed.demo = true,
                "--release" => parsed.profile = Profile::Release,
                other => return Err(Failure::unknown_option(other, HELP)),
            }
        }
        Ok(parsed)
    }
}

fn address() -> Result<SocketAddr, Failure> {
    let text = env::var("BIND_ADDRESS").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(address),
        _ => Err(Failure::new(format!("BIND_ADDRESS is `{text}`; here it must be like 127.0.0.1:8000"))),
    }
}

fn build(demo: bool, profile: Profile) -> Result<(), Failure> {
    let mut build = program::cargo();
    // The workspace as a whole, so that `--demo` does not build the shared crates anew with other features.
    build.args(["build", "--workspace", "--locked", "--bin", "insula"]);
    if demo {
        build.args(["--bin", "insula-demo"]);
    }
    if matches!(profile, Profile::Release) {
        build.arg("--release");
    }
    program::run(&mut build)
}

fn next_steps(url: &str) -> String {
    format!(
        "Make an organisation and its owner:\n\n  \
         curl -s {url}/api/v1/auth/register -H 'Content-Type: application/json' -d '{{\n    \
         \"tenant\": {{\"code\": \"acme\", \"name\": \"Acme\"}}, \"full_name\": \"Ada Byron\",\n    \
         \"email\": \"ada@example.com\", \"password\": \"three-small-boats-at-sea\"}}'\n\n\
         README.md goes on from there; `cargo xtask start --demo` loads real data instead.\n"
    )
}

impl Server {
    fn start(address: SocketAddr, binary: &Path) -> Result<Self, Failure> {
        let data = env::var_os("DATA_DIR").unwrap_or_else(|| OsString::from("./data"));
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .current_dir(program::root())
            .env("BIND_ADDRESS", address.to_string())
            .env("DATA_DIR", data);
        // A line for each request would bury what is to be read here.
        if env::var_os("LOG_LEVEL").is_none() {
            command.env("LOG_LEVEL", "warn");
        }
        // A DATABASE_URL lying about in the shell is some other project's.
        command.env_remove("DATABASE_URL").env_remove("SQLALCHEMY_DATABASE_URL").process_group(0);
        let child = command.spawn().map_err(|cause| Failure::at("run", binary, &cause))?;
        let guardian = Guardian::over(OsStr::new(&child.id().to_string()), CLEANUP)?;
        Ok(Self { child, guardian })
    }

    /// Fails if the server is gone.
    fn ended(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Failure::new(format!("insula ended before it was ready ({status})"))),
            Err(cause) => Err(Failure::new(format!("cannot ask after insula: {cause}"))),
        }
    }

    fn wait(&mut self) -> Result<(), Failure> {
        let status = self.child.wait().map_err(|cause| Failure::new(format!("cannot wait for insula: {cause}")))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("insula ended ({status})"))) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.guardian.let_go();
        // The guardian watches the pid, which stays taken until the server has been waited for.
        drop(self.child.wait());
    }
}
