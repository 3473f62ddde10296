//! Problems as RFC 9457 asks for them. What caused one is for the log alone.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use insula_model::id::RequestId;
use insula_model::problem::{Code, FieldError, Problem};
use serde::Serialize;

/// A problem on its way to the edge, which knows the request it belongs to.
#[derive(Clone)]
pub(crate) struct Refused(pub(crate) Arc<Problem>);

#[derive(Serialize)]
struct Body9457<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The answer to a problem, still without its body.
pub(crate) fn refuse(problem: Problem) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(problem.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if problem.code() == Code::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().insert(Refused(Arc::new(problem)));
    response
}

/// The body of a problem met at `path`.
pub(crate) fn body(problem: &Problem, path: &str, request: RequestId) -> Vec<u8> {
    write(problem, Some(path), Some(request.to_string()))
}

/// A problem that is part of an answer which went well: the request is that answer's own.
pub(crate) fn part(problem: &Problem) -> Vec<u8> {
    write(problem, None, None)
}

fn write(problem: &Problem, instance: Option<&str>, request_id: Option<String>) -> Vec<u8> {
    let code = problem.code();
    let body = Body9457 {
        r#type: format!("/docs/problems#{}", code.as_str()),
        title: code.title(),
        status: code.status(),
        detail: problem.detail(),
        instance,
        code: code.as_str(),
        request_id,
        errors: problem.errors(),
    };
    // Strings and numbers always serialise; were it not so, the status still tells.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn render(problem: &Problem) -> Value {
        let id = RequestId::parse("0190a8b0-0000-7000-8000-000000000000").unwrap();
        serde_json::from_slice(&body(problem, "/api/v1/users", id)).unwrap()
    }

    #[test]
    fn the_body_has_every_member_and_not_the_cause() {
        assert_eq!(
            render(&Problem::internal("connection to db.internal refused")),
            json!({
                "type": "/docs/problems#internal", "title": "Something went wrong on our side", "status": 500,
                "detail": "The request could not be completed. Quote the request id when you report this.",
                "instance": "/api/v1/users", "code": "internal",
                "request_id": "0190a8b0-0000-7000-8000-000000000000",
            })
        );
        let errors = &render(&Problem::at("/name", Code::TooLong, "At most 3."))["errors"];
        assert_eq!(*errors, json!([{"pointer": "/name", "code": "too_long", "message": "At most 3."}]));
    }

    #[test]
    fn every_code_has_an_answer_of_its_status() {
        for code in Code::ALL {
            let response = refuse(Problem::new(*code, "detail"));
            assert_eq!(response.status().as_u16(), code.status(), "{code:?}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), code.status() == 401, "{code:?}");
        }
    }

    #[test]
    fn what_passes_by_itself_says_when_to_try_again() {
        let header = |problem| refuse(problem).headers().get(RETRY_AFTER).cloned();
        assert_eq!(header(Problem::unavailable("gone")), Some(HeaderValue::from(1)));
        assert_eq!(header(Problem::not_found()), None);
    }
}
