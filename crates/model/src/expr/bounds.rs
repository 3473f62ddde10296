//! Limits on a source text, checked before it is parsed: the parser and everything after it recurse, so the text
//! itself must not be able to ask for a deep tree.
//!
//! Knows CEL's tokens just well enough to skip strings and comments and to count what nests.

use super::check::ExprError;

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
        let step = match first {
            b'"' | b'\'' => string_length(rest, false),
            b'r' | b'R' if matches!(tail.first(), Some(b'"' | b'\'')) => 1 + string_length(tail, true),
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
            b'&' | b'|' | b',' => {
                if let Some(count) = open.last_mut() {
                    chain -= std::mem::take(count);
                }
                1
            }
            b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'.' => {
                chain += bump(&mut open);
                1 + usize::from(tail.first() == Some(&b'='))
            }
            b if b.is_ascii_alphabetic() || *b == b'_' => {
                let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len());
                // A raw string's prefix glued to a word cannot be one: `or"x"` is not CEL. The next turn sees the quote.
                if rest.get(..length) == Some(b"in") {
                    chain += bump(&mut open);
                }
                length
            }
            _ => 1,
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

/// The length of the string literal `text` starts with, quotes included; all of the rest where it does not end.
pub(super) fn string_length(text: &[u8], raw: bool) -> usize {
    let Some(&quote) = text.first() else { return 0 };
    let triple = [quote; 3];
    let end: &[u8] = if text.starts_with(&triple) { &triple } else { &triple[..1] };
    let mut at = end.len();
    while let Some(byte) = text.get(at) {
        if text.get(at..).is_some_and(|rest| rest.starts_with(end)) {
            return at + end.len();
        }
        at += if *byte == b'\\' && !raw { 2 } else { 1 };
    }
    text.len()
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
