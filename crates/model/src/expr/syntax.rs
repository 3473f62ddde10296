//! The one place that touches the CEL parser's own error texts, so that no library speaks through our messages.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr as Tree, MapExpr, StructExpr};
use cel::parser::{ParseError, Parser};

use super::bounds::MAX_NESTING;
use super::check::ExprError;

/// The parser recurses with its tree. [`super::bounds`] keeps sources shallow; should one slip through, it meets this
/// stack and not a worker's, where it would end the whole process. Enough for the deepest tree [`super::MAX_LENGTH`]
/// bytes can ask for; what is not touched takes no memory.
const STACK: usize = 128 << 20;

/// No tree is deeper that passed [`super::bounds::check`] honestly. This many levels fit any stack.
const MAX_DEPTH: usize = 600;

/// Parses CEL. The source has passed [`super::bounds::check`].
pub(super) fn parse(source: &str) -> Result<IdedExpr, ExprError> {
    if source.trim().is_empty() {
        return Err(ExprError::invalid("the expression is empty"));
    }
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse_here(source));
        let parsed = parser.ok().and_then(|parser| parser.join().ok());
        parsed.unwrap_or_else(|| Err(ExprError::invalid("the expression cannot be read now; try again")))
    })
}

/// A tree that is too deep does not leave here: to drop it takes as much stack as to make it.
fn parse_here(source: &str) -> Result<IdedExpr, ExprError> {
    // No error recovery: the first mistake is the one to show, and a broken tree is never walked.
    let depth = u16::try_from(MAX_NESTING + 2).unwrap_or(u16::MAX);
    let parser = Parser::new().max_recursion_depth(depth).error_recovery_limit(0);
    let tree = parser.parse(source).map_err(|errors| match errors.errors.first() {
        Some(error) => ExprError::invalid(message(source, error)),
        None => ExprError::invalid("the expression cannot be read"),
    })?;
    if is_deep(&tree) { Err(ExprError::invalid("the expression is nested too deeply")) } else { Ok(tree) }
}

fn is_deep(tree: &IdedExpr) -> bool {
    let mut waiting = vec![(tree, 0)];
    while let Some((next, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            return true;
        }
        let mut wait = |child| waiting.push((child, depth + 1));
        match &next.expr {
            Tree::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(wait),
            Tree::List(list) => list.elements.iter().for_each(wait),
            Tree::Select(select) => wait(&select.operand),
            Tree::Map(MapExpr { entries }) | Tree::Struct(StructExpr { entries, .. }) => {
                for entry in entries {
                    match &entry.expr {
                        EntryExpr::StructField(field) => wait(&field.value),
                        EntryExpr::MapEntry(entry) => [&entry.key, &entry.value].into_iter().for_each(&mut wait),
                    }
                }
            }
            Tree::Comprehension(parts) => {
                let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } = &**parts;
                [iter_range, accu_init, loop_cond, loop_step, result].into_iter().for_each(wait);
            }
            Tree::Unspecified | Tree::Ident(_) | Tree::Literal(_) => {}
        }
    }
    false
}

/// Says of a place in the source, in bytes, that it is no CEL.
pub(super) fn unreadable(source: &str, at: usize) -> ExprError {
    let before = source.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    ExprError::invalid(describe(source, "", line, column))
}

/// The parser's complaint in our words: what is wrong, where, and where it can be told, what to write instead.
fn message(source: &str, error: &ParseError) -> String {
    let place = usize::try_from(error.pos.0).ok().zip(usize::try_from(error.pos.1).ok());
    let Some((line, column)) = place.filter(|(line, column)| *line > 0 && *column > 0) else {
        return "the expression cannot be read".to_owned();
    };
    describe(source, &error.msg, line, column)
}

/// `line` and `column` begin at 1; a column is a character.
fn describe(source: &str, complaint: &str, line: usize, column: usize) -> String {
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
    format!("{}, at {place}: `{near}`", reason(complaint, near))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::MAX_LENGTH;

    /// The second wall, without the first before it.
    #[test]
    fn the_parser_outlives_what_the_bounds_would_miss() {
        let fill = |start: &str, part: &str| format!("{start}{}", part.repeat((MAX_LENGTH - start.len()) / part.len()));
        for source in [
            fill("a", ".a"),
            fill("a", "[0]"),
            fill("a", "==a"),
            fill("1", "+1"),
            fill("1", "*1"),
            fill("a", " in a"),
            fill("a", ".a()"),
            fill("a", ".map(x,x)"),
        ] {
            let start: String = source.chars().take(10).collect();
            assert!(parse(&source).unwrap_err().message.contains("nested"), "{start}");
        }
        for source in [fill("", "-"), fill("", "!"), fill("", "("), fill("", "a("), fill("", "[["), fill("", "-(")] {
            assert!(parse(&source).is_err());
        }
    }
}
