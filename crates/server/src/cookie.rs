//! Cookies of requests (RFC 6265), and those that answers set.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use insula_engine::identity::device::KNOWN_SECONDS;
use insula_model::problem::{Problem, Result};

use crate::call::{Call, Take};

const DEVICE: &str = "insula_device";

/// What the client keeps of a sign-in before, and how it is to keep another.
pub(crate) struct DeviceCookie {
    known: Option<String>,
    /// Behind HTTPS it is to travel by nothing else.
    attributes: &'static str,
}

impl DeviceCookie {
    pub(crate) fn known(&self) -> Option<&str> {
        self.known.as_deref()
    }

    /// The header that makes the client keep `token`.
    pub(crate) fn keep(&self, token: &str) -> Result<HeaderValue> {
        let cookie = format!(
            "{DEVICE}={token}; Path=/api; Max-Age={KNOWN_SECONDS}; HttpOnly; SameSite=Strict{}",
            self.attributes
        );
        HeaderValue::try_from(cookie).map_err(Problem::internal)
    }
}

impl Take for DeviceCookie {
    async fn take(call: &mut Call) -> Result<Self> {
        let attributes = if call.state.engine.public_url().starts_with("https://") { "; Secure" } else { "" };
        Ok(Self { known: find(&call.parts.headers, DEVICE).map(str::to_owned), attributes })
    }
}

/// The first cookie of that name.
fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs =
        headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let check = |values: &[&'static str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, HeaderValue::from_static(value));
            }
            assert_eq!(find(&headers, DEVICE), expect, "{values:?}");
        };
        check(&["insula_device=abc"], Some("abc"));
        check(&["a=b; insula_device=abc; c=d"], Some("abc"));
        check(&["a=b", "insula_device=a=b"], Some("a=b"));
        check(&["xinsula_device=abc; insula_devicex=abc"], None);
        check(&["insula_device"], None);
        check(&[], None);
    }
}
