//! The floor: what this stack allows when a server does nothing but answer.
//!
//! The same rows, indexes, durability and answers as the product; no authentication, permission, rate limit, audit
//! hash or validation beyond the types. It must stay honestly fast: whatever makes it faster within these rules belongs in it.

mod change;
pub mod postgres;
mod record;
pub mod sqlite;

use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use uuid::Uuid;

use crate::Result;

/// Who made every record, and which tenant every audit row names.
const AUTHOR: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const TENANT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);

/// What became of a change, with the answer.
enum Outcome {
    Created(Bytes),
    Done(Bytes),
    Missing,
    /// The record is of another version.
    Stale,
}

/// The category of `filter=category == "…"`, percent-encoded; the floor knows no other query.
fn category_of(query: &str) -> Option<&str> {
    let (category, rest) = query.strip_prefix("filter=category%20%3D%3D%20%22")?.split_once("%22")?;
    (rest == "&sort=%2Ddue&limit=25" || rest == "&sort=-due&limit=25").then_some(category)
}

/// The same where the supplier is shown.
fn category_of_purchases(query: &str) -> Option<&str> {
    query.strip_suffix("&expand=supplier").and_then(category_of)
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn bad_request() -> Response {
    json(StatusCode::BAD_REQUEST, "null")
}

/// A failure of the store ends the run with its text.
fn failed(error: &dyn std::fmt::Display) -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// The answer to a read by id.
fn one(found: Option<Vec<u8>>) -> Response {
    match found {
        Some(record) => json(StatusCode::OK, record),
        None => json(StatusCode::NOT_FOUND, "null"),
    }
}

fn changed(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Created(record) => json(StatusCode::CREATED, record),
        Outcome::Done(answer) => json(StatusCode::OK, answer),
        Outcome::Missing => json(StatusCode::NOT_FOUND, "null"),
        Outcome::Stale => json(StatusCode::PRECONDITION_FAILED, "null"),
    }
}

/// Serves on loopback and says on which port, in the words of the product's own log event.
async fn listen(router: Router, port: u16) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // A socket that refuses the option is gone already; serving it will say so.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        for (query, expect) in [
            ("filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=25", Some("c42")),
            ("filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=26", None),
            ("filter=category%20%3D%3D%20%22c42%22", None),
            ("", None),
        ] {
            assert_eq!(category_of(query), expect, "{query}");
            assert_eq!(category_of_purchases(&format!("{query}&expand=supplier")), expect, "{query}");
        }
        assert_eq!(category_of_purchases("filter=category%20%3D%3D%20%22c42%22&sort=-due&limit=25"), None);
    }
}
