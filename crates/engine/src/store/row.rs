//! A row of a statement, read by position. SQLite tells integers, texts and blobs apart and no more, so each getter
//! takes what either engine gives for its type.

use insula_model::value::{ColumnType, Date, Decimal, Document, Duration, Time, Timestamp, Value};
use uuid::Uuid;

use super::StoreError;

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Row(pub(super) Vec<Value>);

impl Row {
    fn get(&self, index: usize) -> Result<&Value, StoreError> {
        self.0.get(index).ok_or_else(|| StoreError::Other(format!("no column {index}").into()))
    }

    /// The value at `index` as a column of type `ty` holds it; null stays null.
    pub(crate) fn value(&self, index: usize, ty: ColumnType) -> Result<Value, StoreError> {
        Ok(match (self.get(index)?, ty) {
            (Value::Null, _) => Value::Null,
            (Value::Int(n), ColumnType::Bool) => Value::Bool(*n != 0),
            (Value::Text(text), ColumnType::Json) => Value::Json(Document::kept(text.clone())),
            (Value::Text(text), ColumnType::Texts) => Value::Texts(texts(text)?),
            (Value::Int(n), ColumnType::Decimal { scale }) => Value::Decimal(Decimal::new(*n, scale)),
            (Value::Int(n), ColumnType::Date) => Value::Date(Date::from_days(i32::try_from(*n).unwrap_or(0))),
            (Value::Int(n), ColumnType::Time) => Value::Time(Time::from_micros(*n).ok_or_else(out_of_range)?),
            (Value::Int(n), ColumnType::Timestamp) => Value::Timestamp(Timestamp::from_micros(*n)),
            (Value::Int(n), ColumnType::Duration) => {
                Value::Duration(Duration::from_micros(*n).ok_or_else(out_of_range)?)
            }
            (Value::Bytes(bytes), ColumnType::Uuid) => Value::Uuid(uuid(bytes)?),
            (value @ Value::Bool(_), ColumnType::Bool)
            | (value @ Value::Int(_), ColumnType::Int)
            | (value @ Value::Text(_), ColumnType::Text)
            | (value @ Value::Json(_), ColumnType::Json)
            | (value @ Value::Texts(_), ColumnType::Texts)
            | (value @ Value::Date(_), ColumnType::Date)
            | (value @ Value::Time(_), ColumnType::Time)
            | (value @ Value::Timestamp(_), ColumnType::Timestamp)
            | (value @ Value::Uuid(_), ColumnType::Uuid) => value.clone(),
            (value, ty) => return Err(StoreError::Other(format!("{} is no {ty:?}", value.kind()).into())),
        })
    }

    pub(crate) fn is_null(&self, index: usize) -> bool {
        matches!(self.0.get(index), None | Some(Value::Null))
    }

    pub(crate) fn text(&self, index: usize) -> Result<&str, StoreError> {
        match self.get(index)? {
            Value::Text(text) => Ok(text),
            other => Err(wrong(other, "text")),
        }
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64, StoreError> {
        match self.get(index)? {
            Value::Int(n) => Ok(*n),
            other => Err(wrong(other, "an integer")),
        }
    }

    pub(crate) fn bool(&self, index: usize) -> Result<bool, StoreError> {
        match self.get(index)? {
            Value::Bool(b) => Ok(*b),
            Value::Int(n) => Ok(*n != 0),
            other => Err(wrong(other, "a boolean")),
        }
    }

    pub(crate) fn id<T: From<Uuid>>(&self, index: usize) -> Result<T, StoreError> {
        match self.get(index)? {
            Value::Uuid(id) => Ok(T::from(*id)),
            Value::Bytes(bytes) => uuid(bytes).map(T::from),
            other => Err(wrong(other, "an id")),
        }
    }

    pub(crate) fn timestamp(&self, index: usize) -> Result<Timestamp, StoreError> {
        match self.get(index)? {
            Value::Timestamp(at) => Ok(*at),
            Value::Int(micros) => Ok(Timestamp::from_micros(*micros)),
            other => Err(wrong(other, "a time")),
        }
    }

    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8], StoreError> {
        match self.get(index)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(wrong(other, "bytes")),
        }
    }

    /// `None` where the column is null, else what `read` makes of it.
    pub(crate) fn optional<T>(
        &self,
        index: usize,
        read: impl FnOnce(&Self, usize) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.is_null(index) { Ok(None) } else { read(self, index).map(Some) }
    }
}

/// A set of texts as SQLite keeps it.
pub(super) fn texts(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Other(error.into()))
}

fn out_of_range() -> StoreError {
    StoreError::Other("a stored value is outside its type's range".into())
}

fn uuid(bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|error| StoreError::Other(error.into()))
}

fn wrong(found: &Value, wanted: &str) -> StoreError {
    StoreError::Other(format!("{} is not {wanted}", found.kind()).into())
}
