//! What an expression is for a record at hand. The SQL renderers must agree with this, value for value.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{CallerField, Expr, Op, Operand, Path, TextTest};
use crate::id::AccountId;
use crate::org::Place;
use crate::value::{Timestamp, Value};

/// Who asks, as far as [`CallerField`] can name it, and when.
#[derive(Clone, Copy, Debug)]
pub struct CallerFacts<'a> {
    pub id: AccountId,
    pub place: &'a Place,
    pub now: Timestamp,
}

impl Expr {
    /// Whether the condition holds. `column` gives the record's values; null also where a relation leads nowhere.
    pub fn eval<'v>(&self, column: &mut dyn FnMut(&Path) -> Cow<'v, Value>, caller: &CallerFacts<'_>) -> bool {
        match self {
            Self::Const(b) => *b,
            Self::Compare(op, a, b) => {
                let (a, b) = (value(a, column, caller), value(b, column, caller));
                compare(*op, &a, &b)
            }
            Self::IsNull(operand) => value(operand, column, caller).is_null(),
            Self::In(item, values) => {
                let item = value(item, column, caller);
                !item.is_null() && values.iter().any(|value| compare(Op::Eq, &item, value))
            }
            // Only a query has parameters, and a query is asked of a store.
            Self::Among(..) => false,
            Self::Truth(operand) => *value(operand, column, caller) == Value::Bool(true),
            Self::Text(test, operand, part) => match &*value(operand, column, caller) {
                Value::Text(whole) => match test {
                    TextTest::Contains => whole.contains(part.as_str()),
                    TextTest::EndsWith => whole.ends_with(part.as_str()),
                },
                _ => false,
            },
            Self::Holds(path, member) => match (&*column(path), member) {
                (Value::Texts(texts), Value::Text(text)) => texts.contains(text),
                (Value::Uuids(ids), Value::Uuid(id)) => ids.contains(id),
                _ => false,
            },
            Self::Within(path, kind) => match &*column(path) {
                Value::Uuid(unit) => caller.place.reach(*kind).contains(unit),
                _ => false,
            },
            Self::And(parts) => parts.iter().all(|part| part.eval(column, caller)),
            Self::Or(parts) => parts.iter().any(|part| part.eval(column, caller)),
            Self::Not(inner) => !inner.eval(column, caller),
        }
    }
}

fn value<'c, 'v: 'c>(
    operand: &'c Operand,
    column: &mut dyn FnMut(&Path) -> Cow<'v, Value>,
    caller: &CallerFacts<'_>,
) -> Cow<'c, Value> {
    match operand {
        Operand::Path(path) => column(path),
        Operand::Value(value) => Cow::Borrowed(value),
        Operand::Now(moment) => Cow::Owned(moment.at(caller.now)),
        Operand::Param(_) => Cow::Owned(Value::Null),
        Operand::Caller(CallerField::Id) => Cow::Owned(Value::Uuid(caller.id.uuid())),
        Operand::Caller(CallerField::Unit(kind, fact)) => Cow::Owned(caller.place.fact(*kind, fact)),
    }
}

fn compare(op: Op, a: &Value, b: &Value) -> bool {
    match (a.is_null(), b.is_null()) {
        (true, true) => op == Op::Eq,
        (false, false) => match order(a, b) {
            Some(order) => op.holds(order),
            None => op == Op::Ne,
        },
        _ => op == Op::Ne,
    }
}

/// Nothing for values of two types, which the checker never lets meet.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Decimal(a), Value::Decimal(b)) => a.partial_cmp(b),
        // UTF-8 bytes stand in the order of code points.
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Uuid(a), Value::Uuid(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
