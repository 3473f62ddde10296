//! The mails of a server that has no mail server: files in its folder.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::Place;

/// A mail is sent behind the answer to the request that caused it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail as it was written.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    /// All of it, its transfer encoding undone.
    pub text: String,
}

impl Mail {
    pub fn parse(raw: &str) -> Self {
        // Quoted-printable (RFC 2045 §6.7), as far as it concerns ASCII.
        let text = raw.replace("\r\n", "\n").replace("=\n", "").replace("=3D", "=");
        let header = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim_matches([' ', '<', '>']).to_owned()
        };
        Self { to: header("To:"), subject: header("Subject:"), text }
    }

    /// What follows `start` up to the end of the word.
    #[track_caller]
    pub fn after(&self, start: &str) -> &str {
        let rest = self.text.split_once(start).unwrap_or_else(|| panic!("no {start}: {self:?}")).1;
        rest.split(|c: char| c.is_whitespace() || c == '"').next().unwrap_or(rest)
    }
}

/// The mails in a data folder so far, oldest first.
pub fn mails(data_dir: &Path) -> Vec<Mail> {
    let Ok(folder) = std::fs::read_dir(data_dir.join("mails")) else { return Vec::new() };
    let files = folder.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    // Named by ids that ascend.
    files.sort();
    files.iter().map(|file| Mail::parse(&std::fs::read_to_string(file).expect("a mail can be read"))).collect()
}

/// The mail to `to` in a data folder, once there is one.
pub async fn mail_to(data_dir: &Path, to: &str) -> Mail {
    let begun = Instant::now();
    loop {
        if let Some(found) = mails(data_dir).into_iter().find(|mail| mail.to == to) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "no mail to {to}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The mails of `place` once there are `count`, and no letter waits.
pub async fn posted(place: &Place, count: usize) -> Vec<Mail> {
    let begun = Instant::now();
    loop {
        let waiting = place.sql("SELECT id FROM insula.mail").await.len();
        let found = mails(place.data_dir.path());
        if waiting == 0 && found.len() >= count {
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{waiting} wait: {found:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
