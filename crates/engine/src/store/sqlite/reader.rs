//! A read transaction on a pooled connection.

use std::sync::Arc;

use crate::store::StoreError;

use super::connection::Conn;
use super::error::meaning;
use super::file::File;

/// All its statements see one snapshot, taken by the first. Goes back to the pool when dropped, wherever that is.
pub(super) struct ReadSession {
    conn: Option<Conn>,
    file: Arc<File>,
}

impl ReadSession {
    pub(super) fn begin(conn: Conn, file: Arc<File>) -> Result<Self, StoreError> {
        let session = Self { conn: Some(conn), file };
        session.conn()?.step("BEGIN").map_err(meaning)?;
        Ok(session)
    }

    pub(super) const fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(super) fn conn(&self) -> Result<&Conn, StoreError> {
        self.conn.as_ref().ok_or_else(|| StoreError::Other("the connection is given back".into()))
    }
}

impl Drop for ReadSession {
    fn drop(&mut self) {
        let clean = self.conn.take().filter(|conn| conn.is_autocommit() || conn.step("COMMIT").is_ok());
        self.file.give_back(clean);
    }
}
