//! Expressions: CEL text → a small typed tree → an evaluator here, SQL for two engines in the engine.
//!
//! Functions are total (there is no error value): `==` and `!=` also with null; ordering, `in` and `contains()` and its
//! like on null are false, and `!` negates that. Every tree is a condition, true or false for any record.

mod bounds;
mod check;
mod compare;
mod eval;
mod literal;
mod param;
mod path;
mod shift;
mod syntax;
mod template;
mod text;

pub use bounds::{MAX_LENGTH, MAX_LIST, MAX_NESTING};
pub use check::{Context, ErrorKind, ExprError, Reach, compile};
pub use eval::CallerFacts;
pub use param::{MAX_PARAM_LIST, ParamUse, Params};
pub use path::MAX_HOPS;
pub use template::Template;

use crate::entity::{FieldColumn, SystemField};
use crate::id::FieldId;
use crate::name::Name;
use crate::org::UnitKind;
use crate::value::{ColumnType, Timestamp, Value};

/// A condition on a record.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    Const(bool),
    /// Both operands have one type. An ordering is false where either is null; [`Op::Eq`] is true where both are null,
    /// [`Op::Ne`] where exactly one is. Equality with the literal null is [`Expr::IsNull`].
    Compare(Op, Operand, Operand),
    IsNull(Operand),
    /// The item equals one of the (non-null, same type) values; false where it is null.
    In(Operand, Vec<Value>),
    /// The same with a list that comes with the call.
    Among(Operand, Param),
    /// A boolean column or value that is true; null is not.
    Truth(Operand),
    /// A text that has this (not empty) part, by code points; false where it is null.
    Text(TextTest, Operand, String),
    /// The set at the path holds the value; false where it is null.
    Holds(Path, Value),
    /// The unit at the path is the one of this kind that the caller belongs to, or part of that; false where either is not
    /// there. No text says it: it is what the scope of a right means.
    Within(Path, UnitKind),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    Eq,
    /// True where exactly one side is null, as CEL's `!=` is.
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Where in a text a part of it stands. At its start is a range, for which an index serves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextTest {
    Contains,
    EndsWith,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    Path(Path),
    /// Never null; a decimal stands at the scale of what it is compared with.
    Value(Value),
    Caller(CallerField),
    Now(Moment),
    /// Never null, of the type of the column it is compared with.
    Param(Param),
}

/// What is reckoned from the instant of the request, by an offset in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moment {
    Instant(i64),
    /// The day of that instant in UTC, which is what a date is compared with.
    Day(i64),
}

impl Moment {
    pub fn at(self, now: Timestamp) -> Value {
        match self {
            Self::Instant(offset) => Value::Timestamp(now.reckon(offset)),
            Self::Day(offset) => Value::Date(now.reckon(offset).date()),
        }
    }
}

/// A value, or a list of values, that comes with the call and not with the expression: `params.x`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Param {
    /// Which of the expression's [`ParamUse`]s it is.
    pub index: usize,
    pub column_type: ColumnType,
}

/// A column reached over zero or more to-one relations, starting at the record itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Path {
    /// Relation fields, each of the entity the one before leads to.
    pub hops: Vec<FieldId>,
    pub leaf: Leaf,
    pub column_type: ColumnType,
    /// The store guarantees a value: no hop, and a column that cannot be null.
    pub never_null: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Leaf {
    System(SystemField),
    Field(FieldColumn),
}

impl Expr {
    /// Every column it looks at, each as often as it does.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        paths
    }

    fn collect_paths<'e>(&'e self, paths: &mut Vec<&'e Path>) {
        self.visit(&mut |part| {
            if let Self::Holds(path, _) | Self::Within(path, _) = part {
                paths.push(path);
            }
            paths.extend(part.operands().filter_map(|operand| match operand {
                Operand::Path(path) => Some(path),
                _ => None,
            }));
        });
    }

    /// What it asks of the units its caller belongs to.
    pub fn unit_facts(&self) -> Vec<&CallerField> {
        let mut facts = Vec::new();
        self.visit(&mut |part| {
            facts.extend(part.operands().filter_map(|operand| match operand {
                Operand::Caller(field @ CallerField::Unit(..)) => Some(field),
                _ => None,
            }));
        });
        facts
    }

    /// Whether it says of the same record something else to a caller who belongs to another unit.
    pub fn depends_on_place(&self) -> bool {
        let mut depends = !self.unit_facts().is_empty();
        self.visit(&mut |part| depends |= matches!(part, Self::Within(..)));
        depends
    }

    /// The operands of this very condition, without those of its parts.
    fn operands(&self) -> impl Iterator<Item = &Operand> {
        let (one, other) = match self {
            Self::IsNull(one) | Self::Truth(one) | Self::In(one, _) | Self::Among(one, _) | Self::Text(_, one, _) => {
                (Some(one), None)
            }
            Self::Compare(_, one, other) => (Some(one), Some(other)),
            _ => (None, None),
        };
        one.into_iter().chain(other)
    }

    /// Every condition it is made of, itself first.
    fn visit<'e>(&'e self, see: &mut dyn FnMut(&'e Self)) {
        see(self);
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Not(inner) => inner.visit(see),
            _ => {}
        }
    }
}

/// What an expression may know of who asks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CallerField {
    /// The account's id.
    Id,
    /// Something of the unit of this kind that the caller belongs to; null where there is no such unit.
    Unit(UnitKind, UnitFact),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UnitFact {
    Id,
    Code,
    Name,
    /// Null where the unit has none of this name.
    Attribute(Name),
}

impl CallerField {
    pub const fn column_type(&self) -> ColumnType {
        match self {
            Self::Id | Self::Unit(_, UnitFact::Id) => ColumnType::Uuid,
            Self::Unit(..) => ColumnType::Text,
        }
    }

    pub const fn is_never_null(&self) -> bool {
        matches!(self, Self::Id)
    }
}

#[cfg(test)]
mod tests;
