//! CEL's tree → the IR, checked against the entity and what the author may read.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr as Tree, LiteralValue, SelectExpr, operators};

use super::compare::{Term, compare, held, negate, truth, within};
use super::literal::{self, Literal};
use super::param::{Named, Params};
use super::path;
use super::shift::{self, Sign};
use super::text::Function;
use super::{CallerField, Expr, MAX_LIST, Op, UnitFact, bounds, syntax};
use crate::entity::{Entity, Field, Schema};
use crate::name::Name;
use crate::org::UnitKind;
use crate::problem::Code;
use crate::value::ColumnType;

/// What an expression is about, and what its author may name.
pub struct Context<'a> {
    pub schema: &'a Schema,
    pub entity: &'a Entity,
    /// Whether the author may read this field of this entity. One that may not be read does not exist.
    pub readable: &'a dyn Fn(&Entity, &Field) -> bool,
    /// Whether the author may read records of this entity, which a relation leads to.
    pub visible: &'a dyn Fn(&Entity) -> bool,
    /// Where what is asked of the call is noted; absent where there is no call to ask, and parameters are refused.
    pub params: Option<&'a Params>,
    pub reach: Reach,
}

/// How far an expression may look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// At the record, at those its relations lead to, and at who asks.
    Around,
    /// At the record alone.
    Record,
}

/// Why a text is no condition on this entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExprError {
    pub kind: ErrorKind,
    /// For the author: says what to do, and of unknown names only what the author wrote.
    pub message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// No such field, or none the author may read.
    UnknownField,
    Invalid,
}

impl ErrorKind {
    /// As a problem tells it.
    pub const fn code(self) -> Code {
        match self {
            Self::UnknownField => Code::UnknownField,
            Self::Invalid => Code::InvalidExpression,
        }
    }
}

impl ExprError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Invalid, message: shortened(message.into()) }
    }

    pub(super) fn unknown(written: &str, entity: &Entity) -> Self {
        let message = format!("`{written}` is not a field of `{}`", entity.name);
        Self { kind: ErrorKind::UnknownField, message: shortened(message) }
    }
}

/// Messages repeat what the author wrote, but not all of a long source.
fn shortened(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some(_) => message.chars().take(MAX_MESSAGE).chain(['…']).collect(),
        None => message,
    }
}

/// In characters.
const MAX_MESSAGE: usize = 500;

/// Reads CEL as a condition on the records of an entity.
pub fn compile(source: &str, context: &Context<'_>) -> Result<Expr, ExprError> {
    bounds::check(source)?;
    condition(&syntax::parse(source)?, context)
}

fn condition(tree: &IdedExpr, context: &Context<'_>) -> Result<Expr, ExprError> {
    if let Tree::Call(CallExpr { target: Some(target), func_name, args }) = &tree.expr
        && let (Some(function), [part]) = (Function::named(func_name), args.as_slice())
    {
        return function.of(term(target, context)?, &term(part, context)?);
    }
    if let Tree::Call(CallExpr { target: None, func_name, args }) = &tree.expr {
        match (func_name.as_str(), args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [_, _]) => return junction(tree, func_name, context),
            (operators::LOGICAL_NOT, [inner]) => return condition(inner, context).map(negate),
            (operators::IN, [item, list]) => return membership(item, list, context),
            (name, [left, right]) => {
                if let Some(op) = comparison(name) {
                    return compare(op, term(left, context)?, term(right, context)?);
                }
            }
            _ => {}
        }
    }
    truth(term(tree, context)?)
}

fn comparison(name: &str) -> Option<Op> {
    Some(match name {
        operators::EQUALS => Op::Eq,
        operators::NOT_EQUALS => Op::Ne,
        operators::LESS => Op::Lt,
        operators::LESS_EQUALS => Op::Le,
        operators::GREATER => Op::Gt,
        operators::GREATER_EQUALS => Op::Ge,
        _ => return None,
    })
}

/// `a && b && …` or `a || b || …` as one list: the parser makes a balanced tree of it.
fn junction(tree: &IdedExpr, operator: &str, context: &Context<'_>) -> Result<Expr, ExprError> {
    let is_and = operator == operators::LOGICAL_AND;
    let mut parts = Vec::new();
    let mut waiting = vec![tree];
    while let Some(next) = waiting.pop() {
        match &next.expr {
            Tree::Call(CallExpr { target: None, func_name, args }) if func_name == operator => {
                waiting.extend(args.iter().rev());
            }
            _ => match condition(next, context)? {
                Expr::Const(b) if b == is_and => {}
                Expr::And(inner) if is_and => parts.extend(inner),
                Expr::Or(inner) if !is_and => parts.extend(inner),
                part => parts.push(part),
            },
        }
    }
    if parts.contains(&Expr::Const(!is_and)) {
        return Ok(Expr::Const(!is_and));
    }
    Ok(match (parts.len(), is_and) {
        (0, _) => Expr::Const(is_and),
        (1, _) => parts.pop().unwrap_or(Expr::Const(is_and)),
        (_, true) => Expr::And(parts),
        (_, false) => Expr::Or(parts),
    })
}

fn membership(item: &IdedExpr, list: &IdedExpr, context: &Context<'_>) -> Result<Expr, ExprError> {
    let item = term(item, context)?;
    if let Tree::Select(select @ SelectExpr { test: false, .. }) = &list.expr
        && let Some(param) = segments(select).ok().and_then(|names| Named::of(&names, context.params))
    {
        return param?.among(item);
    }
    let Tree::List(list) = &list.expr else {
        if let Tree::Ident(_) | Tree::Select(SelectExpr { test: false, .. }) = &list.expr
            && let Term::Column(set) = term(list, context)?
            && matches!(set.path.column_type, ColumnType::Texts | ColumnType::Uuids)
        {
            return held(item, set);
        }
        return Err(ExprError::invalid("`in` needs a list, such as `in [\"a\", \"b\"]`"));
    };
    if list.elements.len() > MAX_LIST {
        return Err(ExprError::invalid(format!("a list can have at most {MAX_LIST} entries")));
    }
    let mut literals = Vec::with_capacity(list.elements.len());
    for element in &list.elements {
        match term(element, context)? {
            Term::Literal(literal) => literals.push(literal),
            Term::Column(_) | Term::Caller(_) | Term::Now(_) | Term::Param(_) => {
                return Err(ExprError::invalid(
                    "a list can only hold numbers, strings and the like; compare fields by `==` and join with `||`",
                ));
            }
        }
    }
    within(item, literals)
}

fn term<'a>(tree: &IdedExpr, context: &Context<'a>) -> Result<Term<'a>, ExprError> {
    match &tree.expr {
        Tree::Literal(value) => literal(value).map(Term::Literal),
        Tree::Ident(name) => named(&[name], context),
        Tree::Select(SelectExpr { test: true, .. }) => {
            Err(ExprError::invalid("`has()` is not supported; a field that is not set is null, so use `!= null`"))
        }
        Tree::Select(select) => named(&segments(select)?, context),
        Tree::Call(call) => function(call, context),
        Tree::List(_) => Err(ExprError::invalid("a list can only stand on the right of `in`")),
        Tree::Comprehension(_) => Err(not_supported("`all`, `exists`, `map` and `filter` are")),
        Tree::Map(_) | Tree::Struct(_) => Err(not_supported("`{…}` is")),
        Tree::Unspecified => Err(ExprError::invalid("the expression cannot be read")),
    }
}

/// The names between the dots.
fn segments(select: &SelectExpr) -> Result<Vec<&str>, ExprError> {
    let mut names = vec![select.field.as_str()];
    let mut tree = &select.operand.expr;
    loop {
        match tree {
            Tree::Ident(name) => names.push(name),
            Tree::Select(SelectExpr { operand, field, test: false }) => {
                names.push(field);
                tree = &operand.expr;
                continue;
            }
            _ => return Err(ExprError::invalid("only a field can have a `.` behind it, such as `record.title`")),
        }
        names.reverse();
        return Ok(names);
    }
}

fn named<'a>(names: &[&str], context: &Context<'a>) -> Result<Term<'a>, ExprError> {
    if let Some(param) = Named::of(names, context.params) {
        return param.map(Term::Param);
    }
    match names {
        ["caller", ..] if context.reach == Reach::Record => Err(ExprError::invalid(
            "a rule is about the record, whoever writes it; what depends on the caller belongs into the `where` of a role",
        )),
        ["caller", "id"] => Ok(Term::Caller(CallerField::Id)),
        ["caller", kind, fact] if UnitKind::named(kind).is_some() => unit_fact(kind, fact).map(Term::Caller),
        ["caller", ..] => Err(ExprError::invalid(
            "of the caller only `caller.id` can be used, and the `id`, `code`, `name` and attributes of `caller.company`, \
             `caller.branch` and `caller.department`",
        )),
        ["record"] => Err(ExprError::invalid("`record` needs a field, such as `record.title`")),
        ["record", names @ ..] | names => path::resolve(names, context).map(Term::Column),
    }
}

/// Any attribute can be asked for: which there are is told by the units.
fn unit_fact(kind: &str, fact: &str) -> Result<CallerField, ExprError> {
    let named = match fact {
        "id" => Some(UnitFact::Id),
        "code" => Some(UnitFact::Code),
        "name" => Some(UnitFact::Name),
        other => Name::parse(other).ok().map(UnitFact::Attribute),
    };
    let field = UnitKind::named(kind).zip(named).map(|(kind, fact)| CallerField::Unit(kind, fact));
    field.ok_or_else(|| ExprError::invalid(format!("`{fact}` cannot be an attribute of a {kind}")))
}

fn function<'a>(call: &CallExpr, context: &Context<'a>) -> Result<Term<'a>, ExprError> {
    match (&call.target, call.func_name.as_str(), call.args.as_slice()) {
        (None, operators::NEGATE, [inner]) => match &inner.expr {
            Tree::Literal(value) => match literal(value)? {
                Literal::Int(n) => n
                    .checked_neg()
                    .map(|n| Term::Literal(Literal::Int(n)))
                    .ok_or_else(|| ExprError::invalid("this whole number is too large")),
                Literal::Double(n) => Ok(Term::Literal(Literal::Double(-n))),
                other => Err(ExprError::invalid(format!("`-` cannot stand before {}", other.describe()))),
            },
            _ => Err(not_supported("`-` before anything but a number is")),
        },
        (None, "date", [argument]) => match text_argument(argument)? {
            Some(text) => literal::date(&text).map(|date| Term::Literal(Literal::Date(date))),
            None => Err(ExprError::invalid("`date()` takes a string, such as `date(\"2013-01-31\")`")),
        },
        (None, "timestamp", [argument]) => match text_argument(argument)? {
            Some(text) => literal::timestamp(&text).map(|time| Term::Literal(Literal::Timestamp(time))),
            None => {
                Err(ExprError::invalid("`timestamp()` takes a string, such as `timestamp(\"2013-01-31T09:30:00Z\")`"))
            }
        },
        (None, "duration", [argument]) => match text_argument(argument)? {
            Some(text) => literal::duration(&text).map(|duration| Term::Literal(Literal::Duration(duration))),
            None => Err(ExprError::invalid("`duration()` takes a string, such as `duration(\"1h30m\")`")),
        },
        (None, "now", []) => Ok(Term::Now(0)),
        (None, "now", _) => Err(ExprError::invalid("`now()` takes nothing")),
        (None, operators::ADD, [left, right]) => {
            shift::combine(Sign::Plus, term(left, context)?, term(right, context)?)
        }
        (None, operators::SUBSTRACT, [left, right]) => {
            shift::combine(Sign::Minus, term(left, context)?, term(right, context)?)
        }
        (Some(_), name, [_]) if Function::named(name).is_some() => Err(condition_as_value()),
        // Without a look inside: the answer must not depend on which names are known.
        (None, operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::IN, _) => {
            Err(condition_as_value())
        }
        (None, name, [_, _]) if comparison(name).is_some() => Err(condition_as_value()),
        (_, name, _) => Err(not_supported(&format!("{} is", symbol(name)))),
    }
}

fn condition_as_value() -> ExprError {
    ExprError::invalid("a condition cannot be compared; join conditions with `&&` and `||`, and negate with `!`")
}

fn not_supported(subject: &str) -> ExprError {
    ExprError::invalid(format!("{subject} not supported in filters yet"))
}

/// An operator or function as its author wrote it.
fn symbol(name: &str) -> String {
    match name {
        operators::MULTIPLY => "`*`".to_owned(),
        operators::DIVIDE => "`/`".to_owned(),
        operators::MODULO => "`%`".to_owned(),
        operators::INDEX => "`[…]`".to_owned(),
        operators::CONDITIONAL => "`? :`".to_owned(),
        name => format!("`{name}()`"),
    }
}

fn text_argument(tree: &IdedExpr) -> Result<Option<String>, ExprError> {
    match &tree.expr {
        Tree::Literal(value @ LiteralValue::String(_)) => match literal(value)? {
            Literal::Text(text) => Ok(Some(text)),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn literal(value: &LiteralValue) -> Result<Literal, ExprError> {
    Ok(match value {
        LiteralValue::Null => Literal::Null,
        LiteralValue::Boolean(b) => Literal::Bool(*b.inner()),
        LiteralValue::Int(n) => Literal::Int(*n.inner()),
        LiteralValue::Double(n) => Literal::Double(*n.inner()),
        LiteralValue::String(text) if text.inner().contains('\0') => {
            return Err(ExprError::invalid("a string cannot hold the character U+0000"));
        }
        LiteralValue::String(text) => Literal::Text(text.inner().to_owned()),
        LiteralValue::UInt(_) => {
            return Err(ExprError::invalid("write whole numbers without `u` at their end"));
        }
        LiteralValue::Bytes(_) => return Err(not_supported("`b\"…\"` is")),
    })
}
