//! Names people give to things, each a type that can only hold a good one.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The machine name of an entity or field: `^[a-z][a-z0-9_]{0,62}$`, none of the reserved words.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(Box<str>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameError {
    Shape,
    Reserved,
}

/// CEL's reserved words (cel-spec, langdef, "Syntax"), its literals, and the names expressions give a meaning.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "caller",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "now",
    "null",
    "package",
    "params",
    "record",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Columns every record has; a field cannot take their names.
pub const SYSTEM_COLUMNS: [&str; 6] = ["id", "created_at", "created_by", "updated_at", "updated_by", "version"];

impl Name {
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        if !starts || text.len() > 63 || !bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(NameError::Shape);
        }
        if RESERVED.binary_search(&text).is_ok() || SYSTEM_COLUMNS.contains(&text) {
            return Err(NameError::Reserved);
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|_| "not a name")
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `^[A-Za-z0-9_-]{1,50}$` on the whole string (requirement C3): the type `code`, and tenants' codes.
pub fn is_code(text: &str) -> bool {
    (1..=50).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(63);
        for good in ["a", "order", "select", "a_1", long.as_str()] {
            assert_eq!(Name::parse(good).map(|n| n.to_string()), Ok(good.to_owned()));
        }
        let longer = "a".repeat(64);
        for bad in ["", "A", "1a", "_a", "a-b", "a b", "a\"b", "a\n", "ä", longer.as_str()] {
            assert_eq!(Name::parse(bad), Err(NameError::Shape), "{bad:?}");
        }
        for reserved in ["in", "record", "caller", "now", "null", "id", "version"] {
            assert_eq!(Name::parse(reserved), Err(NameError::Reserved), "{reserved:?}");
        }
    }

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
    }
}
