//! Callers of the API, as a test sees them: a token, verbs, and replies that speak when they are not what was expected.

use std::fmt;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Long enough, and in nobody's list.
pub const PASSWORD: &str = "three-small-boats-at-sea";

/// Someone who calls one server, signed in or not. Clones are the same caller.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    url: String,
    pub email: String,
    /// None: anonymous.
    pub token: Option<String>,
    pub refresh_token: Option<String>,
}

/// An answer, read whole.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null where the body is no JSON.
    pub body: Value,
    pub text: String,
    request: String,
}

impl Caller {
    pub fn anonymous(url: &str) -> Self {
        let client = Client::builder().no_proxy().build().expect("an HTTP client can be made");
        Self { client, url: url.to_owned(), email: String::new(), token: None, refresh_token: None }
    }

    /// Makes the organisation `code` and gives its owner, `owner@<code>.example`.
    pub async fn register(&self, code: &str) -> Self {
        let email = format!("owner@{}.example", code.to_ascii_lowercase());
        let body = json!({
            "tenant": {"code": code, "name": code}, "email": email, "password": PASSWORD, "full_name": "The Owner",
        });
        let tokens = self.post("/auth/register", &body).await.expect(201);
        self.with_tokens(&email, &tokens.body)
    }

    /// Signs in with [`PASSWORD`].
    pub async fn login(&self, email: &str) -> Self {
        let body = json!({"email": email, "password": PASSWORD});
        let tokens = self.post("/auth/login", &body).await.expect(200);
        self.with_tokens(email, &tokens.body)
    }

    /// Adds a member with the role `role` to the caller's organisation and signs it in. Its address is made of the
    /// role and the caller's own domain; a second one of a role needs [`Caller::user_named`].
    pub async fn user(&self, role: &str) -> Self {
        self.user_named(role, role).await
    }

    /// The same with `name` in place of the role in the address.
    pub async fn user_named(&self, name: &str, role: &str) -> Self {
        let (_, domain) = self.email.split_once('@').expect("an anonymous caller has no organisation");
        let email = format!("{name}@{domain}");
        let body = json!({"email": email, "full_name": name, "password": PASSWORD, "roles": [role]});
        self.post("/users", &body).await.expect(201);
        self.login(&email).await
    }

    /// The same caller with another token, sound or not.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller at another address of the server, after a restart.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// `PATCH` with `If-Match`.
    pub async fn patch_if(&self, path: &str, etag: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PATCH, path).header("if-match", etag).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// A JSON body exactly as written.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send(self.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// A request under way, with the token and the address filled in. A path begins with `/`: below `/api/v1`, but
    /// for the probes, the documentation and what begins with `/api/` by itself.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let outside = ["/api/", "/docs/", "/livez", "/readyz"].iter().any(|place| path.starts_with(place));
        let base = if outside { "" } else { "/api/v1" };
        let request = self.client.request(method, format!("{}{base}{path}", self.url));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().expect("a test asks for something sound");
        let line = format!("{} {}", request.method(), request.url());
        let response = self.client.execute(request).await.unwrap_or_else(|error| panic!("{line}: {error:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap_or_else(|error| panic!("{line}: {error:?}"));
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, body, text, request: line }
    }

    /// The caller at `email` whom `tokens` were given to: the body of a sign-in.
    #[must_use]
    pub fn with_tokens(&self, email: &str, tokens: &Value) -> Self {
        let text = |name: &str| tokens[name].as_str().map(str::to_owned);
        Self {
            email: email.to_owned(),
            token: text("access_token"),
            refresh_token: text("refresh_token"),
            ..self.clone()
        }
    }
}

impl Reply {
    /// The same reply if its status is `status`; else the test ends with the whole of it.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A problem of this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{reply:?}");
        assert_eq!(reply.body["code"], code, "{reply:?}");
        reply
    }

    /// A header's text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `id` of the body.
    #[track_caller]
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}"))
    }

    /// The `items` of the body.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().unwrap_or_else(|| panic!("no items: {self:?}"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}\n{:#?}\n{}", self.request, self.status, self.headers, self.text)
    }
}
