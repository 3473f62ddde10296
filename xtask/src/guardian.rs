//! A guardian cleans up after us, however we end.
//!
//! Ctrl-C, `kill -9` and a closed terminal leave no room for a destructor, and the standard library handles no
//! signals. So a small shell waits, in a process group of its own where Ctrl-C does not reach it, for the pipe we hold
//! to close, which the kernel sees to. Every end, the orderly one too, takes this one path.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;

/// `$1` and so on are the guardian's arguments; the clean-up follows.
const WAIT: &str = "trap '' INT TERM HUP\nwhile read -r _; do :; done\n";

pub(crate) struct Guardian(Child);

impl Guardian {
    /// Runs `cleanup`, a shell script, with `argument` as its `$1`, once this value or this process is gone.
    pub(crate) fn over(argument: &OsStr, cleanup: &str) -> Result<Self, Failure> {
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{WAIT}{cleanup}"))
            .arg("xtask-guardian")
            .arg(argument)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|cause| Failure::new(format!("cannot run `sh`: {cause}")))?;
        Ok(Self(child))
    }

    /// Begins the clean-up; dropping the guardian waits for its end.
    pub(crate) fn let_go(&mut self) {
        drop(self.0.stdin.take());
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.let_go();
        // Nothing is left to do about a guardian that cannot be waited for.
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn cleans_up_when_dropped_and_not_before() {
        let file = std::env::temp_dir().join(format!("insula-guardian-{}", std::process::id()));
        fs::write(&file, "still here").unwrap();
        let guardian = Guardian::over(file.as_os_str(), "rm -f \"$1\"").unwrap();
        assert!(file.exists());
        drop(guardian);
        assert!(!file.exists());
    }
}
