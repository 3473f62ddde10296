//! Passwords that many people have, and whoever guesses tries first. Where the list is from: `common/NOTICE`.

use std::cmp::Ordering;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

/// Lines in lower case, sorted by byte.
static LIST: LazyLock<String> = LazyLock::new(|| {
    let mut list = String::new();
    // It is part of this program, and a test reads it.
    if GzDecoder::new(&include_bytes!("common/passwords.txt.gz")[..]).read_to_string(&mut list).is_err() {
        list.clear();
    }
    list
});

/// Whether a password is in the list, whatever its case, as it is or behind and before digits and marks: `Password2024!`
/// is `password` to whoever guesses.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let core = folded.trim_matches(|c: char| !c.is_alphabetic());
    contains(&LIST, &folded) || !core.is_empty() && contains(&LIST, core)
}

/// Whether `word` is a line of the sorted `list`.
fn contains(mut list: &str, word: &str) -> bool {
    loop {
        let middle = list.as_bytes().iter().take(list.len() / 2).rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let (before, rest) = list.split_at(middle);
        let Some((line, after)) = rest.split_once('\n') else { return false };
        match word.as_bytes().cmp(line.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => list = before,
            Ordering::Greater => list = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_every_line_is_found() {
        assert!(LIST.lines().is_sorted());
        assert!(LIST.lines().count() >= 10_000);
        for line in LIST.lines() {
            assert!(contains(&LIST, line), "{line}");
        }
    }

    #[test]
    fn what_many_have_is_common_whatever_they_add() {
        for (password, expect) in [
            ("qwerty123456", true),
            ("QWERTY123456", true),
            ("Password2024!", true),
            ("--!password!--", true),
            ("123456123456", true),
            ("three-small-boats-at-sea", false),
            ("zzzzzzzzzzzzzzzzzzz~", false),
            ("!", true),
            ("", false),
            ("~~~~~~~~~~~~~", false),
        ] {
            assert_eq!(is_common(password), expect, "{password}");
        }
    }
}
