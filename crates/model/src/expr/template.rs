//! An expression as it is kept: its author's text, with fields by their ids in place of names. So a rename follows by
//! itself, and a field made anew under an old name is another field.

use serde::{Deserialize, Serialize};

use super::bounds::{Escapes, string_length};
use super::check::{Context, ExprError, compile};
use super::{Expr, Leaf};
use crate::entity::{Field, SystemField};
use crate::id::FieldId;

/// The text of a condition that compiled once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Piece {
    Field { field: FieldId },
    Text(String),
}

/// What stands for a field that is gone, or that whoever reads the text may not know of. No expression.
const UNKNOWN: &str = "<unknown>";

impl Template {
    /// Checks `source` as [`compile`] does and keeps it. Every field of what was compiled is held by its id.
    pub fn parse(source: &str, context: &Context<'_>) -> Result<Self, ExprError> {
        let compiled = compile(source, context)?;
        let mut pieces = Vec::new();
        let mut rest = 0;
        for (start, end, field) in fields(source, context) {
            pieces.push(Piece::Text(source.get(rest..start).unwrap_or_default().to_owned()));
            pieces.push(Piece::Field { field });
            rest = end;
        }
        pieces.push(Piece::Text(source.get(rest..).unwrap_or_default().to_owned()));
        let template = Self(pieces);
        let held = |id: FieldId| template.names(id);
        let bound = compiled.paths().iter().all(|path| {
            path.hops.iter().all(|hop| held(*hop)) && !matches!(path.leaf, Leaf::Field(column) if !held(column.field))
        });
        if bound {
            Ok(template)
        } else {
            Err(ExprError::invalid("write fields by their plain names, such as `record.title`"))
        }
    }

    /// The text with the names fields have now; `<unknown>` where `field` knows none.
    pub fn text<'f>(&'f self, field: &dyn Fn(FieldId) -> Option<&'f Field>) -> String {
        let text = |piece: &'f Piece| match piece {
            Piece::Field { field: id } => field(*id).map_or(UNKNOWN, |field| field.name.as_str()),
            Piece::Text(text) => text.as_str(),
        };
        self.0.iter().map(text).collect()
    }

    /// The fields it names, each as often as it does.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.0.iter().filter_map(|piece| if let Piece::Field { field } = piece { Some(*field) } else { None })
    }

    pub fn names(&self, field: FieldId) -> bool {
        self.fields().any(|named| named == field)
    }

    /// The condition under the schema of today; an error where it has lost a field or its meaning.
    pub fn compile(&self, context: &Context<'_>) -> Result<Expr, ExprError> {
        // An entity that is being designed is in no schema yet.
        let field = |id| context.entity.field(id).or_else(|| context.schema.field(id).map(|(_, field)| field));
        compile(&self.text(&field), context)
    }
}

/// The length of the string literal at `at`; of a source that compiled, so it has an end.
fn literal(bytes: &[u8], at: usize, escapes: Escapes) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    string_length(rest, escapes).unwrap_or(rest.len())
}

/// Where `source` names fields: start, end, and which. Knows CEL's tokens just well enough for that.
fn fields(source: &str, context: &Context<'_>) -> Vec<(usize, usize, FieldId)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' | b'\'' => at + literal(bytes, at, Escapes::Read),
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'0'..=b'9' => word_end(bytes, at),
            byte if is_word(*byte) => {
                let (names, end) = chain(bytes, at);
                let raw = source.get(at..end).is_some_and(|prefix| prefix.contains(['r', 'R']));
                if matches!(bytes.get(end), Some(b'"' | b'\'')) {
                    end + literal(bytes, end, if raw { Escapes::Plain } else { Escapes::Read })
                } else {
                    resolve(source, &names, context, &mut found);
                    end
                }
            }
            _ => at + 1,
        };
    }
    found
}

/// The names joined by dots from `at` on, but for one that is called, and where they end.
fn chain(bytes: &[u8], mut at: usize) -> (Vec<(usize, usize)>, usize) {
    let mut names = Vec::new();
    loop {
        let end = word_end(bytes, at);
        names.push((at, end));
        let dot = blank_end(bytes, end);
        if bytes.get(dot) == Some(&b'(') {
            names.pop();
            return (names, end);
        }
        let next = blank_end(bytes, dot + 1);
        if bytes.get(dot) != Some(&b'.') || !bytes.get(next).is_some_and(|byte| is_word(*byte)) {
            return (names, end);
        }
        at = next;
    }
}

fn resolve(source: &str, names: &[(usize, usize)], context: &Context<'_>, found: &mut Vec<(usize, usize, FieldId)>) {
    let mut entity = Some(context.entity);
    for (index, (start, end)) in names.iter().enumerate() {
        let name = source.get(*start..*end).unwrap_or_default();
        match name {
            "record" if index == 0 => continue,
            "caller" if index == 0 => return,
            _ if SystemField::named(name).is_some() => return,
            _ => {}
        }
        let Some(field) = entity.and_then(|entity| entity.field_named(name)) else { return };
        found.push((*start, *end, field.id));
        entity = field.kind.target().and_then(|target| context.schema.entity(target)).map(AsRef::as_ref);
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    end_of(bytes, at, |byte| is_word(*byte))
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    end_of(bytes, at, |byte| *byte != b'\n')
}

fn blank_end(bytes: &[u8], at: usize) -> usize {
    end_of(bytes, at, u8::is_ascii_whitespace)
}

fn end_of(bytes: &[u8], at: usize, within: impl Fn(&u8) -> bool) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| within(byte)).count()
}
