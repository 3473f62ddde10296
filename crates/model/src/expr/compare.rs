//! Comparisons: which types meet, and what is left to ask of a record.

use std::cmp::Ordering;
use std::fmt;

use super::check::ExprError;
use super::literal::{self, Literal, Place, wanted};
use super::param::Named;
use super::path::Column;
use super::{CallerField, Expr, Leaf, Moment, Op, Operand, UnitFact, shift};
use crate::entity::SystemField;
use crate::id::parse_uuid;
use crate::value::{ColumnType, Value};

/// One side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Term<'a> {
    Column(Column<'a>),
    Caller(CallerField),
    Literal(Literal),
    /// `now()`, moved by microseconds.
    Now(i64),
    Param(Named<'a>),
}

impl Op {
    /// The operator that says the same with the sides exchanged.
    const fn mirrored(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
        }
    }

    /// Whether it holds for two sides in this order.
    pub(super) const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }

    pub(super) const fn is_ordering(self) -> bool {
        !matches!(self, Self::Eq | Self::Ne)
    }

    const fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

pub(super) fn compare(op: Op, left: Term<'_>, right: Term<'_>) -> Result<Expr, ExprError> {
    match (left, right) {
        (Term::Caller(field), _) | (_, Term::Caller(field))
            if op.is_ordering() && field.column_type() == ColumnType::Text =>
        {
            Err(ExprError::invalid(format!("`{field}` has no order here; use `==` or `!=`")))
        }
        (Term::Column(column), Term::Param(_)) if op.is_ordering() && column.path.column_type == ColumnType::Bool => {
            Err(booleans_have_no_order(&column.name))
        }
        (Term::Column(column), Term::Param(param)) => param.compared(op, column),
        (param @ Term::Param(_), column @ Term::Column(_)) => compare(op.mirrored(), column, param),
        (Term::Param(param), _) | (_, Term::Param(param)) => Err(param.misplaced()),
        (Term::Literal(a), Term::Literal(b)) => fold(op, &a, &b),
        (literal @ Term::Literal(_), term) => compare(op.mirrored(), term, literal),
        (term, Term::Literal(Literal::Null)) => {
            let is_null = match term {
                Term::Column(column) => is_null(column),
                Term::Caller(field) if !field.is_never_null() => Expr::IsNull(Operand::Caller(field)),
                Term::Caller(_) | Term::Literal(_) | Term::Now(_) | Term::Param(_) => Expr::Const(false),
            };
            match op {
                Op::Eq => Ok(is_null),
                Op::Ne => Ok(negate(is_null)),
                _ => Err(null_has_no_order(op)),
            }
        }
        (Term::Column(column), Term::Literal(literal)) => {
            if op.is_ordering() && column.path.column_type == ColumnType::Bool {
                return Err(booleans_have_no_order(&column.name));
            }
            let place = placed(literal, &column)?;
            Ok(against(op, column, place))
        }
        (Term::Column(column), Term::Now(offset)) => {
            let offset = offset - column.shift;
            let moment = match column.path.column_type {
                ColumnType::Timestamp => Moment::Instant(offset),
                ColumnType::Date => Moment::Day(offset),
                _ => {
                    return Err(ExprError::invalid(format!(
                        "`{}` is {}; compare it with {}, not with `now()`, which is a datetime",
                        column.name,
                        column.describe(),
                        wanted(column.path.column_type)
                    )));
                }
            };
            Ok(Expr::Compare(op, Operand::Path(column.path), Operand::Now(moment)))
        }
        (now @ Term::Now(_), column @ Term::Column(_)) => compare(op.mirrored(), column, now),
        (Term::Now(offset), Term::Literal(literal)) => {
            let (moment, value) = match literal {
                Literal::Timestamp(time) => (Moment::Instant(offset), Value::Timestamp(time)),
                Literal::Text(text) => (Moment::Instant(offset), Value::Timestamp(literal::timestamp(&text)?)),
                Literal::Date(date) => (Moment::Day(offset), Value::Date(date)),
                other => {
                    let message = format!("`now()` is a datetime and cannot be compared with {}", other.describe());
                    return Err(ExprError::invalid(message));
                }
            };
            Ok(Expr::Compare(op, Operand::Now(moment), Operand::Value(value)))
        }
        (Term::Now(a), Term::Now(b)) => Ok(Expr::Const(op.holds(a.cmp(&b)))),
        (Term::Now(_), Term::Caller(_)) | (Term::Caller(_), Term::Now(_)) => {
            Err(ExprError::invalid("`now()` is a datetime; it cannot be compared with what the caller is"))
        }
        (Term::Caller(field), Term::Literal(literal)) => {
            let value = caller_literal(&field, literal)?;
            Ok(Expr::Compare(op, Operand::Caller(field), Operand::Value(value)))
        }
        (Term::Caller(CallerField::Id), Term::Caller(CallerField::Id)) => Ok(Expr::Const(op.holds(Ordering::Equal))),
        (Term::Caller(one), Term::Caller(other)) if one.column_type() == other.column_type() => {
            Ok(Expr::Compare(op, Operand::Caller(one), Operand::Caller(other)))
        }
        (Term::Caller(one), Term::Caller(other)) => Err(ExprError::invalid(format!(
            "`{one}` is {} and `{other}` is {}; they cannot be compared",
            one.describe(),
            other.describe()
        ))),
        (caller @ Term::Caller(_), column) => compare(op.mirrored(), column, caller),
        (Term::Column(column), Term::Caller(field)) => {
            if column.path.column_type != field.column_type() {
                return Err(ExprError::invalid(format!(
                    "`{}` is {}; compare it with {}, not with `{field}`, which is {}",
                    column.name,
                    column.describe(),
                    wanted(column.path.column_type),
                    field.describe()
                )));
            }
            Ok(Expr::Compare(op, Operand::Path(column.path), Operand::Caller(field)))
        }
        (Term::Column(a), Term::Column(b)) => columns(op, a, b),
    }
}

/// `term in [literals]`.
pub(super) fn within(term: Term<'_>, literals: Vec<Literal>) -> Result<Expr, ExprError> {
    if literals.contains(&Literal::Null) {
        return Err(ExprError::invalid("null cannot stand in a list; write `|| … == null` beside it"));
    }
    let (operand, values) = match term {
        Term::Param(param) => return Err(param.misplaced()),
        Term::Literal(Literal::Null) => return Ok(Expr::Const(false)),
        Term::Literal(item) => {
            let mut found = false;
            for literal in &literals {
                found |= fold(Op::Eq, &item, literal)? == Expr::Const(true);
            }
            return Ok(Expr::Const(found));
        }
        Term::Now(_) => return Err(ExprError::invalid("`now()` cannot stand before `in`; use `<` and `>`")),
        Term::Caller(field) => {
            let values = literals.into_iter().map(|literal| caller_literal(&field, literal));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            (Operand::Caller(field), values)
        }
        Term::Column(column) => {
            let mut values = Vec::with_capacity(literals.len());
            for literal in literals {
                // What the column cannot hold, it never equals.
                if let Place::At(value) = placed(literal, &column)? {
                    values.push(value);
                }
            }
            (Operand::Path(column.path), values)
        }
    };
    Ok(match values.len() {
        0 => Expr::Const(false),
        1 => match values.into_iter().next() {
            Some(Value::Bool(true)) => Expr::Truth(operand),
            Some(value) => Expr::Compare(Op::Eq, operand, Operand::Value(value)),
            None => Expr::Const(false),
        },
        _ => Expr::In(operand, values),
    })
}

/// `term in column`, where the column is a set.
pub(super) fn held(item: Term<'_>, set: Column<'_>) -> Result<Expr, ExprError> {
    match item {
        Term::Literal(Literal::Text(text)) if set.path.column_type == ColumnType::Uuids => match parse_uuid(&text) {
            Some(id) => Ok(Expr::Holds(set.path, Value::Uuid(id))),
            None => Err(ExprError::invalid(format!("`{}` is {}; {text:?} is no id", set.name, set.describe()))),
        },
        Term::Literal(Literal::Text(text)) => {
            let text = literal::as_stored(&set, text)?;
            Ok(Expr::Holds(set.path, Value::Text(text)))
        }
        _ => Err(ExprError::invalid(format!("`{}` is {}; write `\"…\" in {}`", set.name, set.describe(), set.name))),
    }
}

/// A term where a condition is wanted.
pub(super) fn truth(term: Term<'_>) -> Result<Expr, ExprError> {
    match term {
        Term::Param(param) => Err(param.misplaced()),
        Term::Literal(Literal::Bool(b)) => Ok(Expr::Const(b)),
        Term::Column(column) if column.path.column_type == ColumnType::Bool => {
            Ok(Expr::Truth(Operand::Path(column.path)))
        }
        Term::Column(column) => Err(ExprError::invalid(format!(
            "`{}` is {}, not a condition; compare it with {}",
            column.name,
            column.describe(),
            wanted(column.path.column_type)
        ))),
        Term::Now(_) => Err(ExprError::invalid("`now()` is a datetime, not a condition; compare a field with it")),
        Term::Caller(field) => {
            let what = field.describe();
            Err(ExprError::invalid(format!("`{field}` is {what}, not a condition; compare it with a field")))
        }
        Term::Literal(literal) => Err(ExprError::invalid(format!(
            "{} is not a condition; write a comparison such as `title == \"…\"`",
            literal.describe()
        ))),
    }
}

/// Negation that does not pile up.
pub(super) fn negate(expr: Expr) -> Expr {
    match expr {
        Expr::Const(b) => Expr::Const(!b),
        Expr::Not(inner) => *inner,
        other => Expr::Not(Box::new(other)),
    }
}

fn is_null(column: Column<'_>) -> Expr {
    let mut path = column.path;
    if path.column_type == ColumnType::Uuids {
        // A set is null only where the record that would have it is not there.
        (path.leaf, path.column_type) = (Leaf::System(SystemField::Id), ColumnType::Uuid);
    }
    if path.never_null { Expr::Const(false) } else { Expr::IsNull(Operand::Path(path)) }
}

/// True where the column is not null.
pub(super) fn has_value(column: Column<'_>) -> Expr {
    negate(is_null(column))
}

/// Where a literal lies among the values of the column, once what the column is moved by is moved to its side.
fn placed(literal: Literal, column: &Column<'_>) -> Result<Place, ExprError> {
    let place = literal.place(column)?;
    let beyond = |later: bool| if later { Place::BelowAll } else { Place::AboveAll };
    Ok(match place {
        place if column.shift == 0 => place,
        Place::At(Value::Timestamp(time)) => {
            let moved = time.checked_add(-column.shift).map(Value::Timestamp);
            moved.map_or(beyond(column.shift > 0), Place::At)
        }
        Place::At(Value::Date(date)) => {
            shift::date_before(date, column.shift).map_or(beyond(column.shift > 0), |date| Place::At(Value::Date(date)))
        }
        place => place,
    })
}

/// The comparison of a column with a literal at `place` among its values.
fn against(op: Op, column: Column<'_>, place: Place) -> Expr {
    let with = |op, column: Column<'_>, value| Expr::Compare(op, Operand::Path(column.path), Operand::Value(value));
    match (place, op) {
        (Place::At(Value::Bool(true)), Op::Eq) => Expr::Truth(Operand::Path(column.path)),
        (Place::At(Value::Bool(true)), Op::Ne) => negate(Expr::Truth(Operand::Path(column.path))),
        (Place::At(value), op) => with(op, column, value),
        (_, Op::Ne) => Expr::Const(true),
        (Place::After(value), Op::Lt | Op::Le) => with(Op::Le, column, value),
        (Place::After(value), Op::Gt | Op::Ge) => with(Op::Gt, column, value),
        (Place::AboveAll, Op::Lt | Op::Le) | (Place::BelowAll, Op::Gt | Op::Ge) => has_value(column),
        // Equal to no value, or on the far side of all.
        _ => Expr::Const(false),
    }
}

fn columns(op: Op, a: Column<'_>, b: Column<'_>) -> Result<Expr, ExprError> {
    match (a.path.column_type, b.path.column_type) {
        _ if a.shift != b.shift => Err(ExprError::invalid(
            "two fields can only be compared as they are yet, or both moved by one duration; compare one with `now()`",
        )),
        (ColumnType::Json | ColumnType::Texts | ColumnType::Uuids, _)
        | (_, ColumnType::Json | ColumnType::Texts | ColumnType::Uuids) => Err(ExprError::invalid(format!(
            "`{}` is {} and `{}` is {}; they cannot be compared yet",
            a.name,
            a.describe(),
            b.name,
            b.describe()
        ))),
        (ColumnType::Bool, ColumnType::Bool) if op.is_ordering() => Err(booleans_have_no_order(&a.name)),
        (a_type, b_type) if a_type == b_type => Ok(Expr::Compare(op, Operand::Path(a.path), Operand::Path(b.path))),
        (ColumnType::Decimal { scale: a_scale }, ColumnType::Decimal { scale: b_scale }) => {
            Err(ExprError::invalid(format!(
                "`{}` has {a_scale} decimal places and `{}` has {b_scale}; decimals can only be compared at the same \
                 scale yet",
                a.name, b.name
            )))
        }
        _ => Err(ExprError::invalid(format!(
            "`{}` is {} and `{}` is {}; only fields of one type can be compared",
            a.name,
            a.describe(),
            b.name,
            b.describe()
        ))),
    }
}

fn fold(op: Op, a: &Literal, b: &Literal) -> Result<Expr, ExprError> {
    if op.is_ordering() {
        match (a, b) {
            (Literal::Null, _) | (_, Literal::Null) => return Err(null_has_no_order(op)),
            (Literal::Bool(_), Literal::Bool(_)) => {
                return Err(booleans_have_no_order(if a == b { "true" } else { "false" }));
            }
            _ => {}
        }
    }
    match (a, b) {
        (Literal::Null, Literal::Null) => Ok(Expr::Const(op == Op::Eq)),
        (Literal::Null, _) | (_, Literal::Null) => Ok(Expr::Const(op == Op::Ne)),
        // A text beside a date or a datetime is one.
        (Literal::Date(_), Literal::Text(text)) => fold(op, a, &Literal::Date(literal::date(text)?)),
        (Literal::Timestamp(_), Literal::Text(text)) => fold(op, a, &Literal::Timestamp(literal::timestamp(text)?)),
        (Literal::Duration(_), Literal::Text(text)) => fold(op, a, &Literal::Duration(literal::iso_duration(text)?)),
        (Literal::Text(_), Literal::Date(_) | Literal::Timestamp(_) | Literal::Duration(_)) => {
            fold(op.mirrored(), b, a)
        }
        _ => literal::compare(a, b)
            .map(|order| Expr::Const(op.holds(order)))
            .ok_or_else(|| ExprError::invalid(format!("{} cannot be compared with {}", a.describe(), b.describe()))),
    }
}

fn caller_literal(field: &CallerField, literal: Literal) -> Result<Value, ExprError> {
    let value = match (field.column_type(), literal) {
        (ColumnType::Uuid, Literal::Text(text)) => parse_uuid(&text).map(Value::Uuid),
        (ColumnType::Text, Literal::Text(text)) => Some(Value::Text(text)),
        _ => None,
    };
    value.ok_or_else(|| {
        let (what, example) = match field.column_type() {
            ColumnType::Uuid => ("an id", "an id such as \"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\""),
            _ => ("a text", "a string"),
        };
        ExprError::invalid(format!("`{field}` is {what}; compare it with {example}"))
    })
}

impl CallerField {
    const fn describe(&self) -> &'static str {
        match self.column_type() {
            ColumnType::Uuid => "an id",
            _ => "a text",
        }
    }
}

/// As expressions name it.
impl fmt::Display for CallerField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Unit(kind, fact) = self else { return f.write_str("caller.id") };
        let fact = match fact {
            UnitFact::Id => "id",
            UnitFact::Code => "code",
            UnitFact::Name => "name",
            UnitFact::Attribute(name) => name.as_str(),
        };
        write!(f, "caller.{}.{fact}", kind.name())
    }
}

fn null_has_no_order(op: Op) -> ExprError {
    ExprError::invalid(format!("null has no order, so `{}` cannot take it; use `== null` or `!= null`", op.symbol()))
}

fn booleans_have_no_order(name: &str) -> ExprError {
    ExprError::invalid(format!("`{name}` is a boolean and has no order; use `==` or `!=`"))
}
