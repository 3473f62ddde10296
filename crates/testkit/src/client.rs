//! A caller of the API over HTTP, as any program outside would be one. Knows tokens, limits and problems; knows
//! nothing of entities and nothing of the server's insides.

mod error;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub use error::{Error, Mistake, Refusal, Result};

/// How often in a row a request may be told to wait before that is an error.
const PATIENCE: u32 = 20;
/// No answer of the API takes longer, except where something is broken.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Clones share one session.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: String,
    session: Mutex<Option<Session>>,
}

struct Session {
    access: String,
    refresh: String,
    renew_at: Instant,
}

/// A new organisation with its owner.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    pub password: &'a str,
    pub full_name: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
}

impl Client {
    /// A caller without a session, of the server at `url` (`http://host:port`).
    pub fn new(url: &str) -> Result<Self> {
        // Proxies of the environment are for other servers than one's own.
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self(Arc::new(Inner { http, base: url.trim_end_matches('/').to_owned(), session: Mutex::default() })))
    }

    /// Makes an organisation and signs in as its owner.
    pub async fn register(&self, new: Registration<'_>) -> Result<()> {
        let body = json!({
            "tenant": {"code": new.code, "name": new.name},
            "email": new.email, "password": new.password, "full_name": new.full_name,
        });
        self.sign_in("/api/v1/auth/register", &body).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<()> {
        self.sign_in("/api/v1/auth/login", &json!({"email": email, "password": password})).await
    }

    async fn sign_in(&self, path: &str, body: &Value) -> Result<()> {
        let tokens = self.send(self.request(Method::POST, path).json(body)).await?;
        *self.0.session.lock().await = Some(Session::from(read::<Tokens>(tokens).await?));
        Ok(())
    }

    /// `query` is encoded here.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        self.call(self.request(Method::GET, &format!("{path}{mark}{query}"))).await
    }

    /// Sends a body that is JSON text already.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, json: Vec<u8>) -> Result<T> {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        self.call(request.body(json)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.http.request(method, format!("{}{path}", self.0.base))
    }

    async fn call<T: DeserializeOwned>(&self, mut request: RequestBuilder) -> Result<T> {
        if let Some(access) = self.access_token().await? {
            request = request.header(AUTHORIZATION, format!("Bearer {access}"));
        }
        read(self.send(request).await?).await
    }

    /// The lock is held while the tokens are renewed: a refresh token used twice ends the session.
    async fn access_token(&self) -> Result<Option<String>> {
        let mut session = self.0.session.lock().await;
        if let Some(old) = session.as_ref().filter(|session| Instant::now() >= session.renew_at) {
            let body = json!({"refresh_token": old.refresh});
            let answer = self.send(self.request(Method::POST, "/api/v1/auth/refresh").json(&body)).await?;
            *session = Some(Session::from(read::<Tokens>(answer).await?));
        }
        Ok(session.as_ref().map(|session| session.access.clone()))
    }

    /// Waits as long as the server asks for where it says 429; every other refusal is an error.
    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let mut waits = 0;
        loop {
            let attempt = request.try_clone().ok_or_else(|| Error::Unexpected("a body that streams".to_owned()))?;
            let answer = attempt.send().await?;
            if answer.status() == StatusCode::TOO_MANY_REQUESTS && waits < PATIENCE {
                tokio::time::sleep(retry_after(&answer)).await;
                waits += 1;
            } else if answer.status().is_success() {
                return Ok(answer);
            } else {
                return Err(Error::Refused(Box::new(Refusal::read(answer).await?)));
            }
        }
    }
}

impl From<Tokens> for Session {
    /// Renewed after four fifths of its life, so that no request is sent with a token about to end.
    fn from(tokens: Tokens) -> Self {
        let renew_at = Instant::now() + Duration::from_secs(tokens.expires_in) * 4 / 5;
        Self { access: tokens.access_token, refresh: tokens.refresh_token, renew_at }
    }
}

/// Only the form in seconds is read (RFC 9110 §10.2.3); a second where there is none.
fn retry_after(answer: &Response) -> Duration {
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let asked = answer.url().path().to_owned();
    let status = answer.status();
    let body = answer.bytes().await?;
    serde_json::from_slice(&body).map_err(|error| {
        let shown: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        Error::Unexpected(format!(
            "{asked} answered {status} with a body that is not what was agreed ({error}): {shown}"
        ))
    })
}

#[cfg(test)]
mod tests;
