//! Passwords: how long they may be, how they are hashed, changed, and set anew when they were forgotten.

pub(super) mod change;
pub(super) mod forgot;
pub(super) mod reset;
mod set;
mod slots;

use insula_model::input::{Members, text};
use insula_model::problem::{Code, Errors};
use secrecy::SecretString;

pub(super) use slots::Slots;

const MIN_CHARS: usize = 12;
const MAX_CHARS: usize = 128;
/// bcrypt reads no further, and a password of which only a part counts is a trap.
const MAX_BYTES: usize = 72;
/// Longer ones are looked at no further; nobody can have set one.
pub(super) const MAX_ATTEMPT_CHARS: usize = 4096;

/// A password fit to be set.
#[derive(Debug)]
pub(super) struct Password(SecretString);

impl Password {
    /// The member `name`, which must be there.
    pub(super) fn read(members: &mut Members<'_>, name: &'static str, errors: &mut Errors) -> Option<Self> {
        let at = members.pointer(name);
        let json = members.required(name, errors)?;
        let password = text(json, at.clone(), MIN_CHARS, MAX_CHARS, errors)?;
        if password.len() > MAX_BYTES {
            errors.add(at, Code::TooLong, format!("At most {MAX_BYTES} bytes of UTF-8 fit."));
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
        Members::read(&body, |members, errors| Password::read(members, "password", errors))
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
