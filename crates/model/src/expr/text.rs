//! `contains()`, `startsWith()` and `endsWith()` of a text column: exact, by code points.

use super::check::ExprError;
use super::compare::{Term, has_value};
use super::literal::Literal;
use super::{Expr, Op, Operand, TextTest};
use crate::value::{ColumnType, Value};

/// What stands behind the dot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Contains,
    StartsWith,
    EndsWith,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "contains" => Self::Contains,
            "startsWith" => Self::StartsWith,
            "endsWith" => Self::EndsWith,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
        }
    }

    pub(super) fn of(self, whole: Term<'_>, part: &Term<'_>) -> Result<Expr, ExprError> {
        let name = self.name();
        let Term::Literal(Literal::Text(part)) = part else {
            return Err(ExprError::invalid(format!("`{name}()` takes a string, such as `title.{name}(\"…\")`")));
        };
        let column = match whole {
            Term::Column(column) if column.path.column_type == ColumnType::Text => column,
            Term::Column(column) => {
                return Err(ExprError::invalid(format!(
                    "`{}` is {}; `{name}()` is for text",
                    column.name,
                    column.describe()
                )));
            }
            Term::Literal(Literal::Text(text)) => {
                return Ok(Expr::Const(match self {
                    Self::Contains => text.contains(part.as_str()),
                    Self::StartsWith => text.starts_with(part.as_str()),
                    Self::EndsWith => text.ends_with(part.as_str()),
                }));
            }
            Term::Literal(_) | Term::Caller(_) | Term::Now(_) | Term::Param(_) => {
                return Err(ExprError::invalid(format!("`{name}()` is for text fields")));
            }
        };
        if part.is_empty() {
            return Ok(has_value(column));
        }
        let test = match self {
            Self::Contains => TextTest::Contains,
            Self::EndsWith => TextTest::EndsWith,
            Self::StartsWith => return Ok(starts_with(&Operand::Path(column.path), part)),
        };
        Ok(Expr::Text(test, Operand::Path(column.path), part.clone()))
    }
}

/// Texts are in the order of their code points, so those with a prefix lie between it and the next prefix.
fn starts_with(column: &Operand, prefix: &str) -> Expr {
    let bound = |op, text: String| Expr::Compare(op, column.clone(), Operand::Value(Value::Text(text)));
    let from = bound(Op::Ge, prefix.to_owned());
    match after_all(prefix) {
        Some(next) => Expr::And(vec![from, bound(Op::Lt, next)]),
        None => from,
    }
}

/// The smallest text larger than all that start with `prefix`; none where there is nothing larger.
fn after_all(prefix: &str) -> Option<String> {
    let mut start = prefix.to_owned();
    while let Some(last) = start.pop() {
        // Surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            start.push(next);
            return Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_prefix() {
        for (prefix, next) in [
            ("a", Some("b")),
            ("az", Some("a{")),
            ("\u{7f}", Some("\u{80}")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{ffff}", Some("\u{10000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}\u{10ffff}", None),
        ] {
            assert_eq!(after_all(prefix).as_deref(), next, "{prefix:?}");
        }
    }
}
