//! Request bodies: bounded before and while they are read (requirement C2).

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};

use crate::call::{Call, Take};

/// The largest body of most routes.
const USUAL: usize = 1024 * 1024;
/// The largest body of a route that takes many records or a long query at once.
pub(crate) const LARGE: usize = 16 * USUAL;
/// A body that has not arrived by then is given up.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body nobody wanted is read, and for how long, so that the client gets to its answer.
const DISCARD: usize = 64 * USUAL;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// A JSON body of at most `LIMIT` bytes.
pub(crate) struct JsonBody<const LIMIT: usize = USUAL>(pub(crate) Json);

impl<const LIMIT: usize> Take for JsonBody<LIMIT> {
    async fn take(call: &mut Call) -> Result<Self> {
        if !is_json(&call.parts.headers, &call.parts.method) {
            return Err(Problem::new(Code::UnsupportedMediaType, "Send `Content-Type: application/json`."));
        }
        let bytes = read(&call.parts.headers, &mut call.body, LIMIT).await?;
        Json::parse(&bytes).map(Self)
    }
}

/// A body that may be left out.
impl<const LIMIT: usize> Take for Option<JsonBody<LIMIT>> {
    async fn take(call: &mut Call) -> Result<Self> {
        if call.body.is_end_stream() { Ok(None) } else { JsonBody::take(call).await.map(Some) }
    }
}

/// `application/json`, alone or with `charset=utf-8`: RFC 8259 knows no other encoding. What is patched may call itself
/// `application/merge-patch+json` as well (RFC 7396), which is what every patch is here.
fn is_json(headers: &HeaderMap, method: &Method) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let is_patch =
        |essence: &str| *method == Method::PATCH && essence.eq_ignore_ascii_case("application/merge-patch+json");
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json") || is_patch(essence))
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

async fn read(headers: &HeaderMap, body: &mut Body, limit: usize) -> Result<Bytes> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let late = |_| Problem::new(Code::BadRequest, "The body did not arrive in time.");
    tokio::time::timeout(TIMEOUT, gather(body, limit)).await.map_err(late)?
}

/// The whole body. Most come in one piece, which is not copied.
async fn gather(body: &mut Body, limit: usize) -> Result<Bytes> {
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let cut = |_| Problem::new(Code::BadRequest, "The body broke off.");
        let Ok(data) = frame.map_err(cut)?.into_data() else { continue };
        if first.len().max(rest.len()) + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { Bytes::from(rest) })
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("At most {limit} bytes are read here."))
}

/// Reads what a refused request still sends and throws it away: a connection closed with bytes unread is reset, and
/// the client would lose the answer that tells it why. Nothing is kept; a client that asked first sends nothing.
pub(crate) fn discard_rest(mut body: Body, headers: &HeaderMap) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    let rest = async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARD {
                break;
            }
        }
    };
    drop(tokio::spawn(tokio::time::timeout(DISCARD_TIME, rest)));
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_in_utf_8_is_json() {
        let check = |values: &[&str], expect: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(is_json(&headers, &Method::POST), expect, "{values:?}");
        };
        check(&["application/json"], true);
        check(&["Application/JSON; charset=UTF-8"], true);
        check(&["application/json;charset=\"utf-8\""], true);
        check(&["application/json; charset=latin1"], false);
        check(&["application/merge-patch+json"], false);
        check(&["text/plain"], false);
        check(&["application/jsonx"], false);
        check(&[], false);
        check(&["application/json", "text/plain"], false);
    }

    #[tokio::test]
    async fn a_body_is_counted_while_it_is_read() {
        let check = |chunks: &'static [&'static str], limit: usize, expect: Result<&'static str, Code>| async move {
            let stream = futures_util::stream::iter(chunks.iter().map(|c| Ok::<_, std::io::Error>(*c)));
            let mut body = Body::from_stream(stream);
            let got = read(&HeaderMap::new(), &mut body, limit).await.map_err(|problem| problem.code());
            assert_eq!(got, expect.map(|text| Bytes::from_static(text.as_bytes())), "{chunks:?}");
        };
        check(&["abc"], 3, Ok("abc")).await;
        check(&["abcd"], 3, Err(Code::PayloadTooLarge)).await;
        check(&["ab", "", "cd", "e"], 5, Ok("abcde")).await;
        check(&["ab", "cd", "e"], 4, Err(Code::PayloadTooLarge)).await;
        check(&[], 4, Ok("")).await;
    }

    #[tokio::test]
    async fn an_announced_length_over_the_limit_is_refused_unread() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("11"));
        let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let refused = read(&headers, &mut Body::from_stream(never), 10).await.unwrap_err();
        assert_eq!(refused.code(), Code::PayloadTooLarge);
    }
}
