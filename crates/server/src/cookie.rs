//! The refresh token of a session that a browser holds: in a cookie that no page can read (RFC 6265), good for nothing
//! without what the page was told. See `docs/sessions.md`.

mod device;

use axum::response::Response;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use insula_engine::engine::Engine;
use insula_engine::identity::{CookieProof, Public, Tokens};
use insula_engine::public_url::PublicUrl;
use insula_model::problem::{Problem, Result};

use crate::call::{Call, Credential, Own, Take};
use crate::openapi::{Parameter, Schema};
use crate::reply;

pub(crate) use device::DeviceCookie;

static X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
/// Longer ones are none of ours.
const MAX_TOKEN: usize = 512;

/// How the cookie is called, and what is said of it.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    attributes: &'static str,
}

/// Bound to this host and to TLS by its very name.
const OVER_TLS: Kind =
    Kind { name: "__Host-insula_refresh", attributes: "; Path=/; HttpOnly; SameSite=Strict; Secure" };
const IN_THE_OPEN: Kind = Kind { name: "insula_refresh", attributes: "; Path=/; HttpOnly; SameSite=Strict" };

/// The cookie of a request, and where it was sent from.
pub(crate) struct RefreshCookie {
    kind: Kind,
    token: Option<String>,
    csrf_token: Option<String>,
    sender: Sender,
}

/// Whose page sent a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sender {
    /// Ours, or no browser.
    Own,
    Foreign,
}

impl RefreshCookie {
    fn of(headers: &HeaderMap, engine: &Engine) -> Self {
        let public_url = engine.public_url();
        let kind = if public_url.is_some_and(PublicUrl::is_https) { OVER_TLS } else { IN_THE_OPEN };
        let csrf_token = headers.get(&X_CSRF_TOKEN).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { kind, token: token(headers, kind.name), csrf_token, sender: sender(headers, public_url) }
    }

    /// What the request brings of a session. What a page of somebody else's says beside the cookie proves nothing.
    pub(crate) fn proof(&self) -> Option<CookieProof<'_>> {
        let refresh_token = self.token.as_deref()?;
        let csrf_token = self.csrf_token.as_deref().filter(|_| self.sender == Sender::Own);
        Some(CookieProof { refresh_token, csrf_token })
    }

    /// 200 with the tokens, the refresh token where it belongs.
    pub(crate) fn hand_over(&self, tokens: &Tokens) -> Result<Response> {
        let mut response = reply::ok(tokens)?;
        if let Some(token) = tokens.cookie() {
            self.set(&mut response, token, tokens.refresh_expires_in)?;
        }
        Ok(response)
    }

    /// Takes the cookie from whoever brought it.
    pub(crate) fn take_back(&self, mut response: Response) -> Result<Response> {
        if self.token.is_some() {
            self.set(&mut response, "", 0)?;
        }
        Ok(response)
    }

    fn set(&self, response: &mut Response, token: &str, seconds: i64) -> Result<()> {
        let text = format!("{}={token}; Max-Age={seconds}{}", self.kind.name, self.kind.attributes);
        let value = HeaderValue::try_from(text).map_err(Problem::internal)?;
        response.headers_mut().append(SET_COOKIE, value);
        Ok(())
    }
}

impl Take for RefreshCookie {
    async fn take(call: &mut Call) -> Result<Self> {
        Ok(Self::of(&call.parts.headers, &call.state.engine))
    }
}

/// Who signs out: whoever is signed in, or whose browser brings the cookie alone.
pub(crate) enum Leaving {
    SignedIn(Own),
    Cookie(Public),
}

impl Credential for Leaving {
    async fn admit(call: &mut Call) -> Result<Self> {
        let cookie = RefreshCookie::of(&call.parts.headers, &call.state.engine);
        if cookie.token.is_some() && !call.parts.headers.contains_key(AUTHORIZATION) {
            return Public::admit(call).await.map(Self::Cookie);
        }
        Own::admit(call).await.map(Self::SignedIn)
    }
}

/// The one cookie of this name. Two are none: which one counts would be anyone's guess.
fn token(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    (!value.is_empty() && value.len() <= MAX_TOKEN).then(|| value.to_owned())
}

/// A browser names the origin of the page with every request that changes something (Fetch, "HTTP-network fetch").
fn sender(headers: &HeaderMap, public_url: Option<&PublicUrl>) -> Sender {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return if headers.contains_key(ORIGIN) { Sender::Foreign } else { Sender::Own };
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
    let is_public = public_url.is_some_and(|url| url.as_str() == origin);
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| host.as_deref() == Some(authority));
    if is_public || is_host { Sender::Own } else { Sender::Foreign }
}

pub(crate) fn csrf_parameter() -> Parameter {
    let description = "Of a cookie session: the `csrf_token` that its sign-in answered.";
    Parameter::header("X-CSRF-Token", description, Schema::pattern(64, "^[A-Za-z0-9_-]{1,64}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn one_cookie_of_the_name() {
        for (values, expect) in [
            (&["insula_refresh=a"][..], Some("a")),
            (&["x=1; insula_refresh=a; y=2"], Some("a")),
            (&["x=1", "insula_refresh=a"], Some("a")),
            (&["insula_refresh=a; insula_refresh=b"], None),
            (&["insula_refresh=a", "insula_refresh=a"], None),
            (&["insula_refresh="], None),
            (&["insula_refresh"], None),
            (&["xinsula_refresh=a"], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(COOKIE, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(token(&map, IN_THE_OPEN.name).as_deref(), expect, "{values:?}");
        }
    }

    #[test]
    fn other_origins_are_foreign() {
        let url = PublicUrl::parse("https://insula.example").unwrap();
        for (origin, expect) in [
            (None, Sender::Own),
            (Some("https://insula.example"), Sender::Own),
            (Some("https://INSULA.example"), Sender::Own),
            (Some("http://10.0.0.1:8000"), Sender::Own),
            (Some("http://insula.example"), Sender::Foreign),
            (Some("https://insula.example.evil.example"), Sender::Foreign),
            (Some("https://10.0.0.1"), Sender::Foreign),
            (Some("null"), Sender::Foreign),
            (Some(""), Sender::Foreign),
        ] {
            let mut map = headers(&[(&HOST, "10.0.0.1:8000")]);
            if let Some(origin) = origin {
                map.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            assert_eq!(sender(&map, Some(&url)), expect, "{origin:?}");
        }
    }
}
