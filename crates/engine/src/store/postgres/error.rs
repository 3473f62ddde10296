//! What PostgreSQL and the pool say no with, in the store's words. Messages of the database stay in the cause.

use std::error::Error as _;
use std::{fmt, io};

use deadpool::managed::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::store::{StoreError, UniqueBreach};

/// An error of the driver as a log may have it. By itself it says `db error`, and what caused it tells stored values in
/// its DETAIL, as does the message of a value refused (class 22).
#[derive(Debug)]
pub(super) struct Told(pub(super) Error);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(refusal) = self.0.as_db_error() {
            let state = refusal.code().code();
            return match state.get(..2) {
                Some("22") => write!(f, "PostgreSQL refused a value, SQLSTATE {state}"),
                _ => write!(f, "{} {}, SQLSTATE {state}", refusal.severity(), refusal.message()),
            };
        }
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Told {}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            return match Class::of(refusal) {
                Class::Unique => Self::Unique(UniqueBreach::Index(refusal.constraint().unwrap_or_default().to_owned())),
                Class::ForeignKey => Self::ForeignKey,
                Class::SchemaMoved => Self::SchemaMoved(Told(error).into()),
                Class::TooSlow => Self::TooSlow,
                Class::Crossed => Self::Crossed(Told(error).into()),
                Class::Unavailable => Self::Unavailable(Told(error).into()),
                Class::Other => Self::Other(Told(error).into()),
            };
        }
        if is_cut(&error) { Self::Unavailable(Told(error).into()) } else { Self::Other(Told(error).into()) }
    }
}

/// What a COMMIT and what was sent with it fail with. An error that leaves the session alive is a refusal, and nothing was
/// changed. A session that ends tells nothing, not even one that says why: it may have committed before it was told to
/// end.
pub(super) fn of_commit(error: StoreError) -> StoreError {
    if ends_session(&error) { StoreError::OutcomeUnknown(error.into()) } else { error }
}

fn ends_session(error: &StoreError) -> bool {
    match error {
        StoreError::Sent { cause, .. } => ends_session(cause),
        StoreError::Unavailable(cause) | StoreError::Other(cause) => {
            cause.downcast_ref::<Told>().is_some_and(|Told(error)| match error.as_db_error() {
                Some(refusal) => refusal.parsed_severity() != Some(Severity::Error),
                None => is_cut(error),
            })
        }
        _ => false,
    }
}

fn is_cut(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    error.is_closed() || cause.is_some_and(<dyn std::error::Error>::is::<io::Error>)
}

impl From<PoolError<Error>> for StoreError {
    fn from(error: PoolError<Error>) -> Self {
        match error {
            // Whatever kept a connection from being made, a request can only come back later.
            PoolError::Backend(error) => Self::Unavailable(Told(error).into()),
            other => Self::Unavailable(other.to_string().into()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Unique,
    ForeignKey,
    SchemaMoved,
    TooSlow,
    Crossed,
    Unavailable,
    Other,
}

impl Class {
    fn of(refusal: &DbError) -> Self {
        if is_stale(refusal) {
            Self::SchemaMoved
        } else if is_refused_role(refusal) {
            Self::Crossed
        } else {
            Self::of_state(refusal.code())
        }
    }

    fn of_state(state: &SqlState) -> Self {
        match state.code() {
            "23505" => Self::Unique,
            "23503" => Self::ForeignKey,
            // A table, column or schema is not there.
            "42P01" | "42703" | "3F000" => Self::SchemaMoved,
            "57014" => Self::TooSlow,
            // A conflict, a deadlock.
            "40001" | "40P01" => Self::Crossed,
            // A lock not had in time, idle too long.
            "55P03" | "25P03" => Self::Unavailable,
            // The connection (08), resources such as connections or disk (53), an operator's hand (57P).
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// Whether a prepared statement was refused because its columns would no longer be what it was prepared with. Other
/// things have the same code, and the message depends on the locale: the routine that raised it does not.
pub(super) fn is_stale_plan(error: &StoreError) -> bool {
    let StoreError::SchemaMoved(cause) = error else { return false };
    cause.downcast_ref::<Told>().and_then(|told| told.0.as_db_error()).is_some_and(is_stale)
}

fn is_stale(refusal: &DbError) -> bool {
    *refusal.code() == SqlState::FEATURE_NOT_SUPPORTED && refusal.routine() == Some("RevalidateCachedQuery")
}

/// Whether a session was not let into its tenant's role. A session remembers its memberships, and remembers them wrongly
/// for good if one was granted at the very moment it looked them up (seen on PostgreSQL 15): another may do better.
pub(super) fn is_of_the_session(error: &StoreError) -> bool {
    let StoreError::Crossed(cause) = error else { return false };
    cause.downcast_ref::<Told>().and_then(|told| told.0.as_db_error()).is_some_and(is_refused_role)
}

fn is_refused_role(refusal: &DbError) -> bool {
    *refusal.code() == SqlState::INSUFFICIENT_PRIVILEGE && refusal.routine() == Some("call_string_check_hook")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_mean_the_same_as_elsewhere() {
        for (state, class) in [
            ("23505", Class::Unique),
            ("23503", Class::ForeignKey),
            ("42P01", Class::SchemaMoved),
            ("42703", Class::SchemaMoved),
            ("57014", Class::TooSlow),
            ("57P01", Class::Unavailable),
            ("08006", Class::Unavailable),
            ("53300", Class::Unavailable),
            ("40P01", Class::Crossed),
            ("55P03", Class::Unavailable),
            ("42501", Class::Other),
            ("23502", Class::Other),
        ] {
            assert_eq!(Class::of_state(&SqlState::from_code(state)), class, "{state}");
        }
    }
}
