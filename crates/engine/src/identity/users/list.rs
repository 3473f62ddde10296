//! Users, page by page in the order of their ids.

use std::borrow::Cow;

use insula_model::id::AccountId;
use insula_model::problem::{Code, Errors, Result, pointer};
use insula_model::rights::{Action, Resource};
use uuid::Uuid;

use super::{UserPage, UserView, member};
use crate::scope::Scope;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 1000;

/// Where a page begins and how long it is.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Page {
    from: AccountId,
    limit: i64,
}

/// Permission: `users`, `read`. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`.
pub async fn list(scope: &Scope, query: &str) -> Result<UserPage> {
    scope
        .read(async |tx| {
            tx.require(Resource::Users, Action::Read)?;
            let page = Page::read(query)?;
            let tenant = tx.author.tenant;
            let found = member::page(&mut tx.store, tenant, page.from, page.limit + 1).await;
            let mut members = found.map_err(|error| tx.failed(error))?;
            let length = usize::try_from(page.limit).unwrap_or(usize::MAX);
            let next_cursor = members.get(length).map(|member| member.account.to_string());
            members.truncate(length);
            Ok(UserPage { items: members.into_iter().map(UserView::from).collect(), next_cursor })
        })
        .await
}

impl Page {
    fn read(query: &str) -> Result<Self> {
        let mut page = Self { from: AccountId::from(Uuid::nil()), limit: DEFAULT_LIMIT };
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
                "cursor" => match AccountId::parse(&value) {
                    Some(from) => page.from = from,
                    None => errors.add(at, Code::InvalidFormat, "Take it from `next_cursor` of the page before."),
                },
                _ => errors.add(at, Code::UnknownParameter, "There is no such parameter."),
            }
            seen.push(name);
        }
        errors.check()?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let id = "0190f4a2-0000-7000-8000-000000000001";
        let nil = AccountId::from(Uuid::nil());
        for (query, from, limit) in [
            ("", nil, 50),
            ("limit=1", nil, 1),
            ("limit=1000", nil, 1000),
            (&format!("cursor={id}&limit=7"), AccountId::parse(id).unwrap(), 7),
        ] {
            assert_eq!(Page::read(query).unwrap(), Page { from, limit }, "{query}");
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
}
