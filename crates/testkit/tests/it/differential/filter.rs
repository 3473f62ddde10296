//! Filters as a tree that is both written as CEL and asked of the model's records.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use super::literal::Literal;
use super::model::{Model, Record};
use super::schema::Type;
use super::value::Value;

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Compare(Op, Term, Term),
    In(Path, Vec<Literal>),
    /// A boolean that stands alone.
    Truth(Path),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Clone, Debug)]
pub(crate) enum Term {
    Path(Path),
    Literal(Literal),
}

#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Relations, each of the entity the one before leads to.
    pub(crate) hops: Vec<usize>,
    pub(crate) leaf: Leaf,
    pub(crate) written: String,
    pub(crate) ty: Type,
    pub(crate) is_choice: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaf {
    Field(usize),
    Id,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

pub(crate) const OPS: [(Op, &str); 6] =
    [(Op::Eq, "=="), (Op::Ne, "!="), (Op::Lt, "<"), (Op::Le, "<="), (Op::Gt, ">"), (Op::Ge, ">=")];

impl Leaf {
    pub(crate) fn of(self, record: &Record) -> Value {
        match self {
            Self::Field(position) => record.values[position].clone(),
            Self::Id => Value::Id(record.id),
            Self::Version => Value::Int(record.version),
            Self::CreatedAt => Value::datetime(&record.created_at),
            Self::UpdatedAt => Value::datetime(&record.updated_at),
        }
    }
}

impl Path {
    /// Null where a relation leads nowhere.
    fn value(&self, record: &Record, model: &Model) -> Value {
        let mut record = record;
        for hop in &self.hops {
            let target = model.entities[record.entity].fields[*hop].kind.target().expect("a hop is a relation");
            match record.values[*hop] {
                Value::Id(id) => record = model.find(target, id).expect("a relation leads to a record"),
                _ => return Value::Null,
            }
        }
        self.leaf.of(record)
    }
}

impl Filter {
    pub(crate) fn holds(&self, record: &Record, model: &Model) -> bool {
        let value = |term: &Term| match term {
            Term::Path(path) => path.value(record, model),
            Term::Literal(literal) => literal.value.clone(),
        };
        match self {
            Self::Compare(op, a, b) => op.holds(&value(a), &value(b)),
            Self::In(path, literals) => {
                let value = path.value(record, model);
                !value.is_null() && literals.iter().any(|literal| value.order(&literal.value).is_eq())
            }
            Self::Truth(path) => matches!(path.value(record, model), Value::Bool(true)),
            Self::Not(inner) => !inner.holds(record, model),
            Self::All(parts) => parts.iter().all(|part| part.holds(record, model)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, model)),
        }
    }
}

impl Op {
    /// An order with null is false; null equals null alone.
    fn holds(self, a: &Value, b: &Value) -> bool {
        let order = a.order(b);
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            _ if a.is_null() || b.is_null() => false,
            Self::Lt => order == Ordering::Less,
            Self::Le => order != Ordering::Greater,
            Self::Gt => order == Ordering::Greater,
            Self::Ge => order != Ordering::Less,
        }
    }
}

/// How a filter is written for one store.
pub(crate) struct Writer<'w> {
    /// The id that a record has there.
    pub(crate) id: &'w dyn Fn(usize) -> String,
    /// Where literals go that are sent as parameters.
    pub(crate) params: Option<Map<String, Json>>,
}

impl Writer<'_> {
    pub(crate) fn write(&mut self, filter: &Filter) -> String {
        match filter {
            Filter::Compare(op, a, b) => {
                let symbol = OPS.iter().find(|(known, _)| known == op).expect("every operator has a symbol").1;
                let (a, b) = (self.term(a), self.term(b));
                format!("{a} {symbol} {b}")
            }
            Filter::In(path, literals) => match self.list(literals) {
                Some(param) => format!("{} in {param}", path.written),
                None => {
                    let literals: Vec<String> = literals.iter().map(|literal| self.literal(literal)).collect();
                    format!("{} in [{}]", path.written, literals.join(", "))
                }
            },
            Filter::Truth(path) => path.written.clone(),
            Filter::Not(inner) => format!("!({})", self.write(inner)),
            Filter::All(parts) => self.junction(parts, " && "),
            Filter::Any(parts) => self.junction(parts, " || "),
        }
    }

    fn junction(&mut self, parts: &[Filter], operator: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| format!("({})", self.write(part))).collect();
        parts.join(operator)
    }

    fn term(&mut self, term: &Term) -> String {
        match term {
            Term::Path(path) => path.written.clone(),
            Term::Literal(literal) => match (&mut self.params, &literal.param) {
                (Some(params), Some(json)) => param(params, json.clone()),
                _ => self.literal(literal),
            },
        }
    }

    fn list(&mut self, literals: &[Literal]) -> Option<String> {
        let params = self.params.as_mut()?;
        let list = literals.iter().map(|literal| literal.param.clone()).collect::<Option<Vec<Json>>>()?;
        Some(param(params, Json::Array(list)))
    }

    fn literal(&self, literal: &Literal) -> String {
        match literal.value {
            Value::Id(id) => format!("{:?}", (self.id)(id)),
            _ => literal.written.clone(),
        }
    }
}

fn param(params: &mut Map<String, Json>, json: Json) -> String {
    let name = format!("p{}", params.len());
    let written = format!("params.{name}");
    params.insert(name, json);
    written
}
