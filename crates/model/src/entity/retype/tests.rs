use super::*;
use crate::clock::{Clock, Ids};
use crate::entity::{self, Schema};

/// A field of this type, with these members beside.
fn field(definition: &str) -> Field {
    let body = format!(r#"{{"name": "e", "fields": [{{"name": "f", {definition}}}]}}"#);
    let body = Json::parse(body.as_bytes()).unwrap();
    let entity = entity::define(&body, &Schema::default(), &Ids::new(Clock::default()));
    entity.unwrap_or_else(|problem| panic!("{definition}: {:?}", problem.errors())).fields.remove(0)
}

/// What becomes of a value, as JSON, when its field takes another type.
fn check(from: &str, value: &str, to: &str, expect: Option<&str>) {
    let (from, to) = (field(from), field(to));
    assert!(converts(&from.kind, &to.kind), "{} to {}", from.kind.name(), to.kind.name());
    let value = draft::value_of(&from, &Json::parse(value.as_bytes()).unwrap()).unwrap();
    let taken = to.take_over(&from, &value).ok().map(|taken| {
        let mut out = Vec::new();
        taken.write_json(&mut out);
        String::from_utf8(out).unwrap()
    });
    assert_eq!(taken.as_deref(), expect, "{value:?} of {} as {}", from.kind.name(), to.kind.name());
}

const TEXT: &str = r#""type": "text""#;
const INTEGER: &str = r#""type": "integer""#;
const DECIMAL: &str = r#""type": "decimal", "scale": 2"#;
const BOOLEAN: &str = r#""type": "boolean""#;
const DATE: &str = r#""type": "date""#;
const DATETIME: &str = r#""type": "datetime""#;
const CHOICE: &str = r#""type": "choice", "options": ["a", "b"]"#;
const MULTI: &str = r#""type": "multi_choice", "options": ["a", "b"]"#;
const JSON: &str = r#""type": "json""#;

#[test]
fn what_a_value_becomes() {
    for (from, value, to, expect) in [
        (TEXT, r#""42""#, INTEGER, Some("42")),
        (TEXT, r#""-1""#, INTEGER, Some("-1")),
        (TEXT, r#""007""#, INTEGER, None),
        (TEXT, r#"" 5""#, INTEGER, None),
        (TEXT, r#""""#, INTEGER, None),
        (TEXT, r#""9007199254740993""#, INTEGER, None),
        (TEXT, r#""1.5""#, DECIMAL, Some(r#""1.50""#)),
        (TEXT, r#""1.555""#, DECIMAL, None),
        (TEXT, r#""true""#, BOOLEAN, Some("true")),
        (TEXT, r#""yes""#, BOOLEAN, None),
        (TEXT, r#""2013-01-31""#, DATE, Some(r#""2013-01-31""#)),
        (TEXT, r#""2013-02-31""#, DATE, None),
        (TEXT, r#""a""#, CHOICE, Some(r#""a""#)),
        (TEXT, r#""c""#, CHOICE, None),
        (TEXT, r#""b""#, MULTI, Some(r#"["b"]"#)),
        (TEXT, r#""a < b""#, r#""type": "rich_text""#, None),
        (TEXT, r#""ada@example.org""#, r#""type": "email""#, Some(r#""ada@example.org""#)),
        (TEXT, r#""12345""#, r#""type": "text", "max_length": 4"#, None),
        (TEXT, r#""x""#, JSON, Some(r#""x""#)),
        (INTEGER, "5", TEXT, Some(r#""5""#)),
        (INTEGER, "5", DECIMAL, Some(r#""5.00""#)),
        (INTEGER, "5", JSON, Some("5")),
        (INTEGER, "null", TEXT, Some("null")),
        (INTEGER, "null", r#""type": "text", "required": true"#, None),
        (DECIMAL, r#""5.00""#, INTEGER, Some("5")),
        (DECIMAL, r#""5.01""#, INTEGER, None),
        (DECIMAL, r#""5.50""#, r#""type": "decimal", "scale": 1"#, Some(r#""5.5""#)),
        (DECIMAL, r#""5.55""#, r#""type": "decimal", "scale": 1"#, None),
        (DECIMAL, r#""5.50""#, TEXT, Some(r#""5.50""#)),
        (BOOLEAN, "false", TEXT, Some(r#""false""#)),
        (DATE, r#""2013-01-31""#, DATETIME, Some(r#""2013-01-31T00:00:00Z""#)),
        (DATETIME, r#""2013-01-31T00:00:00Z""#, DATE, Some(r#""2013-01-31""#)),
        (DATETIME, r#""2013-01-31T00:00:01Z""#, DATE, None),
        (CHOICE, r#""b""#, MULTI, Some(r#"["b"]"#)),
        (CHOICE, r#""b""#, r#""type": "choice", "options": ["a"]"#, None),
        (MULTI, r#"["b"]"#, CHOICE, Some(r#""b""#)),
        (MULTI, r#"["a", "b"]"#, CHOICE, None),
        (MULTI, r#"["a", "b"]"#, r#""type": "multi_choice", "options": ["b", "a"]"#, Some(r#"["b","a"]"#)),
        (JSON, "5", INTEGER, Some("5")),
        (JSON, r#"{"a": 1}"#, TEXT, None),
    ] {
        check(from, value, to, expect);
    }
}

#[test]
fn what_cannot_be_taken_over_is_told_at_once() {
    for (from, to) in [
        (BOOLEAN, INTEGER),
        (INTEGER, r#""type": "auto_number""#),
        (INTEGER, DATE),
        (MULTI, BOOLEAN),
        (TEXT, r#""type": "user""#),
        (TEXT, r#""type": "relation", "target": "e""#),
        (r#""type": "relations", "target": "e""#, r#""type": "relation", "target": "e""#),
    ] {
        assert!(!converts(&field(from).kind, &field(to).kind), "{from} to {to}");
    }
}

#[test]
fn values_are_looked_at_where_one_may_not_fit() {
    for (from, to, expect) in [
        (TEXT, TEXT, true),
        (TEXT, r#""type": "long_text""#, true),
        (r#""type": "long_text""#, TEXT, false),
        (TEXT, r#""type": "text", "required": true"#, false),
        (TEXT, r#""type": "text", "min_length": 1"#, false),
        (INTEGER, r#""type": "integer", "min": 0"#, false),
        (r#""type": "integer", "min": 0"#, INTEGER, true),
        (r#""type": "integer", "min": 0"#, r#""type": "integer", "min": -1, "max": 5"#, false),
        (DECIMAL, r#""type": "decimal", "scale": 3"#, false),
        (CHOICE, r#""type": "choice", "options": ["c", "b", "a"]"#, true),
        (MULTI, r#""type": "multi_choice", "options": ["b", "a"]"#, false),
        (MULTI, r#""type": "multi_choice", "options": ["a", "b", "c"]"#, true),
        (r#""type": "relation", "target": "e""#, r#""type": "uuid""#, true),
    ] {
        let (was, is) = (field(from), field(to));
        // Of two definitions each has made an entity of its own.
        let is = Field { kind: if is.kind.target().is_some() { was.kind.clone() } else { is.kind }, ..is };
        assert_eq!(is.holds_all_of(&was), expect, "{from} to {to}");
    }
}
