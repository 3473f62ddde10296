//! Documentation that answers point to. The page of the problems is made of their one table.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use insula_engine::identity::Public;
use insula_model::problem::{Code, Result};

use crate::openapi::{Answer, Operation};

/// `GET /docs/problems`: every code a problem can have; `type` of a problem leads to its code here.
pub(crate) async fn problems(_: Public) -> Result<Response> {
    let mut response = Response::new(Body::from(page()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

pub(crate) fn describe_problems() -> Operation {
    Operation::new("getProblems", "What each problem code means, for people")
        .answer(Answer::empty(200, "The page, as HTML.").media("text/html"))
}

const INTRODUCTION: &str = "A request that is refused or fails is answered with application/problem+json (RFC 9457). \
     Branch on its code: codes are only ever added. Its detail is for people and says what to do; errors lists each \
     mistake with an RFC 6901 pointer to its place; request_id is what to quote when you report it.";

/// HTML. What it is made of needs no escaping, which a test holds.
fn page() -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<title>Problems</title>\n<h1>Problems</h1>\n<p>{INTRODUCTION}</p>\n<dl>\n"
    );
    for code in Code::ALL {
        let (name, status, title) = (code.as_str(), code.status(), code.title());
        // Writing to a string does not fail.
        let _ = writeln!(page, "<dt id=\"{name}\"><code>{name}</code> {status}</dt>\n<dd>{title}.</dd>");
    }
    page + "</dl>\n</html>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as Markdown, for readers of the sources.
    fn markdown() -> String {
        let mut text = format!("# Problems\n\n{INTRODUCTION}\n");
        for code in Code::ALL {
            let (name, status, title) = (code.as_str(), code.status(), code.title());
            let _ = write!(text, "\n## {name}\n{status}: {title}.\n");
        }
        text
    }

    /// To write it anew: `UPDATE_DOCS=1 cargo test -p insula docs`.
    #[test]
    fn the_page_in_the_sources_is_that_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problems.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "UPDATE_DOCS=1 cargo test -p insula docs");
    }

    #[test]
    fn every_code_is_an_anchor_and_nothing_needs_escaping() {
        let page = page();
        for code in Code::ALL {
            assert!(page.contains(&format!("id=\"{}\"", code.as_str())), "{code:?}");
            assert!(!code.title().contains(['<', '>', '&', '"']), "{code:?}");
        }
    }
}
