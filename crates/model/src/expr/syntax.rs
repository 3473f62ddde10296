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

/// The parser's complaint in our words: what is wrong, where, and where it can be told, what to write instead.
fn message(source: &str, error: &ParseError) -> String {
    let place = usize::try_from(error.pos.0).ok().zip(usize::try_from(error.pos.1).ok());
    let Some((line, column)) = place.filter(|(line, column)| *line > 0 && *column > 0) else {
        return "the expression cannot be read".to_owned();
    };
    let near: String = source
        .split('\n')
        .nth(line - 1)
        .map(|text| text.chars().skip(column - 1).take(20).collect())
        .unwrap_or_default();
    let near = near.trim();
    let place = if line == 1 { format!("column {column}") } else { format!("line {line}, column {column}") };
    if near.is_empty() {
        return format!("the expression ends too early, at {place}");
    }
    format!("{}, at {place}: `{near}`", reason(&error.msg, near))
}

fn reason(complaint: &str, near: &str) -> &'static str {
    const COMPLAINTS: [(&str, &str); 5] = [
        ("invalid int literal", "this whole number is too large"),
        ("invalid uint literal", "this whole number is too large"),
        ("invalid double literal", "this number is too large"),
        ("invalid string literal", "this string has an escape that does not exist"),
        ("reserved identifier", "this word is reserved and cannot be a field"),
    ];
    const SLIPS: [(&str, &str); 7] = [
        ("==", "`==` needs a value on each side"),
        ("=", "write `==` to compare"),
        ("and ", "write `&&` for and"),
        ("or ", "write `||` for or"),
        ("not ", "write `!` for not"),
        ("'", "this string does not end, or has an escape that does not exist (a backslash is `\\\\`)"),
        ("\"", "this string does not end, or has an escape that does not exist (a backslash is `\\\\`)"),
    ];
    let complaint = COMPLAINTS.iter().find(|(part, _)| complaint.contains(part));
    let slip = || SLIPS.iter().find(|(start, _)| near.starts_with(start));
    complaint.or_else(slip).map_or("the expression cannot be read", |(_, reason)| reason)
}
