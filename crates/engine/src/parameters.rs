//! The parameters of a query string: known ones, each at most once. What they mean is told where they are taken.

use insula_model::problem::{Code, Errors, pointer};

/// How many items a page holds when nothing is said, and most it can hold.
pub(crate) const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1000;

/// Takes each parameter of a query string; only those that are `known`, and each at most once.
pub(crate) fn each(raw: &str, known: &[&str], errors: &mut Errors, mut take: impl FnMut(&str, String, &mut Errors)) {
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
        let at = pointer("", &name);
        if !known.contains(&name.as_ref()) {
            let are = if known.len() == 1 { "is" } else { "are" };
            let message = format!("There is no such parameter here. Known {are}: {}.", known.join(", "));
            errors.add(at, Code::UnknownParameter, message);
        } else if seen.iter().any(|other| *other == name) {
            errors.add(at, Code::Invalid, "This parameter is given twice.");
        } else {
            take(&name, value.into_owned(), errors);
            seen.push(name.into_owned());
        }
    }
}

/// The `limit` of a query string; the default where it is none.
pub(crate) fn limit(text: &str, errors: &mut Errors) -> usize {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    within_limit(text.parse().ok().filter(|_| is_number), errors)
}

/// The same, read already.
pub(crate) fn within_limit(limit: Option<usize>, errors: &mut Errors) -> usize {
    limit.filter(|n| (1..=MAX_LIMIT).contains(n)).unwrap_or_else(|| {
        errors.add("/limit", Code::OutOfRange, format!("`limit` is a number from 1 to {MAX_LIMIT}."));
        DEFAULT_LIMIT
    })
}
