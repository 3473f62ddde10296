//! Values as binds, in PostgreSQL's binary form.

use std::error::Error;
use std::fmt;

use bytes::{BufMut, BytesMut};
use insula_model::value::Value;
use tokio_postgres::types::{IsNull, ToSql, Type};

/// Midnight of 2000-01-01, PostgreSQL's epoch, in ours.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;
pub(super) const EPOCH_DAYS: i32 = 10_957;

/// A value as the server has inferred its type; another type is an error and not a conversion.
pub(super) struct Bind<'v>(pub(super) &'v Value);

/// The driver logs its binds at debug level, and values are none of the log's business.
impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl ToSql for Bind<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, ty) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Bool(b), &Type::BOOL) => out.put_u8(u8::from(*b)),
            (Value::Int(n), &Type::INT8) => out.put_i64(*n),
            (Value::Int(n), &Type::INT4) => out.put_i32(i32::try_from(*n)?),
            (Value::Int(n), &Type::INT2) => out.put_i16(i16::try_from(*n)?),
            (Value::Decimal(d), &Type::INT8) => out.put_i64(d.units()),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::UNKNOWN | &Type::NAME) => {
                out.put_slice(text.as_bytes());
            }
            (Value::Date(date), &Type::DATE) => {
                out.put_i32(date.days().checked_sub(EPOCH_DAYS).ok_or("date out of range")?);
            }
            (Value::Json(document), &Type::JSON) => out.put_slice(document.as_str().as_bytes()),
            (Value::Texts(texts), &Type::TEXT_ARRAY) => return texts.to_sql(ty, out),
            (Value::Uuids(ids), &Type::UUID_ARRAY) => return ids.to_sql(ty, out),
            (Value::Time(time), &Type::TIME) => out.put_i64(time.micros()),
            (Value::Duration(duration), &Type::INT8) => out.put_i64(duration.micros()),
            (Value::Timestamp(at), &Type::TIMESTAMPTZ) => {
                out.put_i64(at.as_micros().checked_sub(EPOCH_MICROS).ok_or("time out of range")?);
            }
            (Value::Uuid(id), &Type::UUID) => out.put_slice(id.as_bytes()),
            (Value::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (value, ty) => return Err(format!("{} cannot be bound as {ty}", value.kind()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}
