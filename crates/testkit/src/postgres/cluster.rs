//! A PostgreSQL server of one test's own, for what cannot be seen on one that others use too.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{connect, given, rows};
use crate::strace::{Call, Watch, watched};

/// A running server in a folder of its own, watched from its start. Reached over a socket in that folder alone.
pub struct Cluster {
    server: Child,
    watch: Option<Watch>,
    folder: TempDir,
}

impl Cluster {
    /// The same programs under the same system account as the server that `cargo xtask test` provides, with
    /// PostgreSQL's own defaults for all that concerns durability; `settings` are further ones, like `fsync=on`.
    pub async fn watched(settings: &[&str]) -> Self {
        let shared = connect(&given(), "postgres").await;
        let ask = async |sql| rows(&shared, sql).await[0][0].clone().expect("one value");
        let programs = PathBuf::from(ask("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await);
        let data = ask("SHOW data_directory").await;
        let account = std::fs::metadata(&data).unwrap_or_else(|error| panic!("{data} is not on this machine: {error}"));
        let run = |mut command: Command| {
            command.uid(account.uid()).gid(account.gid()).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };

        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        chown(folder.path(), Some(account.uid()), Some(account.gid())).expect("the folder can be given away");
        let data = folder.path().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(&data);
        let made = run(initdb).current_dir(folder.path()).status().expect("`initdb` runs");
        assert!(made.success(), "{made}");

        let mut postgres = Command::new(programs.join("postgres"));
        let socket = format!("unix_socket_directories={}", folder.path().display());
        postgres.env("LC_ALL", "C").arg("-D").arg(&data).args(["-c", "listen_addresses=", "-c", &socket]);
        // What the server does in its own time would flush what the test watches a commit flush.
        for setting in ["autovacuum=off", "wal_writer_delay=10s", "bgwriter_lru_maxpages=0"].iter().chain(settings) {
            postgres.args(["-c", setting]);
        }
        let (postgres, mut watch) = watched(&postgres, &folder.path().join("trace"));
        let server = run(postgres).current_dir(folder.path()).spawn().expect("`strace` runs");
        let mut cluster = Self { server, watch: None, folder };
        watch.read_until("ready to accept connections");
        cluster.watch = Some(watch);
        cluster
    }

    /// The superuser's.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@/postgres?host={}", self.folder.path().display())
    }

    /// Stops the server, whoever is connected, and tells what its processes did.
    pub fn stop(mut self) -> Vec<Call> {
        self.end();
        self.watch.take().expect("it is being watched").calls()
    }

    fn end(&mut self) {
        if let Ok(None) = self.server.try_wait() {
            drop(Command::new("kill").args(["-INT", &self.server.id().to_string()]).status());
            drop(self.server.wait());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}
