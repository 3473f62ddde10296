//! What a call can end in instead of an answer, told so that a person can act on it.

use std::fmt;

use reqwest::Response;
use serde::Deserialize;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    /// No answer came.
    Transport(reqwest::Error),
    /// The server said no, and why.
    Refused(Box<Refusal>),
    /// The answer is not what the API promises.
    Unexpected(String),
}

/// A problem as the server tells it (RFC 9457), with what was asked.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Refusal {
    #[serde(skip)]
    pub path: String,
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub errors: Vec<Mistake>,
}

/// One mistake at one place of the body.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Mistake {
    pub pointer: String,
    pub code: String,
    pub message: String,
}

impl Refusal {
    /// The status of the answer counts, whatever the body says; a body that is no problem is shown as it is.
    pub(super) async fn read(answer: Response) -> Result<Self> {
        let (path, status) = (answer.url().path().to_owned(), answer.status().as_u16());
        let body = answer.text().await?;
        let told = serde_json::from_str(&body).unwrap_or_else(|_| Self { detail: body, ..Self::default() });
        Ok(Self { path, status, ..told })
    }
}

impl Default for Refusal {
    fn default() -> Self {
        Self {
            path: String::new(),
            status: 0,
            code: "unknown".to_owned(),
            title: String::new(),
            detail: String::new(),
            errors: Vec::new(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {} {} {}\n  {}", self.path, self.status, self.code, self.title, self.detail)?;
        for Mistake { pointer, code, message } in &self.errors {
            write!(f, "\n  {pointer}: {message} ({code})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => {
                write!(f, "no answer: {error}")?;
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unexpected(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(error)
    }
}
