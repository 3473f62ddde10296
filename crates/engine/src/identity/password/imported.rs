//! Hashes of passwords that were set elsewhere: bcrypt in its three spellings. At the first sign-in another takes its
//! place, made as hashes are made here.

use insula_model::input::{Members, text};
use insula_model::problem::{Code, Errors};

const LENGTH: usize = 60;
/// Cheaper ones are guessed too fast, dearer ones keep a core too long.
const COSTS: std::ops::RangeInclusive<u32> = 10..=14;

/// The member `password_hash`, if it is there.
pub(in crate::identity) fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<String> {
    let at = members.pointer("password_hash");
    let hash = text(members.optional("password_hash")?, at.clone(), 1, LENGTH, errors)?;
    match cost(hash) {
        Some(cost) if COSTS.contains(&cost) => return Some(hash.to_owned()),
        Some(_) => {
            let message = format!("A cost of {} to {} is taken.", COSTS.start(), COSTS.end());
            errors.add(at, Code::OutOfRange, message);
        }
        None => errors.add(at, Code::InvalidFormat, "This is no hash of bcrypt: `$2a$`, `$2b$` or `$2y$`."),
    }
    None
}

/// The cost of what is a hash of bcrypt.
fn cost(hash: &str) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|mark| hash.strip_prefix(mark))?;
    let (cost, rest) = rest.split_once('$')?;
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'/';
    let sound = hash.len() == LENGTH && cost.bytes().all(|b| b.is_ascii_digit()) && rest.bytes().all(is_digit);
    cost.parse().ok().filter(|_| sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_bcrypt() {
        let rest = "L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
        for (hash, expect) in [
            (format!("$2b$12${rest}"), Some(12)),
            (format!("$2a$04${rest}"), Some(4)),
            (format!("$2y$31${rest}"), Some(31)),
            (format!("$2x$12${rest}"), None),
            (format!("$2b$+1${rest}"), None),
            (format!("$2b$12${}", &rest[1..]), None),
            (format!("$2b$12$~{}", &rest[1..]), None),
            ("three-small-boats-at-sea".to_owned(), None),
        ] {
            assert_eq!(cost(&hash), expect, "{hash}");
        }
    }
}
