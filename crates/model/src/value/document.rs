//! Any JSON value as the value of a field: bounded, and kept as one text on both engines, so that what is read is what was
//! written but for its white space.

use super::{MAX_INTEGER, write_json_text};
use crate::json::Json;
use crate::problem::Code;

/// In bytes of the normal form.
const MOST_BYTES: usize = 65_536;
/// Arrays and objects within each other.
const MOST_LEVELS: usize = 32;

/// A JSON value that is not null, without white space between its tokens, members in the order they were sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document(Box<str>);

impl Document {
    /// Refuses what not every reader could hold exactly (RFC 7493 §2.2): numbers beyond ±2⁵³, and U+0000.
    pub fn parse(json: &Json) -> Result<Self, (Code, String)> {
        let mut out = Vec::with_capacity(64);
        write(json, 0, &mut out)?;
        let text = String::from_utf8(out).map_err(|_| (Code::InvalidFormat, "This is no text.".to_owned()))?;
        Ok(Self(text.into()))
    }

    /// What a store kept, which was a document when it was written.
    pub fn kept(text: String) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn write(json: &Json, level: usize, out: &mut Vec<u8>) -> Result<(), (Code, String)> {
    if level > MOST_LEVELS {
        return Err((Code::OutOfRange, format!("Arrays and objects nest at most {MOST_LEVELS} deep.")));
    }
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Json::Int(n) if n.unsigned_abs() <= MAX_INTEGER.unsigned_abs() => {
            out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes());
        }
        #[expect(clippy::cast_precision_loss, reason = "2⁵³ is a double")]
        Json::Float(n) if n.abs() <= MAX_INTEGER as f64 => {
            let number = serde_json::Number::from_f64(*n).map(|number| number.to_string());
            out.extend_from_slice(number.unwrap_or_default().as_bytes());
        }
        Json::Int(_) | Json::Float(_) => {
            return Err((Code::OutOfRange, "Numbers stay within ±2⁵³; send larger ones as strings.".to_owned()));
        }
        Json::Text(text) => write_text(text, out)?,
        Json::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, level + 1, out)?;
            }
            out.push(b']');
        }
        Json::Object(members) => {
            out.push(b'{');
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(name, out)?;
                out.push(b':');
                write(value, level + 1, out)?;
            }
            out.push(b'}');
        }
    }
    if out.len() > MOST_BYTES {
        return Err((Code::TooLong, format!("At most {MOST_BYTES} bytes fit.")));
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), (Code, String)> {
    if text.contains('\0') {
        return Err((Code::InvalidFormat, "The NUL character cannot be stored.".to_owned()));
    }
    write_json_text(text, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let check = |source: &str, expect: Result<&str, Code>| {
            let found = Document::parse(&Json::parse(source.as_bytes()).unwrap());
            assert_eq!(found.as_ref().map(Document::as_str).map_err(|(code, _)| *code), expect, "{source}");
        };
        check("{ \"b\" : [1, -0.5, 1e2, true, null], \"a\": {} }", Ok("{\"b\":[1,-0.5,100.0,true,null],\"a\":{}}"));
        check("\"\\u00e4\\n\"", Ok("\"ä\\n\""));
        check("{\"__proto__\":1}", Ok("{\"__proto__\":1}"));
        check("9007199254740992", Ok("9007199254740992"));
        check("9007199254740993", Err(Code::OutOfRange));
        check("18446744073709551616", Err(Code::OutOfRange));
        check("[1e300]", Err(Code::OutOfRange));
        check("{\"a\\u0000\":1}", Err(Code::InvalidFormat));
        check("[\"\\u0000\"]", Err(Code::InvalidFormat));
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(&nested(33), Ok(&nested(33)));
        check(&nested(34), Err(Code::OutOfRange));
        let text = |length: usize| format!("\"{}\"", "a".repeat(length));
        check(&text(MOST_BYTES - 2), Ok(&text(MOST_BYTES - 2)));
        check(&text(MOST_BYTES - 1), Err(Code::TooLong));
    }
}
