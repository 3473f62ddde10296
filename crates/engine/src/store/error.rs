//! What a store can say no with, one meaning on both engines.

use std::error::Error;

use insula_model::problem::Problem;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// A unique index refused a row.
    #[error("not unique: {0:?}")]
    Unique(UniqueBreach),
    /// A reference leads nowhere, or something still refers to the row.
    #[error("a foreign key refused the change")]
    ForeignKey,
    /// A table or column of the statement is not there (any more): the schema has moved on.
    #[error("the schema has changed: {0}")]
    SchemaMoved(Box<dyn Error + Send + Sync>),
    /// A change given to [`Tx::send`](super::Tx::send) failed, maybe only when a later statement or the commit took it
    /// along: which call, counted from 0, and which of its sets.
    #[error("{cause}")]
    Sent { send: usize, set: usize, cause: Box<Self> },
    /// Given up for the sake of another transaction that waited for it, as it did for that one. Nothing was changed, and
    /// the same work may well succeed when it is begun again.
    #[error("crossed with another transaction: {0}")]
    Crossed(Box<dyn Error + Send + Sync>),
    /// The store does not answer, or gave the transaction up; the same call may succeed later.
    #[error("unavailable: {0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The store was lost while it committed: all of the transaction is there, or nothing of it.
    #[error("lost during a commit: {0}")]
    OutcomeUnknown(Box<dyn Error + Send + Sync>),
    /// The statement ran over its time.
    #[error("the statement took too long")]
    TooSlow,
    /// A defect.
    #[error("{0}")]
    Other(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether what was asked for does not fit what the store holds by now.
    pub(crate) fn schema_moved(&self) -> bool {
        match self {
            Self::SchemaMoved(_) => true,
            Self::Sent { cause, .. } => cause.schema_moved(),
            _ => false,
        }
    }

    /// Whether it failed for nothing but another transaction.
    pub(crate) fn crossed(&self) -> bool {
        match self {
            Self::Crossed(_) => true,
            Self::Sent { cause, .. } => cause.crossed(),
            _ => false,
        }
    }
}

/// What the engine tells of the index: PostgreSQL its name, SQLite the columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum UniqueBreach {
    Index(String),
    Columns(Vec<String>),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sent { cause, .. } => Self::from(*cause),
            // Who could begin again has done so.
            StoreError::SchemaMoved(_) | StoreError::Crossed(_) | StoreError::Unavailable(_) | StoreError::TooSlow => {
                Self::unavailable(error)
            }
            StoreError::OutcomeUnknown(_) => Self::outcome_unknown(error),
            other => Self::internal(other),
        }
    }
}
