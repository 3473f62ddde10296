//! Passwords: how long they may be, how they are hashed, changed, and set anew when they were forgotten.

pub(super) mod change;
mod common;
pub(super) mod forgot;
mod hasher;
pub(super) mod imported;
pub(super) mod reset;
mod set;
mod slots;
pub(super) mod strength;

use insula_model::input::{Members, text};
use insula_model::password::{MAX_LENGTH, MIN_LENGTH};
use insula_model::problem::{Code, Errors};
use secrecy::SecretString;

pub(super) use hasher::Hasher;
pub(super) use slots::Slots;

/// Longer ones are looked at no further; nobody can have set one.
pub(super) const MAX_ATTEMPT_CHARS: usize = 4096;

/// A password that could be set, if it is not too weak: see [`strength`].
#[derive(Debug)]
pub(super) struct Password(SecretString);

impl Password {
    /// The member `name`, which must be there.
    pub(super) fn read(
        members: &mut Members<'_>,
        name: &'static str,
        hasher: Hasher,
        errors: &mut Errors,
    ) -> Option<Self> {
        let at = members.pointer(name);
        let json = members.required(name, errors)?;
        let least = usize::try_from(MIN_LENGTH).unwrap_or_default();
        let password = text(json, at.clone(), least, MAX_LENGTH, errors)?;
        if let Some(max) = hasher.max_bytes().filter(|max| password.len() > *max) {
            errors.add(at, Code::TooLong, format!("At most {max} bytes of UTF-8 fit."));
            return None;
        }
        Some(Self(SecretString::from(password)))
    }
}

#[cfg(test)]
mod tests {
    use insula_model::json::Json;
    use insula_model::problem::Result;

    use super::*;

    fn read(password: &Json) -> Result<Password> {
        let body = Json::Object(vec![("password".to_owned(), password.clone())]);
        Members::read(&body, |members, errors| Password::read(members, "password", Hasher::Bcrypt { cost: 4 }, errors))
    }

    #[test]
    fn bounds() {
        let text = |c: &str, n: usize| Json::Text(c.repeat(n));
        for good in [text("a", 12), text("a", 72), text("ä", 36), text("😀", 18), text(" ", 12)] {
            assert!(read(&good).is_ok(), "{good:?}");
        }
        for (bad, code) in [
            (text("a", 11), Code::TooShort),
            (text("", 0), Code::TooShort),
            (text("a", 73), Code::TooLong),
            (text("a", 129), Code::TooLong),
            (text("ä", 37), Code::TooLong),
            (Json::Text(format!("{}\0", "a".repeat(12))), Code::InvalidFormat),
            (Json::Int(123_456_789_012), Code::InvalidType),
            (Json::Null, Code::Required),
        ] {
            let problem = read(&bad).unwrap_err();
            assert_eq!(
                (problem.errors()[0].pointer.as_str(), problem.errors()[0].code),
                ("/password", code),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert!(!format!("{:?}", read(&Json::Text("correct horse battery".into())).unwrap()).contains("horse"));
    }
}
