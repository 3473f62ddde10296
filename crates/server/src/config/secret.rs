//! The secret key: given, or outside production made once and kept. Everything signed or sealed hangs on it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use insula_model::clock::{Clock, Ids};
use secrecy::SecretString;

use super::Findings;

const FILE: &str = "secret.key";
const SHORTEST: usize = 32;
/// Fewer different bytes are a pattern somebody typed.
const FEWEST_DISTINCT: usize = 8;
/// What the secrets of examples and templates contain, in lower case.
const WELL_KNOWN: &[&str] = &[
    "change-me",
    "change_me",
    "changeme",
    "change-this",
    "change_this",
    "changethis",
    "your-secret",
    "your_secret",
    "yoursecret",
    "your-256-bit-secret",
    "your-super-secret",
    "super-secret",
    "supersecret",
    "secret-key",
    "secret_key",
    "secretkey",
    "insecure",
    "replace-me",
    "replace_me",
    "placeholder",
    "0123456789abcdef0123456789abcdef",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// The key of the environment, if it is one.
pub(super) fn given(key: Option<&str>, production: bool, findings: &mut Findings) -> Option<SecretString> {
    let Some(key) = key else {
        if production {
            findings.add("SECRET_KEY must be given in production; `openssl rand -base64 48` makes one");
        }
        return None;
    };
    match weakness(key) {
        Some(weakness) => findings.add(format!("SECRET_KEY {weakness}; `openssl rand -base64 48` makes one")),
        None => return Some(SecretString::from(key)),
    }
    None
}

fn weakness(key: &str) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    let distinct = key.bytes().collect::<std::collections::HashSet<_>>().len();
    if key.len() < SHORTEST {
        Some("is shorter than 32 bytes")
    } else if WELL_KNOWN.iter().any(|known| lower.contains(known)) {
        Some("is a well-known default")
    } else if distinct < FEWEST_DISTINCT {
        Some("is a pattern")
    } else {
        None
    }
}

/// The key kept in `folder`, made if there is none.
pub(super) fn kept(folder: &Path, findings: &mut Findings) -> Option<SecretString> {
    match read_or_make(folder) {
        Ok(key) if weakness(&key).is_none() => Some(SecretString::from(key)),
        Ok(_) => {
            findings.add(format!("{FILE} in DATA_DIR holds no sound key: restore it, or give SECRET_KEY"));
            None
        }
        Err(error) => {
            findings.add(format!("{FILE} cannot be read or made in DATA_DIR: {error}"));
            None
        }
    }
}

fn read_or_make(folder: &Path) -> io::Result<String> {
    let file = folder.join(FILE);
    match fs::read_to_string(&file) {
        Ok(key) => return Ok(key.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Written beside and linked into place, so that the file is whole or absent, and of two processes one wins.
    let draft = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let bytes: [u8; 48] = Ids::new(Clock::default()).random();
    let mut key = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
        key.extend([digit(byte >> 4), digit(byte & 15)].into_iter().flatten());
    }
    let linked =
        out.write_all(key.as_bytes()).and_then(|()| out.sync_all()).and_then(|()| fs::hard_link(&draft, &file));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(&file).map(|key| key.trim().to_owned()),
    }
}
