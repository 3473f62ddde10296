//! One request on its way to its handler: the credential first, then what else the handler asks for.
//!
//! A handler is an `async fn` whose first argument is its credential, [`Public`], [`Scope`], [`InPerson`], [`Attempt`] or
//! [`Operator`] ([`Own`] is either of two). Only those are credentials and none can be taken as another argument, so a handler has
//! exactly one.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{AUTHORIZATION, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use insula_engine::attempt::{Attempt, IdempotencyKey};
use insula_engine::engine::{Engine, Origin};
use insula_engine::identity::operator::Operator;
use insula_engine::identity::{InPerson, Public, SignedIn};
use insula_engine::scope::Scope;
use insula_model::id::{AccountId, TenantId};
use insula_model::problem::{Code, Errors, Problem, Result, pointer};

use crate::body;
use crate::health::Health;
use crate::openapi::Documents;
use crate::problem;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What the router holds. Gives out no storage: the engine asks for a credential first.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) engine: Engine,
    pub(crate) health: Arc<Health>,
    pub(crate) documents: Documents,
}

/// What the edge knows of a request; rides in its extensions.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) origin: Origin,
    pub(crate) track: Track,
}

/// What is learnt of a request on its way, for the access log.
#[derive(Clone, Default)]
pub(crate) struct Track(Arc<Learnt>);

#[derive(Default)]
struct Learnt {
    route: OnceLock<&'static str>,
    who: OnceLock<Who>,
}

#[derive(Clone, Copy)]
pub(crate) struct Who {
    /// None of a superuser.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) account: AccountId,
}

impl Track {
    /// The route's pattern. Not the path itself: a client may put anything there, a mail address too.
    pub(crate) fn route(&self) -> Option<&'static str> {
        self.0.route.get().copied()
    }

    pub(crate) fn who(&self) -> Option<Who> {
        self.0.who.get().copied()
    }
}

/// A request being read.
pub(crate) struct Call {
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    pub(crate) state: AppState,
    arrival: Option<Arrival>,
}

/// What a handler may do: made of a request, once.
pub(crate) trait Credential: Sized + Send {
    fn admit(call: &mut Call) -> impl Future<Output = Result<Self>> + Send;
}

/// What else a handler may ask for.
pub(crate) trait Take: Sized + Send {
    fn take(call: &mut Call) -> impl Future<Output = Result<Self>> + Send;
}

/// A handler that begins with the credential `C`.
pub(crate) trait Handler<C, A>: Clone + Send + Sync + 'static {
    fn handle(self, credential: C, call: &mut Call) -> impl Future<Output = Result<Response>> + Send;
}

impl<F, R, C> Handler<C, ()> for F
where
    F: Fn(C) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response>> + Send,
    C: Send,
{
    async fn handle(self, credential: C, _: &mut Call) -> Result<Response> {
        self(credential).await
    }
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<F, R, C, $($argument,)*> Handler<C, ($($argument,)*)> for F
        where
            F: Fn(C, $($argument),*) -> R + Clone + Send + Sync + 'static,
            R: Future<Output = Result<Response>> + Send,
            C: Send,
            $($argument: Take,)*
        {
            async fn handle(self, credential: C, call: &mut Call) -> Result<Response> {
                self(credential, $($argument::take(call).await?),*).await
            }
        }
    };
}

handlers! { A1 }
handlers! { A1 A2 }
handlers! { A1 A2 A3 }
handlers! { A1 A2 A3 A4 }

/// Runs `handler` for a request: credential, arguments, answer.
pub(crate) async fn answer<C: Credential, A>(
    handler: impl Handler<C, A>,
    route: &'static str,
    state: AppState,
    request: Request,
) -> Response {
    let mut call = Call::new(state, request);
    if let Some(arrival) = &call.arrival {
        arrival.track.0.route.get_or_init(|| route);
    }
    let result = match C::admit(&mut call).await {
        Ok(credential) => handler.handle(credential, &mut call).await,
        Err(problem) => Err(problem),
    };
    body::discard_rest(call.body, &call.parts.headers);
    result.unwrap_or_else(problem::refuse)
}

impl Call {
    fn new(state: AppState, request: Request) -> Self {
        let (mut parts, body) = request.into_parts();
        let arrival = parts.extensions.remove::<Arrival>();
        Self { parts, body, state, arrival }
    }

    fn origin(&self) -> Result<Origin> {
        let arrival = self.arrival.as_ref().ok_or_else(|| Problem::internal("a request did not pass the edge"))?;
        Ok(arrival.origin.clone())
    }
}

impl Credential for Public {
    async fn admit(call: &mut Call) -> Result<Self> {
        Ok(call.state.engine.public(call.origin()?))
    }
}

impl Credential for Scope {
    async fn admit(call: &mut Call) -> Result<Self> {
        let bearer = bearer(&call.parts.headers).ok_or_else(Problem::unauthenticated)?;
        let scope = call.state.engine.authenticate(bearer, call.origin()?).await?;
        if let Some(arrival) = &call.arrival {
            let caller = scope.caller();
            arrival.track.0.who.get_or_init(|| Who { tenant: Some(caller.tenant()), account: caller.account() });
        }
        Ok(scope)
    }
}

impl Credential for InPerson {
    async fn admit(call: &mut Call) -> Result<Self> {
        Scope::admit(call).await.and_then(Self::of)
    }
}

impl Credential for Operator {
    async fn admit(call: &mut Call) -> Result<Self> {
        let bearer = bearer(&call.parts.headers).ok_or_else(Problem::unauthenticated)?;
        let operator = call.state.engine.authenticate_operator(bearer, call.origin()?).await?;
        if let Some(arrival) = &call.arrival {
            arrival.track.0.who.get_or_init(|| Who { tenant: None, account: operator.account() });
        }
        Ok(operator)
    }
}

/// Whoever is signed in, to whatever: for what is of the sign-in itself.
pub(crate) enum Own {
    Member(InPerson),
    Operator(Operator),
}

/// Anyone, and as a member of an organisation whoever sends a token of one: for what is told to all, and more fittingly to
/// a member.
pub(crate) enum Anyone {
    Public(Public),
    Member(Scope),
}

impl Credential for Anyone {
    async fn admit(call: &mut Call) -> Result<Self> {
        if call.parts.headers.contains_key(AUTHORIZATION) {
            Scope::admit(call).await.map(Self::Member)
        } else {
            Public::admit(call).await.map(Self::Public)
        }
    }
}

impl Own {
    pub(crate) const fn signed_in(&self) -> SignedIn<'_> {
        match self {
            Self::Member(person) => SignedIn::Member(person),
            Self::Operator(operator) => SignedIn::Operator(operator),
        }
    }
}

impl Credential for Own {
    async fn admit(call: &mut Call) -> Result<Self> {
        match Scope::admit(call).await {
            // A good token, but of no tenant.
            Err(problem) if problem.code() == Code::NotFound => Operator::admit(call).await.map(Self::Operator),
            admitted => admitted.and_then(InPerson::of).map(Self::Member),
        }
    }
}

impl Credential for Attempt {
    async fn admit(call: &mut Call) -> Result<Self> {
        let scope = Scope::admit(call).await?;
        let mut keys = call.parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
        let key = match (keys.next(), keys.next()) {
            (None, _) => None,
            (Some(key), None) => {
                let (method, uri) = (&call.parts.method, &call.parts.uri);
                let query = uri.query().unwrap_or_default();
                Some(IdempotencyKey::parse(key.as_bytes(), method.as_str(), uri.path(), query)?)
            }
            (Some(_), Some(_)) => return Err(Problem::new(Code::BadRequest, "Send `Idempotency-Key` once.")),
        };
        Ok(Self::new(scope, key))
    }
}

/// The token of the one `Authorization: Bearer` header. Two headers are none: which one counts would be anyone's guess.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let sound = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    sound.then_some(token)
}

/// The query string as it stands, without the `?`; empty if there is none.
pub(crate) struct RawQuery(pub(crate) String);

impl Take for RawQuery {
    async fn take(call: &mut Call) -> Result<Self> {
        Ok(Self(call.parts.uri.query().unwrap_or_default().to_owned()))
    }
}

/// No query parameter at all: one that nobody reads is a mistake of the client's, not to be passed over.
pub(crate) struct NoQuery;

impl Take for NoQuery {
    async fn take(call: &mut Call) -> Result<Self> {
        let mut errors = Errors::default();
        for (name, _) in form_urlencoded::parse(call.parts.uri.query().unwrap_or_default().as_bytes()) {
            errors.add(pointer("", &name), Code::UnknownParameter, "There is no such parameter.");
        }
        errors.check().map(|()| Self)
    }
}

/// Whether a change is to be made, or only planned: `dry_run`, the one parameter there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Intent {
    Do,
    Plan,
}

impl Take for Intent {
    async fn take(call: &mut Call) -> Result<Self> {
        Self::read(call.parts.uri.query().unwrap_or_default())
    }
}

impl Intent {
    fn read(query: &str) -> Result<Self> {
        let (mut errors, mut given) = (Errors::default(), None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let at = pointer("", &name);
            match (&*name, &*value) {
                ("dry_run", _) if given.is_some() => errors.add(at, Code::InvalidFormat, "Give this parameter once."),
                ("dry_run", "true") => given = Some(Self::Plan),
                ("dry_run", "false") => given = Some(Self::Do),
                ("dry_run", _) => errors.add(at, Code::InvalidFormat, "Expected true or false."),
                _ => errors.add(at, Code::UnknownParameter, "There is no such parameter."),
            }
        }
        errors.check().map(|()| given.unwrap_or(Self::Do))
    }
}

/// The headers that make a request conditional (RFC 9110 §13.1), and no others: most requests have none.
pub(crate) struct Conditions(pub(crate) HeaderMap);

impl Take for Conditions {
    async fn take(call: &mut Call) -> Result<Self> {
        let mut conditions = HeaderMap::new();
        for name in [IF_MATCH, IF_NONE_MATCH] {
            for value in call.parts.headers.get_all(&name) {
                conditions.append(&name, value.clone());
            }
        }
        Ok(Self(conditions))
    }
}

/// The most bytes of entity tags that are looked at.
const MAX_TAGS: usize = 8192;

/// The values of a header that holds entity tags, over however many headers it is spread. One that is no text names none.
pub(crate) fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<impl Iterator<Item = &'h str>> {
    let values = headers.get_all(name);
    if values.iter().map(HeaderValue::len).sum::<usize>() > MAX_TAGS {
        let message = format!("At most {MAX_TAGS} bytes of entity tags are read.");
        return Err(Problem::at(pointer("", name.as_str()), Code::TooLong, message));
    }
    Ok(values.into_iter().map(|value| value.to_str().unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_unless_it_is_to_be_planned() {
        for (query, expect) in [("", Intent::Do), ("dry_run=false", Intent::Do), ("dry_run=true", Intent::Plan)] {
            assert_eq!(Intent::read(query).unwrap(), expect, "{query}");
        }
        for (query, code) in [
            ("dry_run=1", Code::InvalidFormat),
            ("dry_run", Code::InvalidFormat),
            ("dry_run=true&dry_run=true", Code::InvalidFormat),
            ("dryrun=true", Code::UnknownParameter),
        ] {
            assert_eq!(Intent::read(query).unwrap_err().code(), code, "{query}");
        }
    }

    #[test]
    fn one_bearer_header_and_nothing_else_is_a_token() {
        let check = |values: &[&str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(bearer(&headers), expect, "{values:?}");
        };
        check(&["Bearer abc"], Some("abc"));
        check(&["bEARER abc"], Some("abc"));
        check(&["Bearer   abc"], Some("abc"));
        check(&[], None);
        check(&["Bearer"], None);
        check(&["Bearer "], None);
        check(&["Bearer a b"], None);
        check(&["Basic abc"], None);
        check(&["abc"], None);
        check(&["Bearer abc", "Bearer abc"], None);
    }
}
