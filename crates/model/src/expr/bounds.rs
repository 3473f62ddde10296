//! Limits on a source text, checked before it is parsed: the parser and everything after it recurse, so the text
//! itself must not be able to ask for a deep tree.
//!
//! Knows CEL's tokens just well enough to skip strings and comments and to count what nests. The parser steps over what
//! is no token, a quote included, and takes for code what stood behind it: so whatever is no token of CEL's is refused
//! here, or the two would disagree about where a string ends.

use super::check::ExprError;
use super::syntax;

/// The longest source, in bytes.
pub const MAX_LENGTH: usize = 10_000;
/// How deep brackets may nest.
pub const MAX_NESTING: usize = 64;
/// The most entries of a list after `in`.
pub const MAX_LIST: usize = 1_000;

/// Operators that lean on each other without a bracket (`a == b == c`, `a.b.c`), over all open brackets together.
const MAX_CHAIN: usize = 160;

/// Refuses a source whose tree could be deeper than the stack allows. `&&` and `||` do not count: they become lists.
pub(super) fn check(source: &str) -> Result<(), ExprError> {
    if source.len() > MAX_LENGTH {
        return Err(ExprError::invalid(format!("the expression is longer than {MAX_LENGTH} characters")));
    }
    // One count of operators per open bracket.
    let mut open = vec![0usize];
    let mut chain = 0usize;
    let mut rest = source.as_bytes();
    while let [first, tail @ ..] = rest {
        let unreadable = || syntax::unreadable(source, source.len() - rest.len());
        let step = match first {
            b'"' | b'\'' => string_length(rest, Escapes::Read).ok_or_else(unreadable)?,
            b'/' if tail.first() == Some(&b'/') => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            b'?' => return Err(ExprError::invalid("`? :` is not supported in filters yet; use `&&` and `||`")),
            b'(' | b'[' | b'{' => {
                chain += bump(&mut open);
                open.push(0);
                1
            }
            b')' | b']' | b'}' => {
                if open.len() > 1 {
                    chain -= open.pop().unwrap_or(0);
                }
                1
            }
            b'&' | b'|' if tail.first() != Some(first) => return Err(unreadable()),
            b'=' if tail.first() != Some(&b'=') => return Err(unreadable()),
            b'&' | b'|' | b',' => {
                if let Some(count) = open.last_mut() {
                    chain -= std::mem::take(count);
                }
                if *first == b',' { 1 } else { 2 }
            }
            b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'.' => {
                chain += bump(&mut open);
                let is_pair = matches!(first, b'=' | b'!' | b'<' | b'>') && tail.first() == Some(&b'=');
                if is_pair { 2 } else { 1 }
            }
            b if b.is_ascii_alphabetic() || *b == b'_' => {
                let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(length);
                if word == b"in" {
                    chain += bump(&mut open);
                }
                match (word, behind.first()) {
                    (b"r" | b"R", Some(b'"' | b'\'')) => {
                        length + string_length(behind, Escapes::Plain).ok_or_else(unreadable)?
                    }
                    (b"b" | b"B" | b"br" | b"bR" | b"Br" | b"BR", Some(b'"' | b'\'')) => {
                        return Err(ExprError::invalid("`b\"…\"` is not supported in filters yet"));
                    }
                    (_, Some(b'"' | b'\'')) => return Err(unreadable()),
                    _ => length,
                }
            }
            b'0'..=b'9' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' => 1,
            _ => return Err(unreadable()),
        };
        if open.len() > MAX_NESTING + 1 || chain > MAX_CHAIN {
            return Err(ExprError::invalid(format!(
                "the expression is nested too deeply; at most {MAX_NESTING} brackets may be open at once"
            )));
        }
        rest = rest.get(step..).unwrap_or_default();
    }
    Ok(())
}

fn bump(open: &mut [usize]) -> usize {
    open.last_mut().map_or(0, |count| {
        *count += 1;
        1
    })
}

/// What a backslash is in a string.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Escapes {
    Read,
    Plain,
}

/// The length of the string literal `text` starts with, quotes included. `None` where it does not end as CEL has it, or
/// holds an escape that CEL has not.
pub(super) fn string_length(text: &[u8], escapes: Escapes) -> Option<usize> {
    let quote = *text.first()?;
    let triple = [quote; 3];
    let is_long = text.starts_with(&triple);
    let end: &[u8] = if is_long { &triple } else { triple.get(..1)? };
    let mut at = end.len();
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(end) {
            return Some(at + end.len());
        }
        at += match rest.first()? {
            b'\n' | b'\r' if !is_long => return None,
            b'\\' if escapes == Escapes::Read => escape_length(rest)?,
            _ => 1,
        };
    }
}

/// The length of the escape `text` starts with.
fn escape_length(text: &[u8]) -> Option<usize> {
    let hex = |digits: usize| {
        let found = text.get(2..2 + digits)?;
        found.iter().all(u8::is_ascii_hexdigit).then_some(2 + digits)
    };
    match text.get(1)? {
        b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'"' | b'\'' | b'\\' | b'?' | b'`' => Some(2),
        b'x' | b'X' => hex(2),
        b'u' => hex(4),
        b'U' => hex(8),
        b'0'..=b'3' => text.get(2..4)?.iter().all(|digit| (b'0'..=b'7').contains(digit)).then_some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_breadth_is_not() {
        let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
        let good = [
            deep(MAX_NESTING),
            vec!["a"; 2_000].join(" && "),
            vec!["a.b == c"; 700].join(" || "),
            format!("a in [{}]", vec!["-1"; MAX_LIST].join(",")),
            format!("a == \"{}\"", "(".repeat(500)),
            format!("a == '''{}'\"{}'''", "(".repeat(100), "[".repeat(100)),
            format!("a == r'\\' && b == \"\\\"{}\"", "(".repeat(100)),
            format!("a // {}\n && b", "(".repeat(500)),
        ];
        for source in good {
            assert_eq!(check(&source), Ok(()), "{source}");
        }
        let bad = [
            deep(MAX_NESTING + 1),
            deep(4_000),
            "(".repeat(9_999),
            "a.".repeat(300),
            vec!["a"; 300].join(" == "),
            vec!["a"; 300].join(" in "),
            "a[0]".repeat(300),
            "-".repeat(300),
            "(\")\"+".repeat(100),
            "('\\')'+".repeat(100),
            "(r'\\'+".repeat(100),
            "a ? b : c".to_owned(),
            "a".repeat(MAX_LENGTH + 1),
        ];
        for source in bad {
            assert!(check(&source).is_err(), "{source}");
        }
    }
}
