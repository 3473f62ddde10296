//! Values into SQLite and out of it. Booleans are 0 and 1, times microseconds, dates days, decimals units of their
//! scale, ids 16 bytes.

use insula_model::value::{
    ColumnType, Date, Decimal, Document, Duration, Time, Timestamp, Value, quoted, write_json_text, write_json_texts,
    write_json_uuid,
};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

use crate::store::cell::Cells;
use crate::store::{Row, StoreError, row};

use super::error::meaning;

/// A value to bind; borrows what it can.
pub(super) struct Bind<'a>(pub(super) &'a Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        if let Value::Texts(texts) = self.0 {
            let mut json = Vec::new();
            write_json_texts(texts, &mut json);
            let json =
                String::from_utf8(json).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            return Ok(ToSqlOutput::from(json));
        }
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null | Value::Texts(_) | Value::Uuids(_) => ValueRef::Null,
            Value::Json(document) => ValueRef::Text(document.as_str().as_bytes()),
            Value::Bool(b) => ValueRef::Integer(i64::from(*b)),
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Decimal(d) => ValueRef::Integer(d.units()),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Date(d) => ValueRef::Integer(i64::from(d.days())),
            Value::Time(t) => ValueRef::Integer(t.micros()),
            Value::Timestamp(t) => ValueRef::Integer(t.as_micros()),
            Value::Duration(d) => ValueRef::Integer(d.micros()),
            Value::Uuid(id) => ValueRef::Blob(id.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A row as SQLite tells its values apart.
pub(super) fn whole(from: &rusqlite::Row<'_>, columns: usize) -> Result<Row, StoreError> {
    let value = |index| {
        Ok(match from.get_ref(index).map_err(meaning)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Int(n),
            ValueRef::Text(bytes) => Value::Text(text(bytes)?.to_owned()),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            other @ ValueRef::Real(_) => return Err(unfit(other, "stored by Insula")),
        })
    };
    (0..columns).map(value).collect::<Result<_, _>>().map(Row)
}

impl Cells for rusqlite::Row<'_> {
    fn is_null(&self, index: usize) -> Result<bool, StoreError> {
        Ok(self.get_ref(index).map_err(meaning)? == ValueRef::Null)
    }

    fn write(&self, index: usize, ty: ColumnType, out: &mut Vec<u8>) -> Result<(), StoreError> {
        match (ty, self.get_ref(index).map_err(meaning)?) {
            (ColumnType::Uuids, ValueRef::Null) => out.extend_from_slice(b"[]"),
            (_, ValueRef::Null) => out.extend_from_slice(b"null"),
            (ColumnType::Uuids, ValueRef::Text(bytes)) => Value::Uuids(uuids(bytes)?).write_json(out),
            (ColumnType::Text, ValueRef::Text(bytes)) => write_json_text(text(bytes)?, out),
            // Stored as they are shown.
            (ColumnType::Json | ColumnType::Texts, ValueRef::Text(bytes)) => out.extend_from_slice(bytes),
            (ColumnType::Uuid, ValueRef::Blob(bytes)) => write_json_uuid(uuid(bytes)?, out),
            (ColumnType::Int, ValueRef::Integer(n)) => Value::Int(n).write_json(out),
            (ColumnType::Bool, ValueRef::Integer(n)) => Value::Bool(n != 0).write_json(out),
            (ColumnType::Timestamp, ValueRef::Integer(n)) => quoted(out, |out| Timestamp::from_micros(n).write(out)),
            (ColumnType::Date, ValueRef::Integer(n)) => {
                let date = date(n)?;
                quoted(out, |out| date.write(out));
            }
            (ColumnType::Decimal { scale }, ValueRef::Integer(n)) => {
                quoted(out, |out| Decimal::new(n, scale).write(out));
            }
            (ColumnType::Time, ValueRef::Integer(n)) => Value::Time(time(n)?).write_json(out),
            (ColumnType::Duration, ValueRef::Integer(n)) => Value::Duration(duration(n)?).write_json(out),
            (ty, other) => return Err(unfit(other, &format!("a {ty:?}"))),
        }
        Ok(())
    }

    fn value(&self, index: usize, ty: ColumnType) -> Result<Value, StoreError> {
        Ok(match (ty, self.get_ref(index).map_err(meaning)?) {
            (ColumnType::Uuids, ValueRef::Null) => Value::Uuids(Vec::new()),
            (_, ValueRef::Null) => Value::Null,
            (ColumnType::Uuids, ValueRef::Text(bytes)) => Value::Uuids(uuids(bytes)?),
            (ColumnType::Text, ValueRef::Text(bytes)) => Value::Text(text(bytes)?.to_owned()),
            (ColumnType::Json, ValueRef::Text(bytes)) => Value::Json(Document::kept(text(bytes)?.to_owned())),
            (ColumnType::Texts, ValueRef::Text(bytes)) => Value::Texts(row::texts(text(bytes)?)?),
            (ColumnType::Uuid, ValueRef::Blob(bytes)) => Value::Uuid(uuid(bytes)?),
            (ColumnType::Int, ValueRef::Integer(n)) => Value::Int(n),
            (ColumnType::Bool, ValueRef::Integer(n)) => Value::Bool(n != 0),
            (ColumnType::Timestamp, ValueRef::Integer(n)) => Value::Timestamp(Timestamp::from_micros(n)),
            (ColumnType::Date, ValueRef::Integer(n)) => Value::Date(date(n)?),
            (ColumnType::Time, ValueRef::Integer(n)) => Value::Time(time(n)?),
            (ColumnType::Duration, ValueRef::Integer(n)) => Value::Duration(duration(n)?),
            (ColumnType::Decimal { scale }, ValueRef::Integer(n)) => Value::Decimal(Decimal::new(n, scale)),
            (ty, other) => return Err(unfit(other, &format!("a {ty:?}"))),
        })
    }
}

fn text(bytes: &[u8]) -> Result<&str, StoreError> {
    str::from_utf8(bytes).map_err(|error| StoreError::Other(error.into()))
}

fn uuid(bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|error| StoreError::Other(error.into()))
}

/// Ids one after the other, in hex.
fn uuids(hex: &[u8]) -> Result<Vec<Uuid>, StoreError> {
    let id = |hex| Uuid::try_parse_ascii(hex).map_err(|error| StoreError::Other(error.into()));
    hex.chunks(32).map(id).collect()
}

fn date(days: i64) -> Result<Date, StoreError> {
    i32::try_from(days).map(Date::from_days).map_err(|error| StoreError::Other(error.into()))
}

fn time(micros: i64) -> Result<Time, StoreError> {
    Time::from_micros(micros).ok_or_else(|| StoreError::Other("a stored time is past the day's end".into()))
}

fn duration(micros: i64) -> Result<Duration, StoreError> {
    Duration::from_micros(micros).ok_or_else(|| StoreError::Other("a stored duration is too long".into()))
}

/// The value itself stays out of the message: it may be anyone's.
fn unfit(found: ValueRef<'_>, wanted: &str) -> StoreError {
    StoreError::Other(format!("a stored {} is not {wanted}", found.data_type()).into())
}
