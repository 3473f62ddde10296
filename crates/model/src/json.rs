//! JSON as it comes in: order kept, duplicate names refused (requirement C6), integers exact.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::problem::{Code, Problem, Result};

/// How deep arrays and objects may lie in one another (requirement C2). Less than the parser's own limit, which would
/// call what is deeper no JSON.
const DEPTH: usize = 64;
/// How many members one object may have (requirement C2).
const MEMBERS: usize = 10_000;

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    /// Written without fraction or exponent and within 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// The most values of one document: each takes more memory here than where it stands.
const MAX_VALUES: usize = 600_000;

/// What `serde_json` calls well-formed JSON that no value here can hold.
const UNHELD: [(&str, &str); 3] = [
    ("number out of range", "A number is too large"),
    ("lone leading surrogate", "A string holds half of a surrogate pair"),
    ("unexpected end of hex escape", "A string holds half of a surrogate pair"),
];

impl Json {
    /// Reads one document. 400 when it is not JSON at all, 422 when it names a member twice, is too deep, too wide or too
    /// large, or holds a number or a string that cannot be kept.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        // Two bytes at least make a value: of most bodies this is known without a look.
        if bytes.len() > 2 * MAX_VALUES && at_most(bytes) > MAX_VALUES {
            let detail = format!("A body holds at most {MAX_VALUES} values. Send it in parts.");
            return Err(Problem::new(Code::TooComplex, detail));
        }
        let excess = Cell::new(None);
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let parsed = AnyValue { room: DEPTH, excess: &excess }.deserialize(&mut deserializer);
        parsed.and_then(|json| deserializer.end().map(|()| json)).map_err(|error| {
            let (text, line, column) = (error.to_string(), error.line(), error.column());
            if let Some(excess) = excess.take() {
                Problem::new(Code::TooComplex, excess)
            } else if let Some((_, message)) = UNHELD.iter().find(|(start, _)| text.starts_with(start)) {
                Problem::at("", Code::InvalidFormat, format!("{message}, at line {line}, column {column}."))
            } else if error.is_data() {
                Problem::at("", Code::InvalidFormat, text)
            } else {
                Problem::new(Code::InvalidJson, format!("The body stops being JSON at line {line}, column {column}."))
            }
        })
    }

    /// What it is, in the words of RFC 8259.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// How many values there can be: one behind every bracket that opens and every comma that is in no string.
fn at_most(bytes: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

impl Json {
    /// A member of an object; nothing has members otherwise.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => {
                n.as_i64().map_or_else(|| Self::Float(n.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

impl From<&Json> for serde_json::Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Int(n) => Self::from(*n),
            Json::Float(n) => Self::from(*n),
            Json::Text(text) => Self::String(text.clone()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

#[derive(Clone, Copy)]
struct AnyValue<'c> {
    /// How much deeper it may become.
    room: usize,
    /// What there was too much of; a message of the parser could not be told from others.
    excess: &'c Cell<Option<String>>,
}

impl AnyValue<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.room.checked_sub(1) {
            Some(room) => Ok(Self { room, ..self }),
            None => Err(self.refuse(format!("Arrays and objects may lie {DEPTH} deep in one another, not deeper."))),
        }
    }

    fn refuse<E: serde::de::Error>(self, excess: String) -> E {
        self.excess.set(Some(excess));
        E::custom("too complex")
    }
}

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Json, E> {
        Ok(Json::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(Json::Int(n))
    }

    #[expect(clippy::cast_precision_loss, reason = "beyond 64 bits no field accepts it anyway")]
    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(i64::try_from(n).map_or(Json::Float(n as f64), Json::Int))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Json, E> {
        Ok(Json::Float(n))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            // A scan is cheaper than a set until there are many members.
            let twice = if object.len() < 16 {
                object.iter().any(|(other, _)| *other == name)
            } else {
                if seen.is_empty() {
                    seen.extend(object.iter().map(|(other, _)| other.clone()));
                }
                !seen.insert(name.clone())
            };
            if twice {
                return Err(A::Error::custom("a member is named twice in one object"));
            }
            if object.len() == MEMBERS {
                return Err(self.refuse(format!("An object may have {MEMBERS} members, not more.")));
            }
            object.push((name, members.next_value_seed(inner)?));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_refused_in_small_and_large_objects() {
        let many = |last: &str| {
            let members: Vec<String> = (0..40).map(|i| format!("\"k{i}\":0")).collect();
            format!("{{{},\"{last}\":1}}", members.join(","))
        };
        for bad in ["{\"a\":1,\"a\":2}", "[{\"a\":{\"b\":1,\"b\":1}}]", many("k3").as_str(), many("k39").as_str()] {
            assert_eq!(Json::parse(bad.as_bytes()).unwrap_err().code(), Code::InvalidFormat, "{bad}");
        }
        assert!(Json::parse(many("k40").as_bytes()).is_ok());
    }

    #[test]
    fn req_c2_what_is_too_deep_or_too_wide_is_told_so() {
        let arrays = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let wide = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(","));
        for fits in [arrays(DEPTH), objects(DEPTH), wide(MEMBERS), format!("[{0},{0}]", wide(MEMBERS))] {
            assert!(Json::parse(fits.as_bytes()).is_ok());
        }
        for refused in [
            arrays(DEPTH + 1),
            objects(DEPTH + 1),
            arrays(200_000),
            // Refused before it turns out not to be JSON.
            "[".repeat(200_000),
            wide(MEMBERS + 1),
            format!("[{}]", wide(MEMBERS + 1)),
        ] {
            let problem = Json::parse(refused.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), Code::TooComplex);
            assert!(problem.errors().is_empty());
        }
    }

    #[test]
    fn broken_json_is_400_with_its_place() {
        for bad in ["", "{", "[1,]", "{\"a\":}", "nul", "{} x", "\"\\u12\"", "\"\\ud8\""] {
            assert_eq!(Json::parse(bad.as_bytes()).unwrap_err().code(), Code::InvalidJson, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_held_is_422() {
        for bad in
            ["1e400", "[-1e999]", r#""\ud800""#, r#""\ud800\u0041""#, r#""\ud800x""#, r#""\udc00""#, r#"{"\udfff":1}"#]
        {
            assert_eq!(Json::parse(bad.as_bytes()).unwrap_err().code(), Code::InvalidFormat, "{bad}");
        }
    }

    #[test]
    fn integers_are_exact() {
        assert_eq!(Json::parse(b"9007199254740993").unwrap(), Json::Int(9_007_199_254_740_993));
        assert_eq!(Json::parse(b"1.0").unwrap(), Json::Float(1.0));
    }
}
