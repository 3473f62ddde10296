//! Values of fields, and how each is written in JSON. One meaning on every store.

mod date;
mod decimal;
mod document;
mod duration;
mod email;
mod markup;
mod phone;
mod time;
mod timestamp;
mod url;

use serde::{Serialize, Serializer};
use uuid::Uuid;

pub use date::Date;
pub use decimal::{Decimal, DecimalError, MAX_PRECISION};
pub use document::Document;
pub use duration::Duration;
pub use email::{Email, MAX_ADDRESS, is_of_service};
pub use markup::RichText;
pub use phone::Phone;
pub use time::Time;
pub use timestamp::Timestamp;
pub use url::{MAX_URL, SCHEMES, Url};

/// Integers stay within ±2⁵³, which every JSON reader can hold.
pub const MAX_INTEGER: i64 = 1 << 53;

/// The value of one column. `Bytes` occurs in Insula's own tables only.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(String),
    Date(Date),
    Time(Time),
    Timestamp(Timestamp),
    Duration(Duration),
    Json(Document),
    /// A set of texts in an order of its own.
    Texts(Vec<String>),
    Uuid(Uuid),
    /// A set of ids, which no column holds: links are rows of their own.
    Uuids(Vec<Uuid>),
    Bytes(Vec<u8>),
}

/// What a column holds, without its rules: enough to store, read and write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ColumnType {
    Bool,
    Int,
    /// Stored as an integer of `10^-scale` units.
    Decimal {
        scale: u8,
    },
    Text,
    Date,
    Time,
    Timestamp,
    /// Stored as an integer of microseconds.
    Duration,
    Json,
    /// A set of texts: an array on PostgreSQL, JSON on SQLite.
    Texts,
    Uuid,
    /// Reckoned from the rows of a link table.
    Uuids,
}

impl Value {
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What it is. What it holds is data and has no place in a log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "a text",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time of day",
            Self::Timestamp(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::Json(_) => "a JSON value",
            Self::Texts(_) => "texts",
            Self::Uuid(_) => "a UUID",
            Self::Uuids(_) => "UUIDs",
            Self::Bytes(_) => "bytes",
        }
    }

    /// Appends the value as JSON. Decimals and times are strings.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null | Self::Bytes(_) => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
            Self::Decimal(d) => quoted(out, |out| d.write(out)),
            Self::Text(text) => write_json_text(text, out),
            Self::Date(d) => quoted(out, |out| d.write(out)),
            Self::Time(t) => quoted(out, |out| t.write(out)),
            Self::Timestamp(t) => quoted(out, |out| t.write(out)),
            Self::Duration(d) => quoted(out, |out| d.write(out)),
            Self::Json(document) => out.extend_from_slice(document.as_str().as_bytes()),
            Self::Texts(texts) => write_json_texts(texts, out),
            Self::Uuid(id) => write_json_uuid(*id, out),
            Self::Uuids(ids) => {
                out.push(b'[');
                for (i, id) in ids.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    write_json_uuid(*id, out);
                }
                out.push(b']');
            }
        }
    }
}

/// Appends `"…"` around what `write` appends; for texts that need no escaping.
pub fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Appends texts as a JSON array.
pub fn write_json_texts(texts: &[String], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, text) in texts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_json_text(text, out);
    }
    out.push(b']');
}

/// Appends a UUID as a JSON string.
pub fn write_json_uuid(id: Uuid, out: &mut Vec<u8>) {
    let mut buffer = [0; 36];
    quoted(out, |out| out.extend_from_slice(id.as_hyphenated().encode_lower(&mut buffer).as_bytes()));
}

/// Appends a text as a JSON string (RFC 8259 §7), escaping only what must be.
pub fn write_json_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(clean..i).unwrap_or_default());
        clean = i + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                for digit in [byte >> 4, byte & 15] {
                    out.extend(HEX.get(usize::from(digit)));
                }
            }
        }
    }
    out.extend_from_slice(bytes.get(clean..).unwrap_or_default());
    out.push(b'"');
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Bytes(_) => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Decimal(d) => serializer.collect_str(d),
            Self::Date(d) => serializer.collect_str(d),
            Self::Time(t) => serializer.collect_str(t),
            Self::Timestamp(t) => serializer.collect_str(t),
            Self::Duration(d) => serializer.collect_str(d),
            Self::Json(document) => serde_json::from_str::<serde_json::Value>(document.as_str())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Uuid(id) => serializer.collect_str(&id.as_hyphenated()),
            Self::Uuids(ids) => serializer.collect_seq(ids.iter().map(|id| id.as_hyphenated().to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_serde_json_does() {
        for text in ["", "plain", "q\"b\\n\nr\rt\t", "\u{0}\u{1f}\u{7f}", "ä€😀", "a\u{8}\u{c}"] {
            let mut out = Vec::new();
            write_json_text(text, &mut out);
            let back: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(back, text);
        }
    }
}
