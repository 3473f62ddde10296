//! A Rust source as two views: its code, and its string literals.
//!
//! A rule about code must not stumble over a comment or a message that names what it forbids, this checker's own tables
//! included. In each view everything that belongs to the other, and all comments, are blanks; lines stay where they are.

#[derive(Default)]
pub(super) struct Views {
    pub(super) code: String,
    pub(super) strings: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Literal,
    Comment,
}

impl Views {
    pub(super) fn of(source: &str) -> Self {
        let mut views = Self::default();
        let mut rest = source;
        while let Some((length, kind)) = piece(rest) {
            let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            views.push(piece, kind);
            rest = after;
        }
        views
    }

    fn push(&mut self, piece: &str, kind: Kind) {
        for character in piece.chars() {
            let blank = if character == '\n' { '\n' } else { ' ' };
            let (code, string) = match kind {
                Kind::Code => (character, blank),
                Kind::Literal => (blank, character),
                Kind::Comment => (blank, blank),
            };
            self.code.push(code);
            self.strings.push(string);
        }
    }
}

/// The length and kind of what `rest` begins with.
fn piece(rest: &str) -> Option<(usize, Kind)> {
    let first = rest.chars().next()?;
    let single = (first.len_utf8(), Kind::Code);
    Some(match first {
        '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), Kind::Comment),
        '/' if rest.starts_with("/*") => (block_comment(rest), Kind::Comment),
        '"' => (string(rest), Kind::Literal),
        'r' => raw_string(rest).map_or(single, |length| (length, Kind::Literal)),
        '\'' => character(rest).map_or(single, |length| (length, Kind::Literal)),
        _ => single,
    })
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut pairs = rest.char_indices().zip(rest.chars().skip(1));
    while let Some(((at, first), second)) = pairs.next() {
        match (first, second) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 2;
        }
        pairs.next();
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and so on; `None` for any other word with an r in it, `r#type` included.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix('r')?.chars().take_while(|character| *character == '#').count();
    let opening = 1 + hashes + 1;
    let body = rest.get(opening - 1..)?.strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&closing).map_or(rest.len(), |at| opening + at + closing.len()))
}

/// `'x'` and `'\n'`, but not the lifetime `'x`.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' {
        // The escaped character itself may be a quote.
        let escape = body.char_indices().skip(2).find(|(_, character)| *character == '\'')?;
        return Some(1 + escape.0 + 1);
    }
    body.get(first.len_utf8()..)?.starts_with('\'').then_some(1 + first.len_utf8() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_code_from_literals_and_comments() {
        let table = [
            ("a // b \"c\"\nd", "a\nd", "\n"),
            ("a /* b /* c */ d */ e", "a e", ""),
            ("/**/ a", "a", ""),
            (r#"f("x \" y", z)"#, "f( , z)", r#""x \" y""#),
            (r##"f(r#"x " y"#, z)"##, "f( , z)", r##"r#"x " y"#"##),
            ("br\"x\\\" y", "b y", "r\"x\\\""),
            ("r#type", "r#type", ""),
            ("f('\"', \"x\")", "f( , )", "'\"' \"x\""),
            ("f('\\'', '\\u{7f}', 'ä', x)", "f( , , , x)", "'\\'' '\\u{7f}' 'ä'"),
            ("&'a str, 'b'", "&'a str,", "'b'"),
            ("\"line\nline\" a", "\na", "\"line\nline\""),
            ("\"open", "", "\"open"),
        ];
        for (source, code, strings) in table {
            let views = Views::of(source);
            assert_eq!(
                (squeeze(&views.code), squeeze(&views.strings)),
                (code.to_owned(), strings.to_owned()),
                "{source}"
            );
            assert_eq!(views.code.matches('\n').count(), source.matches('\n').count(), "{source}");
        }
    }

    /// One blank for many, none at the ends of lines.
    fn squeeze(text: &str) -> String {
        let line = |line: &str| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}
