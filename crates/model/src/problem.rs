//! Everything that can go wrong, as one table: RFC 9457 problem details (requirement E).

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// A stable, documented reason. The table is append-only: clients branch on it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status of a problem of this code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    InvalidJson = "invalid_json", 400, "The body is not well-formed JSON";
    BadRequest = "bad_request", 400, "The request is malformed";
    /// Says nothing about the account (requirement E3).
    Unauthenticated = "unauthenticated", 401, "Sign in to do this";
    /// Names no permission (requirement E3).
    Forbidden = "forbidden", 403, "You may not do this";
    NotFound = "not_found", 404, "There is nothing here";
    MethodNotAllowed = "method_not_allowed", 405, "This address does not answer that method";
    /// Something else stands in the way: a taken name, records that still refer to this one.
    Conflict = "conflict", 409, "This conflicts with what is stored";
    /// A request with the same idempotency key has not ended yet.
    InProgress = "in_progress", 409, "The same request is still being worked on";
    StaleVersion = "stale_version", 412, "The record has changed since you read it";
    PayloadTooLarge = "payload_too_large", 413, "The body is too large";
    UnsupportedMediaType = "unsupported_media_type", 415, "Send this body as application/json";
    /// More than one kind of mistake: `errors` tells them all.
    Invalid = "invalid", 422, "Some of the values are not acceptable";
    UnknownField = "unknown_field", 422, "There is no such field";
    UnknownParameter = "unknown_parameter", 422, "There is no such parameter";
    InvalidType = "invalid_type", 422, "A value is of the wrong type";
    InvalidFormat = "invalid_format", 422, "A value is not written the way its type asks for";
    Required = "required", 422, "A value is missing";
    TooShort = "too_short", 422, "A value is too short";
    TooLong = "too_long", 422, "A value is too long";
    OutOfRange = "out_of_range", 422, "A value is outside its range";
    NotUnique = "not_unique", 422, "A value is already taken";
    /// A reference to a record that does not exist, or that the caller may not see.
    NoSuchRecord = "no_such_record", 422, "A reference leads nowhere";
    InvalidExpression = "invalid_expression", 422, "An expression cannot be understood";
    /// A record would break a rule of its entity; the message is the rule's own.
    RuleViolated = "rule_violated", 422, "A rule of the entity does not hold";
    /// Of somebody who is signed in, and must show that it is he.
    WrongPassword = "wrong_password", 422, "The password is wrong";
    /// Of an authenticator: wrong, too old, or used.
    WrongCode = "wrong_code", 422, "The code is wrong";
    /// Others would guess it, or it breaks the organisation's rules for passwords.
    WeakPassword = "weak_password", 422, "The password is too weak";
    /// A part of the contract that this release does not do yet. Never silently ignored.
    NotSupported = "not_supported", 422, "This is not supported yet";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "This idempotency key belongs to another request";
    /// JSON that is nested too deeply, or has too many members in one object (requirement C2).
    TooComplex = "too_complex", 422, "The body is too deep, too wide or holds too much";
    RateLimited = "rate_limited", 429, "Too many requests";
    HeadersTooLarge = "headers_too_large", 431, "The headers are too large";
    Internal = "internal", 500, "Something went wrong on our side";
    Unavailable = "unavailable", 503, "The service cannot answer right now";
    /// The store fell silent while it committed.
    OutcomeUnknown = "outcome_unknown", 503, "It is not known whether the change was made";
}

/// One mistake at one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the body, or `/name` of a query parameter.
    pub pointer: String,
    pub code: Code,
    pub message: String,
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom("no code of a problem"))
    }
}

/// A refusal or a failure. What the client sees is `code`, `detail` and `errors`; the cause is for the log alone.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    retry_after: Option<u32>,
}

/// Shorthand used throughout: what a use case gives back.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), cause: None, retry_after: None }
    }

    /// What is absent and what may not be seen: one answer for both (requirement E3).
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "What you asked for does not exist.")
    }

    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, "Your roles do not allow this. Ask an administrator of your organisation.")
    }

    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "Send a valid access token: `Authorization: Bearer …`.")
    }

    pub fn stale_version() -> Self {
        Self::new(
            Code::StaleVersion,
            "Read the record again, apply your change to it, and send that version in `If-Match`.",
        )
    }

    /// The client has sent the same request before it heard of the first one.
    pub fn in_progress() -> Self {
        let mut problem = Self::new(Code::InProgress, "Send it again in a moment to hear what became of it.");
        problem.retry_after = Some(1);
        problem
    }

    /// One mistake at one place.
    pub fn at(pointer: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        Errors::one(pointer, code, message).into_problem()
    }

    /// A defect of ours or the machine's. The cause goes to the log, never to the client.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem =
            Self::new(Code::Internal, "The request could not be completed. Quote the request id when you report this.");
        problem.cause = Some(cause.into());
        problem
    }

    /// A part we depend on does not answer; the client may try again in a second.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(Code::Unavailable, "Nothing was changed. Try again in a moment.");
        problem.cause = Some(cause.into());
        problem.retry_after = Some(1);
        problem
    }

    /// The store was lost while it committed. Does not ask for another try: one that is repeated unseen may change
    /// things twice.
    pub fn outcome_unknown(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(
            Code::OutcomeUnknown,
            "The change was either made as a whole or not at all. Look whether it is there before you repeat it.",
        );
        problem.cause = Some(cause.into());
        problem
    }

    /// 409 with the places that conflict; empty where the caller may not know them.
    pub fn conflict(detail: impl Into<Cow<'static, str>>, errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Code::Conflict, detail);
        problem.errors = errors;
        problem
    }

    /// The same problem, which happened at one place of a larger body. One that says itself where it happened stays as
    /// it is, and so does one of the body as a whole, whose pointer is empty.
    #[must_use]
    pub fn located(mut self, pointer: String) -> Self {
        if pointer.is_empty() || !self.errors.is_empty() {
            return self;
        }
        let message = self.detail.to_string();
        self.errors.push(FieldError { pointer, code: self.code, message });
        self
    }

    pub const fn code(&self) -> Code {
        self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }

    /// Seconds after which the client may try again.
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl Error for Problem {}

/// Mistakes gathered while a body is read, so that the client hears of all of them at once. Of very many the first are
/// told and the others counted: an answer must not outgrow what it answers.
#[derive(Default, Debug)]
pub struct Errors {
    told: Vec<FieldError>,
    untold: usize,
}

/// Mistakes that are told.
const MOST_TOLD: usize = 100;
/// Characters of a pointer or a message, both of which repeat what the client wrote.
const MOST_REPEATED: usize = 1_000;

impl Errors {
    pub fn one(pointer: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(pointer, code, message);
        errors
    }

    pub fn add(&mut self, pointer: impl Into<String>, code: Code, message: impl Into<String>) {
        if self.told.len() == MOST_TOLD {
            self.untold += 1;
            return;
        }
        let (pointer, message) = (shortened(pointer.into()), shortened(message.into()));
        self.told.push(FieldError { pointer, code, message });
    }

    pub const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// `Ok(())`, or the problem that lists them all.
    pub fn check(self) -> Result<()> {
        if self.told.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    /// One kind of mistake names the problem; several kinds are `invalid`.
    fn into_problem(self) -> Problem {
        let first = self.told.first().map_or(Code::Invalid, |e| e.code);
        let code = if self.told.iter().all(|e| e.code == first) { first } else { Code::Invalid };
        let detail = match self.untold {
            0 => Cow::Borrowed("Mend what `errors` lists and send the request again."),
            more => {
                let all = self.told.len() + more;
                format!(
                    "`errors` lists the first {MOST_TOLD} of {all} mistakes. Mend them all and send the request again."
                )
                .into()
            }
        };
        let mut problem = Problem::new(code, detail);
        problem.errors = self.told;
        problem
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MOST_REPEATED) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Appends a member's name to a pointer, escaped as RFC 6901 §3 asks.
pub fn pointer(base: &str, member: &str) -> String {
    format!("{base}/{}", member.replace('~', "~0").replace('/', "~1"))
}
