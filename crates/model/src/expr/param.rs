//! Parameters: `params.x` in a filter stands for a value that comes with the call, so that neither a long list nor
//! what changes from call to call is part of the expression, or of anything kept for it.

use std::cell::RefCell;

use super::check::ExprError;
use super::compare::Term;
use super::path::{Column, ColumnKind};
use super::{Expr, Op, Operand, Param, literal};
use crate::entity::FieldKind;
use crate::id::parse_uuid;
use crate::json::Json;
use crate::problem::{Code, Errors};
use crate::value::{ColumnType, Date, Decimal, Duration, Time, Timestamp, Value};

/// The most values of one list.
pub const MAX_PARAM_LIST: usize = 10_000;

/// Where an expression may name parameters: what it asks of the call, in the order of [`Param::index`].
pub type Params = RefCell<Vec<ParamUse>>;

/// One use of a parameter: its name, and what it must be there. Used beside two columns it is two.
#[derive(Clone, PartialEq, Debug)]
pub struct ParamUse {
    pub name: String,
    /// It stands on the right of `in`.
    pub is_list: bool,
    column_type: ColumnType,
    /// What a text has to be, where it stands beside a field.
    kind: Option<FieldKind>,
}

impl ParamUse {
    /// The value that `json` gives, which stands at `at`; of a list its values.
    pub fn read(&self, json: &Json, at: &str, errors: &mut Errors) -> Vec<Value> {
        let one = |json: &Json, at: &str, errors: &mut Errors| {
            let value = self.value(json);
            value.map_err(|(code, message)| errors.add(at, code, message)).ok()
        };
        match (json, self.is_list) {
            (Json::Array(items), true) if items.len() > MAX_PARAM_LIST => {
                errors.add(at, Code::TooLong, format!("A list holds at most {MAX_PARAM_LIST} values."));
                Vec::new()
            }
            (Json::Array(items), true) => {
                items.iter().enumerate().filter_map(|(i, item)| one(item, &format!("{at}/{i}"), errors)).collect()
            }
            (other, true) => {
                let message = format!("The filter has it after `in`: expected an array, found {}.", other.kind());
                errors.add(at, Code::InvalidType, message);
                Vec::new()
            }
            (json, false) => one(json, at, errors).into_iter().collect(),
        }
    }

    fn value(&self, json: &Json) -> Result<Value, (Code, String)> {
        let format = |example: &str| (Code::InvalidFormat, format!("Write it such as {example}."));
        match (self.column_type, json) {
            (ColumnType::Bool, Json::Bool(b)) => Ok(Value::Bool(*b)),
            (ColumnType::Int, Json::Int(n)) => Ok(Value::Int(*n)),
            (ColumnType::Decimal { scale }, Json::Text(text)) => {
                Decimal::parse(text).and_then(|decimal| decimal.rescale(scale)).map(Value::Decimal).map_err(|_| {
                    (Code::OutOfRange, format!("The field holds decimals with at most {scale} digits after the point."))
                })
            }
            (ColumnType::Text, Json::Text(text)) if text.contains('\0') => {
                Err((Code::InvalidFormat, "The NUL character is in no text.".to_owned()))
            }
            (ColumnType::Text, Json::Text(text)) => match &self.kind {
                Some(FieldKind::Choice { options }) if !options.contains(text) => {
                    Err((Code::OutOfRange, format!("Choose one of: {}.", options.join(", "))))
                }
                Some(kind) => Ok(Value::Text(literal::in_normal_form(kind, text.clone()))),
                None => Ok(Value::Text(text.clone())),
            },
            (ColumnType::Time, Json::Text(text)) => {
                Time::parse(text).map(Value::Time).ok_or_else(|| format("\"09:30\""))
            }
            (ColumnType::Duration, Json::Text(text)) => {
                Duration::parse(text).map(Value::Duration).ok_or_else(|| format("\"PT1H30M\""))
            }
            (ColumnType::Date, Json::Text(text)) => {
                Date::parse(text).map(Value::Date).ok_or_else(|| format("\"2013-01-31\""))
            }
            (ColumnType::Timestamp, Json::Text(text)) => {
                Timestamp::parse(text).map(Value::Timestamp).ok_or_else(|| format("\"2013-01-31T09:30:00Z\""))
            }
            (ColumnType::Uuid, Json::Text(text)) => {
                let id = parse_uuid(text).map(Value::Uuid);
                id.ok_or_else(|| format("\"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\""))
            }
            (ty, found) => {
                let wanted = match ty {
                    ColumnType::Bool => "true or false",
                    ColumnType::Int => "an integer",
                    _ => "a string",
                };
                Err((Code::InvalidType, format!("The field beside it takes {wanted}, found {}.", found.kind())))
            }
        }
    }
}

/// A parameter as an expression names it.
#[derive(Clone, Debug)]
pub(super) struct Named<'a> {
    name: String,
    uses: &'a Params,
}

impl<'a> Named<'a> {
    /// The parameter that `names` are, written between dots; nothing where they are something else.
    pub(super) fn of(names: &[&str], uses: Option<&'a Params>) -> Option<Result<Self, ExprError>> {
        let ["params", rest @ ..] = names else { return None };
        Some(match (rest, uses) {
            ([name], Some(uses)) => Ok(Self { name: (*name).to_owned(), uses }),
            (_, Some(_)) => Err(ExprError::invalid("name one parameter, such as `params.ids`")),
            (_, None) => Err(ExprError::invalid("parameters can only be used in the filter of a query")),
        })
    }

    /// `column op params.x`.
    pub(super) fn compared(self, op: Op, column: Column<'_>) -> Result<Expr, ExprError> {
        let param = self.note(&column, false)?;
        Ok(Expr::Compare(op, Operand::Path(column.path), Operand::Param(param)))
    }

    /// `item in params.x`.
    pub(super) fn among(self, item: Term<'_>) -> Result<Expr, ExprError> {
        match item {
            Term::Column(column) => {
                let param = self.note(&column, true)?;
                Ok(Expr::Among(Operand::Path(column.path), param))
            }
            _ => Err(self.misplaced()),
        }
    }

    pub(super) fn misplaced(&self) -> ExprError {
        ExprError::invalid(format!("`params.{0}` needs a field beside it, such as `title == params.{0}`", self.name))
    }

    fn note(&self, column: &Column<'_>, is_list: bool) -> Result<Param, ExprError> {
        let column_type = column.path.column_type;
        if column.shift != 0 {
            let message = format!("`{}` cannot be moved beside `params.{}`; move the value", column.name, self.name);
            return Err(ExprError::invalid(message));
        }
        if matches!(column_type, ColumnType::Json | ColumnType::Texts | ColumnType::Uuids) {
            let message =
                format!("`{}` is {}; it cannot be compared with a parameter yet", column.name, column.describe());
            return Err(ExprError::invalid(message));
        }
        let kind = match column.kind {
            ColumnKind::Field(kind) => Some(kind.clone()),
            ColumnKind::System(_) => None,
        };
        let mut uses = self.uses.borrow_mut();
        uses.push(ParamUse { name: self.name.clone(), is_list, column_type, kind });
        Ok(Param { index: uses.len() - 1, column_type })
    }
}
