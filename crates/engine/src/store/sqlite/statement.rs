//! Running one statement on one connection, synchronously. Must not know where it runs or in which transaction.

use insula_model::value::Value;
use rusqlite::CachedStatement;

use crate::store::cell::Cells;
use crate::store::{Row, Shape, StoreError, Tail};

use super::cells::{self, Bind};
use super::connection::{Conn, Limit};
use super::error::Stop;

/// A statement with its binds set, under `limit` if it only reads.
fn bound<'c, 'v>(
    conn: &'c Conn,
    limit: Limit,
    sql: &str,
    binds: impl ExactSizeIterator<Item = &'v Value>,
) -> Result<CachedStatement<'c>, Stop> {
    // Preparing counts too, and must not be cut short.
    conn.limit(Limit::Unlimited);
    let mut statement = conn.prepare_cached(sql)?;
    if statement.parameter_count() != binds.len() {
        return Err(StoreError::Other("a statement got another number of binds than it has".into()).into());
    }
    for (index, value) in binds.enumerate() {
        statement.raw_bind_parameter(index + 1, Bind(value))?;
    }
    conn.limit(if statement.readonly() { limit } else { Limit::Unlimited });
    Ok(statement)
}

pub(super) fn query<'v>(
    conn: &Conn,
    limit: Limit,
    sql: &str,
    binds: impl ExactSizeIterator<Item = &'v Value>,
) -> Result<Vec<Row>, Stop> {
    let mut statement = bound(conn, limit, sql, binds)?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        found.push(cells::whole(row, columns)?);
    }
    Ok(found)
}

pub(super) fn execute<'v>(
    conn: &Conn,
    sql: &str,
    binds: impl ExactSizeIterator<Item = &'v Value>,
) -> Result<u64, Stop> {
    let touched = bound(conn, Limit::Unlimited, sql, binds)?.raw_execute()?;
    Ok(u64::try_from(touched).unwrap_or(u64::MAX))
}

/// Runs one statement for each set; which set failed is in the error.
pub(super) fn execute_many(conn: &Conn, sql: &str, sets: &[Vec<Value>]) -> Result<(), (usize, Stop)> {
    sets.iter().enumerate().try_for_each(|(index, set)| match execute(conn, sql, set.iter()) {
        Ok(_) => Ok(()),
        Err(stop) => Err((index, stop)),
    })
}

#[cfg(test)]
pub(super) fn steps<'v>(conn: &Conn, sql: &str, binds: impl ExactSizeIterator<Item = &'v Value>) -> Result<u64, Stop> {
    let mut statement = bound(conn, Limit::Unlimited, sql, binds)?;
    statement.reset_status(rusqlite::StatementStatus::VmStep);
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(u64::try_from(statement.get_status(rusqlite::StatementStatus::VmStep)).unwrap_or(u64::MAX))
}

/// Appends rows to `out`; after an error what stands there is of no use.
pub(super) fn json<'v>(
    conn: &Conn,
    limit: Limit,
    sql: &str,
    binds: impl ExactSizeIterator<Item = &'v Value>,
    shape: &Shape,
    at_most: usize,
    out: &mut Vec<u8>,
) -> Result<Tail, Stop> {
    let mut statement = bound(conn, limit, sql, binds)?;
    let mut rows = statement.raw_query();
    let mut tail = Tail::default();
    let start = out.len();
    while let Some(row) = rows.next()? {
        if tail.is_full(at_most, out.len() - start) {
            tail.more = true;
            break;
        }
        if tail.rows > 0 {
            out.push(b',');
        }
        shape.write(row, out, &mut tail.noted)?;
        tail.rows += 1;
        // The row is gone with the next step, and only that tells whether it was the last.
        tail.last.clear();
        for (index, ty) in &shape.captures {
            tail.last.push(row.value(*index, *ty)?);
        }
    }
    Ok(tail)
}
