//! Dates and times as PostgreSQL sends them.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use insula_model::value::{Date, Timestamp};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

/// Days from 1970-01-01 to PostgreSQL's own epoch, 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// `date` on the wire.
#[derive(Debug)]
pub(super) struct Day(pub(super) Date);

/// `timestamptz` on the wire.
#[derive(Debug)]
pub(super) struct Instant(pub(super) Timestamp);

type WireError = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, WireError> {
        Ok(Self(Date::from_days(i32::from_be_bytes(raw.try_into()?) + EPOCH_DAYS)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }
}

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, WireError> {
        out.put_i32(self.0.days() - EPOCH_DAYS);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, WireError> {
        Ok(Self(Timestamp::from_micros(i64::from_be_bytes(raw.try_into()?) + EPOCH_MICROS)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl ToSql for Instant {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, WireError> {
        out.put_i64(self.0.as_micros() - EPOCH_MICROS);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    tokio_postgres::types::to_sql_checked!();
}
