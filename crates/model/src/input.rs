//! Reads the members of a body one by one and gathers every mistake with its pointer (requirement C1).

use crate::json::Json;
use crate::problem::{Code, Errors, Problem, Result, pointer};

/// The members of one object. What nobody asked for by [`Members::finish`] is an unknown field.
pub struct Members<'j> {
    at: String,
    given: &'j [(String, Json)],
    known: Vec<&'static str>,
}

impl<'j> Members<'j> {
    /// The object at `at`; anything else is a mistake.
    pub fn of(json: &'j Json, at: &str, errors: &mut Errors) -> Option<Self> {
        if let Json::Object(members) = json {
            return Some(Self { at: at.to_owned(), given: members, known: Vec::new() });
        }
        errors.add(at, Code::InvalidType, format!("Expected an object, found {}.", json.kind()));
        None
    }

    /// Reads a whole body with `read`; all its mistakes come back together.
    pub fn read<T>(body: &'j Json, read: impl FnOnce(&mut Self, &mut Errors) -> Option<T>) -> Result<T> {
        let mut errors = Errors::default();
        let value = Self::of(body, "", &mut errors).and_then(|mut members| {
            let value = read(&mut members, &mut errors);
            members.finish(&mut errors);
            value
        });
        errors.check()?;
        value.ok_or_else(|| Problem::internal("a reader gave neither a value nor an error"))
    }

    /// The pointer of a member.
    pub fn pointer(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    /// A member that may be absent; `null` is given as it stands.
    pub fn raw(&mut self, name: &'static str) -> Option<&'j Json> {
        self.known.push(name);
        self.given.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A member that may be absent or `null`.
    pub fn optional(&mut self, name: &'static str) -> Option<&'j Json> {
        self.raw(name).filter(|value| **value != Json::Null)
    }

    /// A member that must be there.
    pub fn required(&mut self, name: &'static str, errors: &mut Errors) -> Option<&'j Json> {
        let found = self.optional(name);
        if found.is_none() {
            errors.add(self.pointer(name), Code::Required, format!("`{name}` is required."));
        }
        found
    }

    /// A text of 1 to `max` code points that must be there.
    pub fn text(&mut self, name: &'static str, max: usize, errors: &mut Errors) -> Option<&'j str> {
        let json = self.required(name, errors)?;
        text(json, self.pointer(name), 1, max, errors)
    }

    /// A text of at most `max` code points that may be absent.
    pub fn optional_text(&mut self, name: &'static str, max: usize, errors: &mut Errors) -> Option<&'j str> {
        let json = self.optional(name)?;
        text(json, self.pointer(name), 0, max, errors)
    }

    pub fn optional_bool(&mut self, name: &'static str, errors: &mut Errors) -> Option<bool> {
        match self.optional(name)? {
            Json::Bool(b) => Some(*b),
            other => {
                errors.add(
                    self.pointer(name),
                    Code::InvalidType,
                    format!("Expected true or false, found {}.", other.kind()),
                );
                None
            }
        }
    }

    pub fn optional_int(&mut self, name: &'static str, errors: &mut Errors) -> Option<i64> {
        match self.optional(name)? {
            Json::Int(n) => Some(*n),
            other => {
                errors.add(
                    self.pointer(name),
                    Code::InvalidType,
                    format!("Expected an integer, found {}.", other.kind()),
                );
                None
            }
        }
    }

    pub fn optional_array(&mut self, name: &'static str, errors: &mut Errors) -> Option<&'j [Json]> {
        match self.optional(name)? {
            Json::Array(items) => Some(items),
            other => {
                errors.add(
                    self.pointer(name),
                    Code::InvalidType,
                    format!("Expected an array, found {}.", other.kind()),
                );
                None
            }
        }
    }

    /// Says what nobody asked for.
    pub fn finish(self, errors: &mut Errors) {
        for (name, _) in self.given {
            if !self.known.contains(&name.as_str()) {
                errors.add(pointer(&self.at, name), Code::UnknownField, "There is no such field.");
            }
        }
    }
}

/// What a change says of something that may be taken away (RFC 7396).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given<T> {
    Nothing,
    Null,
    This(T),
}

impl<T> Given<T> {
    /// What comes of `before`.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => before,
            Self::Null => None,
            Self::This(value) => Some(value),
        }
    }
}

/// A string of `min` to `max` code points without NUL.
pub fn text<'j>(json: &'j Json, at: String, min: usize, max: usize, errors: &mut Errors) -> Option<&'j str> {
    let Json::Text(text) = json else {
        errors.add(at, Code::InvalidType, format!("Expected a string, found {}.", json.kind()));
        return None;
    };
    let length = text.chars().count();
    if length < min {
        errors.add(at, Code::TooShort, format!("At least {min} characters are needed."));
    } else if length > max {
        errors.add(at, Code::TooLong, format!("At most {max} characters fit, found {length}."));
    } else if text.contains('\0') {
        errors.add(at, Code::InvalidFormat, "The NUL character cannot be stored.");
    } else {
        return Some(text);
    }
    None
}
