//! Columns as PostgreSQL sends them, in binary: straight into the reply's JSON, or as values.

use std::error::Error;

use insula_model::value::{
    ColumnType, Date, Decimal, Document, Duration, Time, Timestamp, Value, write_json_text, write_json_uuid,
};
use tokio_postgres::Row as Sent;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::bind::{EPOCH_DAYS, EPOCH_MICROS};
use crate::store::cell::Cells;
use crate::store::{Row, StoreError};

/// One row of the wire.
pub(super) struct Columns<'r>(pub(super) &'r Sent);

impl<'r> Columns<'r> {
    fn get<T: FromSql<'r>>(&self, index: usize) -> Result<Option<T>, StoreError> {
        Ok(self.0.try_get(index)?)
    }
}

impl Cells for Columns<'_> {
    fn is_null(&self, index: usize) -> Result<bool, StoreError> {
        Ok(self.get::<Anything>(index)?.is_none())
    }

    fn write(&self, index: usize, ty: ColumnType, out: &mut Vec<u8>) -> Result<(), StoreError> {
        match ty {
            ColumnType::Text => match self.get::<&str>(index)? {
                Some(text) => write_json_text(text, out),
                None => Value::Null.write_json(out),
            },
            ColumnType::Json => match self.get::<Written>(index)? {
                Some(json) => out.extend_from_slice(json.0.as_bytes()),
                None => Value::Null.write_json(out),
            },
            ColumnType::Uuid => match self.get::<Uuid>(index)? {
                Some(id) => write_json_uuid(id, out),
                None => Value::Null.write_json(out),
            },
            // The other values own nothing: to make one is free.
            ty => self.value(index, ty)?.write_json(out),
        }
        Ok(())
    }

    fn value(&self, index: usize, ty: ColumnType) -> Result<Value, StoreError> {
        let value = match ty {
            ColumnType::Bool => self.get::<bool>(index)?.map(Value::Bool),
            ColumnType::Int => self.get::<Integer>(index)?.map(|n| Value::Int(n.0)),
            ColumnType::Decimal { scale } => {
                self.get::<i64>(index)?.map(|units| Value::Decimal(Decimal::new(units, scale)))
            }
            ColumnType::Text => self.get::<&str>(index)?.map(|text| Value::Text(text.to_owned())),
            ColumnType::Json => self.get::<Written>(index)?.map(|json| Value::Json(Document::kept(json.0.to_owned()))),
            ColumnType::Texts => self.get::<Vec<String>>(index)?.map(Value::Texts),
            ColumnType::Date => self.get::<Day>(index)?.map(|day| Value::Date(day.0)),
            ColumnType::Time => self.get::<Clock>(index)?.map(|time| Value::Time(time.0)),
            ColumnType::Timestamp => self.get::<Instant>(index)?.map(|at| Value::Timestamp(at.0)),
            ColumnType::Duration => match self.get::<i64>(index)? {
                Some(micros) => Some(Value::Duration(
                    Duration::from_micros(micros)
                        .ok_or_else(|| StoreError::Other("a stored duration is too long".into()))?,
                )),
                None => None,
            },
            ColumnType::Uuid => self.get::<Uuid>(index)?.map(Value::Uuid),
            ColumnType::Uuids => self.get::<Vec<Uuid>>(index)?.map(Value::Uuids),
        };
        Ok(value.unwrap_or(Value::Null))
    }
}

/// A whole row, each column by the type it was sent with.
pub(super) fn row(sent: &Sent) -> Result<Row, StoreError> {
    let columns = Columns(sent);
    let value = |(index, column): (usize, &tokio_postgres::Column)| {
        let ty = match *column.type_() {
            Type::BOOL => ColumnType::Bool,
            Type::INT8 | Type::INT4 | Type::INT2 => ColumnType::Int,
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN => ColumnType::Text,
            Type::JSON => ColumnType::Json,
            Type::TEXT_ARRAY => ColumnType::Texts,
            Type::DATE => ColumnType::Date,
            Type::TIME => ColumnType::Time,
            Type::TIMESTAMPTZ => ColumnType::Timestamp,
            Type::UUID => ColumnType::Uuid,
            Type::BYTEA => {
                let bytes = columns.get::<&[u8]>(index)?;
                return Ok(bytes.map_or(Value::Null, |bytes| Value::Bytes(bytes.to_vec())));
            }
            ref other => return Err(StoreError::Other(format!("column {index} has type {other}: cast it").into())),
        };
        columns.value(index, ty)
    };
    sent.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

type Failure = Box<dyn Error + Sync + Send>;

/// A column of any type, to see whether there is something.
struct Anything;

impl FromSql<'_> for Anything {
    fn from_sql(_: &Type, _: &[u8]) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// An integer of any width.
struct Integer(i64);

impl FromSql<'_> for Integer {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Failure> {
        match *raw {
            [a, b] => Ok(Self(i16::from_be_bytes([a, b]).into())),
            [a, b, c, d] => Ok(Self(i32::from_be_bytes([a, b, c, d]).into())),
            _ => Ok(Self(i64::from_be_bytes(raw.try_into()?))),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2)
    }
}

/// JSON as it was written.
struct Written<'r>(&'r str);

impl<'r> FromSql<'r> for Written<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Failure> {
        Ok(Self(str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}

struct Day(Date);

impl FromSql<'_> for Day {
    /// Days since 2000-01-01; the ends of the range are the infinities, which we never store.
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Failure> {
        let days = i32::from_be_bytes(raw.try_into()?).checked_add(EPOCH_DAYS).ok_or("date out of range")?;
        Ok(Self(Date::from_days(days)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }
}

struct Clock(Time);

impl FromSql<'_> for Clock {
    /// Microseconds since midnight; 24:00 is one that we never store.
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Failure> {
        Ok(Self(Time::from_micros(i64::from_be_bytes(raw.try_into()?)).ok_or("time out of range")?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIME
    }
}

struct Instant(Timestamp);

impl FromSql<'_> for Instant {
    /// Microseconds since 2000-01-01T00:00:00Z.
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Failure> {
        let micros = i64::from_be_bytes(raw.try_into()?).checked_add(EPOCH_MICROS).ok_or("time out of range")?;
        Ok(Self(Timestamp::from_micros(micros)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}
