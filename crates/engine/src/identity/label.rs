//! Names of people and organisations.

use insula_model::input::Members;
use insula_model::problem::{Code, Errors};

/// Code points.
pub(super) const MAX: usize = 200;

/// A member that must be there: 1 to 200 code points on one line, not blank.
pub(super) fn read(members: &mut Members<'_>, name: &'static str, errors: &mut Errors) -> Option<String> {
    let text = members.text(name, MAX, errors)?;
    check(text, members.pointer(name), errors)
}

pub(super) fn check(text: &str, at: String, errors: &mut Errors) -> Option<String> {
    if text.chars().any(char::is_control) {
        errors.add(at, Code::InvalidFormat, "A name stands on one line, without control characters.");
    } else if text.trim().is_empty() {
        errors.add(at, Code::TooShort, "A name is not blank.");
    } else {
        return Some(text.to_owned());
    }
    None
}
