//! What SQLite's errors mean to a store.

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::{StoreError, UniqueBreach};

/// Why a statement stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The progress handler said that it had run long enough.
    OverBudget,
    Failed(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            Self::OverBudget
        } else {
            Self::Failed(meaning(error))
        }
    }
}

impl From<Stop> for StoreError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::OverBudget => Self::TooSlow,
            Stop::Failed(error) => error,
        }
    }
}

pub(super) fn meaning(error: Error) -> StoreError {
    match &error {
        Error::SqlInputError { msg, .. } if schema_moved(msg) => StoreError::SchemaMoved(error.into()),
        Error::SqliteFailure(code, message) => {
            let message = message.as_deref().unwrap_or_default();
            match (code.code, code.extended_code) {
                (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                    StoreError::Unique(unique_breach(message))
                }
                (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::ForeignKey,
                // ON DELETE RESTRICT is carried out by a trigger of SQLite's own.
                (_, ffi::SQLITE_CONSTRAINT_TRIGGER) if message == "FOREIGN KEY constraint failed" => {
                    StoreError::ForeignKey
                }
                (
                    ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::OutOfMemory,
                    _,
                ) => StoreError::Unavailable(error.into()),
                _ if schema_moved(message) => StoreError::SchemaMoved(error.into()),
                _ => StoreError::Other(error.into()),
            }
        }
        _ => StoreError::Other(error.into()),
    }
}

/// SQLite has no code of its own for these.
fn schema_moved(message: &str) -> bool {
    message.contains("no such table") || message.contains("no such column") || message.contains("has no column named")
}

/// Reads `UNIQUE constraint failed: t.a, t.b`, or `…: index 'i'` for an index on expressions.
fn unique_breach(message: &str) -> UniqueBreach {
    let what = message.split_once(": ").map_or("", |(_, what)| what);
    match what.strip_prefix("index '").and_then(|index| index.strip_suffix('\'')) {
        Some(index) => UniqueBreach::Index(index.to_owned()),
        None => UniqueBreach::Columns(what.split(", ").map(|c| c.rsplit('.').next().unwrap_or(c).to_owned()).collect()),
    }
}
