//! The problems of RFC 9457 as the document shows them: one schema, and an answer for each status that has a code.

use insula_model::problem::Code;
use serde_json::{Map, Value, json};

use super::schema::{Parts, Schema, optional, required};

/// The name of a status's answer among the document's components.
pub(super) fn name(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        401 => "Unauthenticated",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        412 => "StaleVersion",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "RateLimited",
        431 => "HeadersTooLarge",
        500 => "Internal",
        503 => "Unavailable",
        _ => "Problem",
    }
}

/// The answers of all statuses that a code has.
pub(super) fn responses(parts: &mut Parts) -> Map<String, Value> {
    let problem = schema().place(parts);
    let mut statuses: Vec<u16> = Code::ALL.iter().map(|code| code.status()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses.into_iter().map(|status| (name(status).to_owned(), response(status, &problem))).collect()
}

fn response(status: u16, problem: &Value) -> Value {
    let codes: Vec<&Code> = Code::ALL.iter().filter(|code| code.status() == status).collect();
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let mut headers = vec!["X-Request-Id"];
    headers.extend(match status {
        401 => Some("WWW-Authenticate"),
        503 => Some("Retry-After"),
        _ => None,
    });
    let headers: Map<String, Value> = headers
        .into_iter()
        .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
        .collect();
    json!({
        "description": lines.join("\n"),
        "headers": headers,
        "content": {"application/problem+json": {"schema": problem}},
    })
}

fn code() -> Schema {
    Schema::named("ProblemCode", Schema::one_of(Code::ALL.iter().map(|code| code.as_str())))
}

/// One of several mistakes.
pub(crate) fn field_error() -> Schema {
    let error = Schema::output([
        required(
            "pointer",
            Schema::text(0, 16_384)
                .described("Where: a pointer (RFC 6901) into the body, or `/name` of a query parameter."),
        ),
        required("code", code()),
        required("message", Schema::text(1, 131_072)),
    ]);
    Schema::named("FieldError", error)
}

fn schema() -> Schema {
    let problem = Schema::output([
        required("type", Schema::format(200, "uri-reference")),
        required("title", Schema::text(1, 200)),
        required("status", Schema::integer(Some(400), Some(599))),
        required("detail", Schema::text(1, 16_384)),
        required("instance", Schema::format(16_384, "uri-reference").described("The path, without its query.")),
        required("code", code()),
        required("request_id", Schema::uuid().described("The same as `X-Request-Id`; quote it in a report.")),
        optional("errors", Schema::array(field_error()).described("Every mistake at once.")),
    ]);
    let problem = problem.described("What went wrong (RFC 9457). Branch on `code`.").with("examples", json!([{
        "type": "/docs/problems#unknown_field", "title": "There is no such field", "status": 422,
        "detail": "Mend what `errors` lists and send the request again.", "instance": "/api/v1/records/ticket",
        "code": "unknown_field", "request_id": "019ab4e2-7c0e-7000-8b3a-5d1f4c9e2a71",
        "errors": [{"pointer": "/titel", "code": "unknown_field", "message": "`ticket` has no field of this name."}],
    }]));
    Schema::named("Problem", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_code_has_a_name_of_its_own() {
        let mut parts = Parts::new();
        let made = responses(&mut parts);
        assert!(!made.contains_key("Problem"), "a status has no name yet");
        for code in Code::ALL {
            assert!(made.contains_key(name(code.status())), "{code:?}");
        }
    }
}
