//! What a client keeps of a sign-in before, so that others' failures do not lock it out (requirement B6).

use http::HeaderValue;
use insula_engine::identity::device::KNOWN_SECONDS;
use insula_engine::public_url::PublicUrl;
use insula_model::problem::{Problem, Result};

use super::token;
use crate::call::{Call, Take};

const DEVICE: &str = "insula_device";

/// The cookie of a request, and how the client is to keep another.
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
        let attributes = self.attributes;
        let cookie =
            format!("{DEVICE}={token}; Path=/api; Max-Age={KNOWN_SECONDS}; HttpOnly; SameSite=Strict{attributes}");
        HeaderValue::try_from(cookie).map_err(Problem::internal)
    }
}

impl Take for DeviceCookie {
    async fn take(call: &mut Call) -> Result<Self> {
        let attributes = if call.state.engine.public_url().is_some_and(PublicUrl::is_https) { "; Secure" } else { "" };
        Ok(Self { known: token(&call.parts.headers, DEVICE), attributes })
    }
}
