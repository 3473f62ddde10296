//! A contender's process: started on a free port, watched, stopped.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Result;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// When the process was asked for.
    pub asked: Instant,
}

/// A first start fills a table or makes a database; nothing healthy takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

impl Server {
    /// Starts the command with its output going to the file `log`, and waits until it says where it listens.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log)?;
        let asked = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        loop {
            let text = std::fs::read_to_string(log)?;
            if let Some(port) = port_in(&text) {
                return Ok(Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), asked });
            }
            let ended = child.try_wait()?;
            if ended.is_some() || asked.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Err(format!("{command:?} does not listen ({ended:?}); it said: {text}").into());
            }
            sleep(Duration::from_micros(500));
        }
    }

    /// Resident memory now, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(kib.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    /// Asks the process to end, as an operator would, and waits for it.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                return Err("a server did not end when asked".into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Whatever ends the run, no process outlives it.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port of the first line that says `listening` and names an address on loopback.
fn port_in(log: &str) -> Option<u16> {
    // A line still being written may hold half a port.
    let whole = log.rsplit_once('\n')?.0;
    whole.lines().filter(|line| line.contains("listening")).find_map(|line| {
        let (_, rest) = line.split_once("127.0.0.1:")?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        for (log, expect) in [
            ("", None),
            ("listening on 127.0.0.1:80", None),
            ("listening on 127.0.0.1:8000\n", Some(8000)),
            ("starting 127.0.0.1:1\n{\"message\":\"listening\",\"address\":\"127.0.0.1:41234\"}\n", Some(41234)),
            ("{\"address\":\"127.0.0.1:41234\",\"event\":\"listening\"}\nmore\n", Some(41234)),
            ("listening\n", None),
        ] {
            assert_eq!(port_in(log), expect, "{log:?}");
        }
    }

    #[test]
    fn a_process_that_ends_is_reported_with_its_words() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let error = Server::start(Command::new("sh").args(["-c", "echo no database"]), log.path()).err().unwrap();
        assert!(error.to_string().contains("no database"), "{error}");
    }
}
