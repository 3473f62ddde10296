//! What a password must be like (requirement B2): pure. Which passwords many people have is not known here.

use serde::{Deserialize, Serialize};

use crate::input::Members;
use crate::json::Json;
use crate::problem::{Code, Errors};

/// Code points. Below it nobody may go, beyond it organisations may.
pub const MIN_LENGTH: i64 = 12;
/// Code points.
pub const MAX_LENGTH: usize = 128;
/// The longest password an organisation may ask for.
const LONGEST_ASKED: i64 = 64;
/// Each one is hashed anew to be compared.
const MOST_REMEMBERED: i64 = 10;
/// Shorter names stand in too many words.
const SHORTEST_NAME: usize = 4;
/// What this program calls itself.
const PRODUCT: &str = "insula";

/// What an organisation asks of its members' passwords. The default is what everybody is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "four demands that have nothing to do with each other")]
pub struct PasswordPolicy {
    /// Code points.
    pub min_length: i64,
    pub require_uppercase: bool,
    pub require_lowercase: bool,
    pub require_digit: bool,
    pub require_symbol: bool,
    /// A password may not be one of so many last ones, the present one included; 0: none are remembered.
    pub history: i64,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: MIN_LENGTH,
            require_uppercase: false,
            require_lowercase: false,
            require_digit: false,
            require_symbol: false,
            history: 0,
        }
    }
}

impl PasswordPolicy {
    /// What both ask for: of a member of two organisations.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            min_length: self.min_length.max(other.min_length),
            require_uppercase: self.require_uppercase || other.require_uppercase,
            require_lowercase: self.require_lowercase || other.require_lowercase,
            require_digit: self.require_digit || other.require_digit,
            require_symbol: self.require_symbol || other.require_symbol,
            history: self.history.max(other.history),
        }
    }

    /// This policy with the members that `json` has (RFC 7396: null is the default).
    pub fn patched(self, json: &Json, at: &str, errors: &mut Errors) -> Option<Self> {
        let mut members = Members::of(json, at, errors)?;
        let mut next = self;
        let default = Self::default();
        next.min_length =
            number(&mut members, "min_length", self.min_length, default.min_length, MIN_LENGTH..=LONGEST_ASKED, errors);
        next.history = number(&mut members, "history", self.history, default.history, 0..=MOST_REMEMBERED, errors);
        for (name, required) in [
            ("require_uppercase", &mut next.require_uppercase),
            ("require_lowercase", &mut next.require_lowercase),
            ("require_digit", &mut next.require_digit),
            ("require_symbol", &mut next.require_symbol),
        ] {
            *required = match members.raw(name) {
                None => *required,
                Some(Json::Null) => false,
                Some(_) => members.optional_bool(name, errors).unwrap_or_default(),
            };
        }
        members.finish(errors);
        Some(next)
    }

    /// What is wrong with `password`. `names` are what its owner and his organisations are called.
    pub fn weaknesses(&self, password: &str, names: &[String]) -> Vec<(Code, String)> {
        let has = |kind: fn(char) -> bool| password.chars().any(kind);
        let mut found = Vec::new();
        if i64::try_from(password.chars().count()).unwrap_or(i64::MAX) < self.min_length {
            found.push((Code::TooShort, format!("At least {} characters are needed.", self.min_length)));
        }
        for (required, there, what) in [
            (self.require_uppercase, has(char::is_uppercase), "a capital letter"),
            (self.require_lowercase, has(char::is_lowercase), "a small letter"),
            (self.require_digit, has(char::is_numeric), "a digit"),
            (self.require_symbol, has(is_symbol), "a mark that is neither letter nor digit"),
        ] {
            if required && !there {
                found.push((Code::WeakPassword, format!("It needs {what}.")));
            }
        }
        let folded = password.to_lowercase();
        let names = names.iter().map(String::as_str).chain([PRODUCT]);
        if names.filter(|name| name.chars().count() >= SHORTEST_NAME).any(|name| folded.contains(&name.to_lowercase()))
        {
            let message = "It may not hold your address, the name of your organisation, or ours.";
            found.push((Code::WeakPassword, message.to_owned()));
        }
        found
    }
}

fn is_symbol(c: char) -> bool {
    !c.is_alphanumeric()
}

fn number(
    members: &mut Members<'_>,
    name: &'static str,
    current: i64,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    errors: &mut Errors,
) -> i64 {
    match members.raw(name) {
        None => current,
        Some(Json::Null) => default,
        Some(json) => bounded(json, members.pointer(name), range, errors),
    }
}

fn bounded(json: &Json, at: String, range: std::ops::RangeInclusive<i64>, errors: &mut Errors) -> i64 {
    match json {
        Json::Int(n) if range.contains(n) => return *n,
        Json::Int(_) => {
            errors.add(at, Code::OutOfRange, format!("Expected {} to {}.", range.start(), range.end()));
        }
        other => errors.add(at, Code::InvalidType, format!("Expected an integer, found {}.", other.kind())),
    }
    *range.start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(policy: PasswordPolicy, json: &str) -> Result<PasswordPolicy, Vec<String>> {
        let mut errors = Errors::default();
        let next = policy.patched(&Json::parse(json.as_bytes()).unwrap(), "/p", &mut errors);
        match errors.check() {
            Ok(()) => Ok(next.unwrap()),
            Err(problem) => {
                Err(problem.errors().iter().map(|e| format!("{} {}", e.pointer, e.code.as_str())).collect())
            }
        }
    }

    #[test]
    fn a_policy_is_patched_member_by_member() {
        let some = PasswordPolicy { min_length: 20, require_digit: true, ..Default::default() };
        for (json, expect) in [
            ("{}", Ok(some)),
            (r#"{"min_length": 16}"#, Ok(PasswordPolicy { min_length: 16, ..some })),
            (r#"{"min_length": null, "require_digit": null}"#, Ok(PasswordPolicy::default())),
            (
                r#"{"history": 10, "require_symbol": true}"#,
                Ok(PasswordPolicy { history: 10, require_symbol: true, ..some }),
            ),
            (r#"{"min_length": 11}"#, Err("/p/min_length out_of_range")),
            (r#"{"min_length": 65}"#, Err("/p/min_length out_of_range")),
            (r#"{"history": 11}"#, Err("/p/history out_of_range")),
            (r#"{"require_digit": 1}"#, Err("/p/require_digit invalid_type")),
            (r#"{"requires": true}"#, Err("/p/requires unknown_field")),
            ("[]", Err("/p invalid_type")),
        ] {
            assert_eq!(patched(some, json), expect.map_err(|error| vec![error.to_owned()]), "{json}");
        }
    }

    #[test]
    fn of_two_policies_the_stricter_holds() {
        let one = PasswordPolicy { min_length: 16, require_digit: true, ..Default::default() };
        let two = PasswordPolicy { history: 5, require_symbol: true, ..Default::default() };
        let both = PasswordPolicy {
            min_length: 16,
            require_digit: true,
            require_symbol: true,
            history: 5,
            ..Default::default()
        };
        assert_eq!((one.and(two), two.and(one), one.and(PasswordPolicy::default())), (both, both, one));
    }

    #[test]
    fn weaknesses() {
        let default = PasswordPolicy::default();
        let strict = PasswordPolicy {
            min_length: 14,
            require_uppercase: true,
            require_lowercase: true,
            require_digit: true,
            require_symbol: true,
            ..default
        };
        let names = ["ada.byron", "acme", "Best Ltd.", "sea"].map(str::to_owned);
        for (policy, password, expect) in [
            (default, "three-small-boats-at-sea", 0),
            (default, "            ", 0),
            (default, "short", 1),
            (default, "I am Ada.Byron, really", 1),
            (default, "theACMEofthings", 1),
            (default, "best ltd. is best", 1),
            (default, "peninsulas-and-isles", 1),
            (strict, "Three Boats 1 !", 0),
            (strict, "Three Boats 1", 1),
            (strict, "three boats 1 !", 1),
            (strict, "THREE BOATS 1 !", 1),
            (strict, "Three Boats one !", 1),
            (strict, "ThreeBoats1111", 1),
            (strict, "acme", 5),
            (strict, "Ärger 1 ist schön", 0),
        ] {
            let found = policy.weaknesses(password, &names);
            assert_eq!(found.len(), expect, "{password}: {found:?}");
        }
    }
}
