//! The one place that touches the CEL parser's own error texts, so that no library speaks through our messages.

use cel::IdedExpr;
use cel::parser::{ParseError, Parser};

use super::bounds::MAX_NESTING;
use super::check::ExprError;

/// Parses CEL. The source has passed [`super::bounds::check`].
pub(super) fn parse(source: &str) -> Result<IdedExpr, ExprError> {
    if source.trim().is_empty() {
        return Err(ExprError::invalid("the expression is empty"));
    }
    // No error recovery: the first mistake is the one to show, and a broken tree is never walked.
    let depth = u16::try_from(MAX_NESTING + 2).unwrap_or(u16::MAX);
    let parser = Parser::new().max_recursion_depth(depth).error_recovery_limit(0);
    parser.parse(source).map_err(|errors| match errors.errors.first() {
        Some(error) => ExprError::invalid(message(source, error)),
        None => ExprError::invalid("the expression cannot be read"),
    })
}

fn message(source: &str, error: &ParseError) -> String {
    let what = if error.msg.contains("invalid int literal") || error.msg.contains("invalid uint literal") {
        "this whole number is too large"
    } else if error.msg.contains("invalid double literal") {
        "this number is too large"
    } else if error.msg.contains("invalid string literal") {
        "this text has an escape that does not exist; write a backslash as `\\\\`"
    } else if error.msg.contains("reserved identifier") {
        "this word is reserved and cannot be a field"
    } else {
        "the expression cannot be read"
    };
    let (Ok(line), Ok(column)) = (usize::try_from(error.pos.0), usize::try_from(error.pos.1)) else {
        return what.to_owned();
    };
    if line == 0 || column == 0 {
        return what.to_owned();
    }
    let near: String = source
        .split('\n')
        .nth(line - 1)
        .map(|text| text.chars().skip(column - 1).take(20).collect::<String>())
        .unwrap_or_default();
    let near = near.trim();
    let place = if line == 1 { format!("column {column}") } else { format!("line {line}, column {column}") };
    if near.is_empty() {
        format!("{what}: it ends too early, at {place}")
    } else {
        format!("{what}, at {place}: `{near}`")
    }
}
