//! Where a page of a collection begins and how long it is, for collections whose cursor is an id.

use std::borrow::Cow;

use insula_model::id::parse_uuid;
use insula_model::problem::{Code, Errors, Result, pointer};
use serde::Serialize;
use uuid::Uuid;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;

/// One page, as it is answered.
#[derive(Serialize)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Where the next one begins; null at the end.
    pub next_cursor: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Page {
    /// Absent for the first page.
    pub(crate) cursor: Option<Uuid>,
    limit: i64,
}

impl Page {
    /// Reads a query string of `limit` (1 to 1000, default 50) and `cursor`, and nothing else.
    pub(crate) fn read(query: &str) -> Result<Self> {
        let mut page = Self { cursor: None, limit: DEFAULT_LIMIT };
        let mut errors = Errors::default();
        let mut seen: Vec<Cow<'_, str>> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let at = pointer("", &name);
            if seen.contains(&name) {
                errors.add(at, Code::InvalidFormat, "Give this parameter once.");
                continue;
            }
            match &*name {
                "limit" => match value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)) {
                    Some(limit) => page.limit = limit,
                    None => errors.add(at, Code::OutOfRange, format!("Expected 1 to {MAX_LIMIT}.")),
                },
                "cursor" => match parse_uuid(&value) {
                    Some(id) => page.cursor = Some(id),
                    None => errors.add(at, Code::InvalidFormat, "Take it from `next_cursor` of the page before."),
                },
                _ => errors.add(at, Code::UnknownParameter, "There is no such parameter."),
            }
            seen.push(name);
        }
        errors.check()?;
        Ok(page)
    }

    /// How many rows to ask the store for: one more tells whether there is another page.
    pub(crate) const fn rows(self) -> i64 {
        self.limit + 1
    }

    /// Cuts what was asked for off `found`; the rest, if there is one, begins the next page.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>) -> Option<T> {
        let length = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let next = (found.len() > length).then(|| found.swap_remove(length));
        found.truncate(length);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let id = "0190f4a2-0000-7000-8000-000000000001";
        for (query, cursor, limit) in [
            ("", None, 50),
            ("limit=1", None, 1),
            ("limit=1000", None, 1000),
            (&format!("cursor={id}&limit=7"), parse_uuid(id), 7),
        ] {
            assert_eq!(Page::read(query).unwrap(), Page { cursor, limit }, "{query}");
        }
        for (query, pointer, code) in [
            ("limit=0", "/limit", Code::OutOfRange),
            ("limit=1001", "/limit", Code::OutOfRange),
            ("limit=", "/limit", Code::OutOfRange),
            ("limit=5&limit=5", "/limit", Code::InvalidFormat),
            ("cursor=1", "/cursor", Code::InvalidFormat),
            ("tenant_id=1", "/tenant_id", Code::UnknownParameter),
            ("a%2Fb=", "/a~1b", Code::UnknownParameter),
        ] {
            let problem = Page::read(query).unwrap_err();
            assert_eq!((problem.errors()[0].pointer.as_str(), problem.errors()[0].code), (pointer, code), "{query}");
        }
    }

    #[test]
    fn one_row_more_is_the_next_page() {
        let page = Page::read("limit=2").unwrap();
        for (found, items, next) in
            [(vec![], vec![], None), (vec![1, 2], vec![1, 2], None), (vec![1, 2, 3], vec![1, 2], Some(3))]
        {
            let mut cut = found;
            assert_eq!((page.cut(&mut cut), cut), (next, items));
        }
    }
}
