//! `+` and `-` with durations. Nothing is reckoned in the store: what a column is moved by is moved to the other side of
//! the comparison, so that its index serves.

use super::check::ExprError;
use super::compare::Term;
use super::literal::Literal;
use crate::value::{ColumnType, Date, Duration};

const DAY: i64 = 86_400_000_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    Plus,
    Minus,
}

pub(super) fn combine<'a>(sign: Sign, left: Term<'a>, right: Term<'a>) -> Result<Term<'a>, ExprError> {
    match (sign, left, right) {
        (Sign::Plus, Term::Literal(Literal::Duration(by)), term) => shift(term, by.micros(), sign),
        (sign, term, Term::Literal(Literal::Duration(by))) => {
            shift(term, if sign == Sign::Plus { by.micros() } else { -by.micros() }, sign)
        }
        _ => Err(refused(sign)),
    }
}

fn refused(sign: Sign) -> ExprError {
    ExprError::invalid(match sign {
        Sign::Plus => "`+` can only add a duration to a date, a datetime or a duration yet",
        Sign::Minus => {
            "`-` can only take a duration from a date, a datetime or a duration yet; write `due < now() - …`"
        }
    })
}

fn shift(term: Term<'_>, by: i64, sign: Sign) -> Result<Term<'_>, ExprError> {
    Ok(match term {
        Term::Now(offset) => Term::Now(sum(offset, by)?),
        Term::Literal(Literal::Duration(duration)) => {
            let total = sum(duration.micros(), by)?;
            Term::Literal(Literal::Duration(Duration::from_micros(total).ok_or_else(too_long)?))
        }
        Term::Literal(Literal::Timestamp(time)) => {
            Term::Literal(Literal::Timestamp(time.checked_add(by).ok_or_else(beyond)?))
        }
        Term::Literal(Literal::Date(date)) => {
            Term::Literal(Literal::Date(date.plus_days(days(by)?).ok_or_else(beyond)?))
        }
        Term::Column(mut column) => {
            match column.path.column_type {
                ColumnType::Timestamp => {}
                ColumnType::Date => drop(days(by)?),
                _ => return Err(refused(sign)),
            }
            column.shift = sum(column.shift, by)?;
            Term::Column(column)
        }
        Term::Caller(_) | Term::Literal(_) | Term::Param(_) => return Err(refused(sign)),
    })
}

/// Whole days, which are all that a date can be moved by.
fn days(by: i64) -> Result<i64, ExprError> {
    if by % DAY == 0 {
        Ok(by / DAY)
    } else {
        Err(ExprError::invalid("a date can only be moved by whole days, such as `duration(\"24h\")`"))
    }
}

fn sum(a: i64, b: i64) -> Result<i64, ExprError> {
    a.checked_add(b).and_then(Duration::from_micros).map(Duration::micros).ok_or_else(too_long)
}

fn too_long() -> ExprError {
    ExprError::invalid("this duration is too long")
}

fn beyond() -> ExprError {
    ExprError::invalid("this leads beyond the years 0001 to 9999")
}

/// A date moved back by what its column is moved by, if there is one.
pub(super) fn date_before(date: Date, shift: i64) -> Option<Date> {
    date.plus_days(-shift / DAY)
}
