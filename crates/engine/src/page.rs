//! Where a page of a collection begins and how long it is, for collections whose cursor is an id.

use insula_model::id::parse_uuid;
use insula_model::problem::{Code, Errors, Result};
use serde::Serialize;
use uuid::Uuid;

use crate::parameters::{self, DEFAULT_LIMIT};

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
    limit: usize,
}

impl Page {
    /// Reads a query string of `limit` (1 to 1000, default 50) and `cursor`, and nothing else.
    pub(crate) fn read(query: &str) -> Result<Self> {
        let mut page = Self { cursor: None, limit: DEFAULT_LIMIT };
        let mut errors = Errors::default();
        parameters::each(query, &["limit", "cursor"], &mut errors, |name, value, errors| match name {
            "limit" => page.limit = parameters::limit(&value, errors),
            _ => match parse_uuid(&value) {
                Some(id) => page.cursor = Some(id),
                None => errors.add("/cursor", Code::InvalidFormat, "Take it from `next_cursor` of the page before."),
            },
        });
        errors.check()?;
        Ok(page)
    }

    /// How many rows to ask the store for: one more tells whether there is another page.
    pub(crate) fn rows(self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Cuts what was asked for off `found`; the rest, if there is one, begins the next page.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>) -> Option<T> {
        let next = (found.len() > self.limit).then(|| found.swap_remove(self.limit));
        found.truncate(self.limit);
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
            ("limit=+5", "/limit", Code::OutOfRange),
            ("limit=5&limit=5", "/limit", Code::Invalid),
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
