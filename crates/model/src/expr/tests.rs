//! What a source becomes, and what is said of one that cannot be: tables.

use std::fmt;

use super::ErrorKind::{self, Invalid, UnknownField};
use super::{CallerField, Context, Expr, ExprError, Leaf, Moment, Op, Operand, Params, Reach, TextTest, compile};
use crate::entity::{Entity, Field, FieldKind, OnDelete, Schema};
use crate::id::{EntityId, FieldId};
use crate::name::Name;
use crate::rights::PermissionScope;
use crate::value::Value;
use uuid::Uuid;

/// `ticket` → `carrier` → `country` → `continent` → `planet`, each by a relation of the next one's name.
fn schema() -> Schema {
    let entity = |n: u128, name: &str, fields: Vec<(&str, FieldKind, bool)>| Entity {
        id: EntityId::from(Uuid::from_u128(n)),
        name: Name::parse(name).unwrap(),
        label: String::new(),
        plural_label: String::new(),
        title_field: None,
        fields: (1u128..)
            .zip(fields)
            .map(|(i, (name, kind, required))| field(n * 100 + i, name, kind, required))
            .collect(),
        unique: Vec::new(),
        soft_delete: false,
        rules: Vec::new(),
        scope: PermissionScope::Tenant,
    };
    let text = || FieldKind::Text { min_length: None, max_length: 200 };
    let to =
        |n: u128| FieldKind::Relation { target: EntityId::from(Uuid::from_u128(n)), on_delete: OnDelete::Restrict };
    let decimal = |scale| FieldKind::Decimal { precision: 18, scale, min: None, max: None };
    Schema::new(
        1,
        vec![
            entity(
                1,
                "ticket",
                vec![
                    ("title", text(), true),
                    ("note", text(), false),
                    ("priority", FieldKind::Integer { min: None, max: None }, false),
                    ("number", FieldKind::Integer { min: None, max: None }, true),
                    ("price", decimal(2), false),
                    ("total", decimal(2), true),
                    ("rate", decimal(4), true),
                    ("active", FieldKind::Boolean, false),
                    ("due", FieldKind::Date, false),
                    ("seen", FieldKind::Datetime, false),
                    ("status", FieldKind::Choice { options: vec!["open".into(), "closed".into()] }, true),
                    ("sku", FieldKind::Code, false),
                    ("carrier", to(2), true),
                    ("tags", FieldKind::MultiChoice { options: vec!["a".into(), "b".into()] }, false),
                    ("extra", FieldKind::Json, false),
                    ("others", FieldKind::Relations { target: EntityId::from(Uuid::from_u128(2)) }, false),
                    ("secret", text(), false),
                    ("vault", to(6), false),
                    ("hidden", to(2), false),
                ],
            ),
            entity(2, "carrier", vec![("name", text(), true), ("country", to(3), true), ("secret", text(), false)]),
            entity(3, "country", vec![("code", FieldKind::Code, true), ("continent", to(4), true)]),
            entity(4, "continent", vec![("name", text(), true), ("planet", to(5), true)]),
            entity(5, "planet", vec![("name", text(), true)]),
            entity(6, "vault", vec![("name", text(), true)]),
        ],
    )
}

fn field(id: u128, name: &str, kind: FieldKind, required: bool) -> Field {
    Field {
        id: FieldId::from(Uuid::from_u128(id)),
        name: Name::parse(name).unwrap(),
        label: String::new(),
        help: String::new(),
        kind,
        required,
        unique: false,
        indexed: false,
        default: None,
        generation: 0,
    }
}

/// Nobody may read a `secret` or `hidden` field, nor the records of `vault`.
fn compile_ticket(source: &str, schema: &Schema) -> Result<Expr, ExprError> {
    let uses = Params::default();
    let context = Context {
        schema,
        entity: schema.named("ticket").unwrap(),
        readable: &|_, field| !matches!(field.name.as_str(), "secret" | "hidden"),
        visible: &|entity| entity.name.as_str() != "vault",
        params: Some(&uses),
        reach: Reach::Around,
    };
    compile(source, &context)
}

/// A tree with names for ids, as `(and …)`; `?` marks a column that may be null.
struct Shown<'a>(&'a Expr, &'a Schema);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(expr, schema) = *self;
        let list = |f: &mut fmt::Formatter<'_>, name: &str, parts: &[Expr]| {
            write!(f, "({name}")?;
            parts.iter().try_for_each(|part| write!(f, " {}", Shown(part, schema)))?;
            f.write_str(")")
        };
        match expr {
            Expr::Const(b) => write!(f, "{b}"),
            Expr::Compare(op, a, b) => {
                let op = match op {
                    Op::Eq => "==",
                    Op::Ne => "!=",
                    Op::Lt => "<",
                    Op::Le => "<=",
                    Op::Gt => ">",
                    Op::Ge => ">=",
                };
                write!(f, "({op} {} {})", operand(a, schema), operand(b, schema))
            }
            Expr::IsNull(a) => write!(f, "(null {})", operand(a, schema)),
            Expr::In(a, values) => {
                let values: Vec<String> = values.iter().map(value).collect();
                write!(f, "(in {} {})", operand(a, schema), values.join(" "))
            }
            Expr::Among(a, param) => write!(f, "(among {} ${})", operand(a, schema), param.index),
            Expr::Truth(a) => write!(f, "(true {})", operand(a, schema)),
            Expr::Text(test, a, part) => {
                let name = match test {
                    TextTest::Contains => "contains",
                    TextTest::EndsWith => "endsWith",
                };
                write!(f, "({name} {} {part:?})", operand(a, schema))
            }
            Expr::Holds(path, member) => {
                write!(f, "(holds {} {})", operand(&Operand::Path(path.clone()), schema), value(member))
            }
            Expr::Within(path, kind) => {
                write!(f, "(within {} {})", operand(&Operand::Path(path.clone()), schema), kind.name())
            }
            Expr::And(parts) => list(f, "and", parts),
            Expr::Or(parts) => list(f, "or", parts),
            Expr::Not(inner) => write!(f, "(not {})", Shown(inner, schema)),
        }
    }
}

fn operand(operand: &Operand, schema: &Schema) -> String {
    let name = |id: &FieldId| {
        let field = schema.entities().iter().find_map(|entity| entity.field(*id)).unwrap();
        field.name.to_string()
    };
    match operand {
        Operand::Path(path) => {
            let mut names: Vec<String> = path.hops.iter().map(name).collect();
            names.push(match &path.leaf {
                Leaf::System(field) => field.name().to_owned(),
                Leaf::Field(column) => name(&column.field),
            });
            format!("{}{}", names.join("."), if path.never_null { "" } else { "?" })
        }
        Operand::Value(v) => value(v),
        Operand::Param(param) => format!("${}", param.index),
        Operand::Caller(CallerField::Id) => "caller".to_owned(),
        Operand::Caller(field) => field.to_string(),
        Operand::Now(moment) => {
            let (name, offset) = match moment {
                Moment::Instant(offset) => ("now", *offset),
                Moment::Day(offset) => ("today", *offset),
            };
            let sign = if offset < 0 { '-' } else { '+' };
            if offset == 0 { name.to_owned() } else { format!("{name}{sign}PT{}us", offset.abs()) }
        }
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Decimal(d) => format!("{d}d"),
        other => serde_json::to_string(other).unwrap(),
    }
}

const ID: &str = "0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11";

/// Source and tree; `ID` stands for [`ID`].
const TREES: &[(&str, &str)] = &[
    // Names.
    ("title == 'a'", r#"(== title "a")"#),
    ("record.title == \"a\"", r#"(== title "a")"#),
    ("note == 'a'", r#"(== note? "a")"#),
    ("'a' == title", r#"(== title "a")"#),
    ("id == 'ID'", r#"(== id "ID")"#),
    ("version > 3", "(> version 3)"),
    ("created_by == caller.id", "(== created_by caller)"),
    ("caller.id == created_by", "(== created_by caller)"),
    ("caller.id == 'ID'", r#"(== caller "ID")"#),
    ("caller.id != null", "true"),
    ("caller.id == caller.id", "true"),
    ("caller.id in ['ID', 'ID']", r#"(in caller "ID" "ID")"#),
    ("carrier == 'ID'", r#"(== carrier "ID")"#),
    ("carrier.id == 'ID'", r#"(== carrier "ID")"#),
    ("hidden.name == 'a'", "`hidden.name` is not a field of `ticket`"),
    ("carrier.name == 'a'", r#"(== carrier.name? "a")"#),
    ("record.carrier.country.code == 'DE'", r#"(== carrier.country.code? "DE")"#),
    ("carrier.country.continent.name == 'a'", r#"(== carrier.country.continent.name? "a")"#),
    ("carrier.country.continent.planet.id == 'ID'", r#"(== carrier.country.continent.planet? "ID")"#),
    ("carrier.created_at > seen", "(> carrier.created_at? seen?)"),
    // Null.
    ("note == null", "(null note?)"),
    ("null != note", "(not (null note?))"),
    ("title == null", "false"),
    ("title != null", "true"),
    ("carrier.name != null", "(not (null carrier.name?))"),
    ("null == null", "true"),
    ("5 == null", "false"),
    // Integers.
    ("priority == -3", "(== priority? -3)"),
    ("priority == 0x10", "(== priority? 16)"),
    ("2 < priority", "(> priority? 2)"),
    ("2 <= priority", "(>= priority? 2)"),
    ("2 > priority", "(< priority? 2)"),
    ("2 >= priority", "(<= priority? 2)"),
    ("2 != priority", "(!= priority? 2)"),
    ("priority < 2.5", "(<= priority? 2)"),
    ("priority <= 2.5", "(<= priority? 2)"),
    ("priority > 2.5", "(> priority? 2)"),
    ("priority >= -2.5", "(> priority? -3)"),
    ("2.5 > priority", "(<= priority? 2)"),
    ("priority == 2.0", "(== priority? 2)"),
    ("priority == 2.5", "false"),
    ("priority != 2.5", "true"),
    ("priority < 1e30", "(not (null priority?))"),
    ("number < 1e30", "true"),
    ("priority > 1e30", "false"),
    ("priority > -1e30", "(not (null priority?))"),
    ("priority in [1, 2.0, 2.5]", "(in priority? 1 2)"),
    ("priority in [1]", "(== priority? 1)"),
    ("priority in [0.5]", "false"),
    ("priority in []", "false"),
    ("!(priority in [])", "true"),
    ("priority == number", "(== priority? number)"),
    ("priority == -9223372036854775808", "(== priority? -9223372036854775808)"),
    // Decimals.
    ("price == 1", "(== price? 1.00d)"),
    ("price == 1.5", "(== price? 1.50d)"),
    ("price < 1.005", "(<= price? 1.00d)"),
    ("price >= 1.005", "(> price? 1.00d)"),
    ("price > -1.005", "(> price? -1.01d)"),
    ("price == 1.005", "false"),
    ("price != 1.005", "true"),
    ("price < 1e30", "(not (null price?))"),
    ("total < 1e30", "true"),
    ("price == 1e16", "false"),
    ("price == 9223372036854775807", "false"),
    ("price < 9223372036854775807", "(not (null price?))"),
    ("price == 1e15", "(== price? 1000000000000000.00d)"),
    ("rate == 0.0001", "(== rate 0.0001d)"),
    ("price in [1, 2.50, 0.001]", "(in price? 1.00d 2.50d)"),
    ("price > total", "(> price? total)"),
    // Texts, choices.
    ("status == 'open'", r#"(== status "open")"#),
    ("status in ['open', 'closed']", r#"(in status "open" "closed")"#),
    ("sku != title", "(!= sku? title)"),
    (r"title == 'a\u00e4\x41\n'", r#"(== title "aäA\n")"#),
    (r"title == r'\n'", r#"(== title "\\n")"#),
    ("title < 'b'", r#"(< title "b")"#),
    // Times.
    ("due == '2013-01-31'", r#"(== due? "2013-01-31")"#),
    ("due >= date('2013-01-31')", r#"(>= due? "2013-01-31")"#),
    ("seen < '2013-01-31T10:00:00+01:00'", r#"(< seen? "2013-01-31T09:00:00Z")"#),
    ("seen < timestamp('2013-01-31T09:00:00.5Z')", r#"(< seen? "2013-01-31T09:00:00.500000Z")"#),
    ("date('2013-01-31') < '2013-02-01'", "true"),
    ("'2013-02-01' < date('2013-01-31')", "false"),
    ("due < now()", "(< due? today)"),
    ("now() > due", "(< due? today)"),
    ("due < now() - duration('168h')", "(< due? today-PT604800000000us)"),
    ("due + duration('168h') < now()", "(< due? today-PT604800000000us)"),
    ("seen < now()", "(< seen? now)"),
    ("seen - duration('1h') >= now() + duration('30m')", "(>= seen? now+PT5400000000us)"),
    ("duration('1h') + seen > now()", "(> seen? now-PT3600000000us)"),
    ("seen + duration('1h') > timestamp('2013-01-31T09:00:00Z')", r#"(> seen? "2013-01-31T08:00:00Z")"#),
    ("seen > timestamp('2013-01-31T09:00:00Z') - duration('1h')", r#"(> seen? "2013-01-31T08:00:00Z")"#),
    ("seen + duration('80000016h') > timestamp('2013-01-31T09:00:00Z')", "(not (null seen?))"),
    ("seen - duration('80000016h') > timestamp('2013-01-31T09:00:00Z')", "false"),
    ("due + duration('24h') in ['2013-02-01', '2013-02-02']", r#"(in due? "2013-01-31" "2013-02-01")"#),
    ("due == date('2013-01-31') + duration('24h')", r#"(== due? "2013-02-01")"#),
    ("seen + duration('1h') == created_at + duration('1h')", "(== seen? created_at)"),
    ("now() + duration('1s') > now()", "true"),
    ("now() != null", "true"),
    ("duration('1h') < 'PT2H' && duration('1h') + duration('30m') == duration('90m')", "true"),
    // Parts of texts.
    ("title.contains('a')", r#"(contains title "a")"#),
    ("note.endsWith('a')", r#"(endsWith note? "a")"#),
    ("note.startsWith('ab')", r#"(and (>= note? "ab") (< note? "ac"))"#),
    ("!note.contains('a')", r#"(not (contains note? "a"))"#),
    ("note.contains('')", "(not (null note?))"),
    ("title.startsWith('')", "true"),
    ("'abc'.contains('b') && !'abc'.startsWith('b') && 'abc'.endsWith('c')", "true"),
    ("status.startsWith('o')", r#"(and (>= status "o") (< status "p"))"#),
    ("carrier.name.contains('a')", r#"(contains carrier.name? "a")"#),
    // Sets and documents.
    ("'a' in tags", r#"(holds tags? "a")"#),
    ("!('b' in record.tags)", r#"(not (holds tags? "b"))"#),
    ("tags == null", "(null tags?)"),
    ("'ID' in others", r#"(holds others "ID")"#),
    ("others == null", "false"),
    ("extra != null", "(not (null extra?))"),
    // Booleans and junctions.
    ("active", "(true active?)"),
    ("!active", "(not (true active?))"),
    ("active == true", "(true active?)"),
    ("active != true", "(not (true active?))"),
    ("active == false", "(== active? false)"),
    ("active != false", "(!= active? false)"),
    ("active in [true]", "(true active?)"),
    ("active in [true, false]", "(in active? true false)"),
    ("!!active", "(true active?)"),
    ("!(!(active))", "(true active?)"),
    ("active && number == 1 && number == 2", "(and (true active?) (== number 1) (== number 2))"),
    ("active || number == 1 && number == 2", "(or (true active?) (and (== number 1) (== number 2)))"),
    ("active && (number == 1 && (number == 2))", "(and (true active?) (== number 1) (== number 2))"),
    ("active && true", "(true active?)"),
    ("active && false", "false"),
    ("active || true", "true"),
    ("active || 1 > 2", "(true active?)"),
    ("1 == 1.0 && 'a' < 'b' && 2.5 > 2 && 'x' in ['x']", "true"),
    ("true // always\n && active", "(true active?)"),
    // Parameters.
    ("number in params.ids", "(among number $0)"),
    ("params.n < number && title == params.t", "(and (> number $0) (== title $1))"),
    ("!(priority in params.a || priority != params.a)", "(not (or (among priority? $0) (!= priority? $1)))"),
    ("active == params.b", "(== active? $0)"),
];

#[test]
fn trees() {
    let schema = schema();
    let check = |source: &str, expect: &str| {
        let found = compile_ticket(source, &schema);
        let found = found.map_or_else(|e| e.message, |expr| Shown(&expr, &schema).to_string());
        assert_eq!(found, expect.replace("ID", ID), "{source}");
    };
    for (source, expect) in TREES {
        check(&source.replace("ID", ID), expect);
    }
}

const ERRORS: &[(ErrorKind, &str, &str)] = &[
    (UnknownField, "flaky == 1", "`flaky` is not a field of `ticket`"),
    (UnknownField, "secret == 'a'", "`secret` is not a field of `ticket`"),
    (UnknownField, "record.flaky == 1", "`flaky` is not a field of `ticket`"),
    (UnknownField, "carrier.secret == 'a'", "`carrier.secret` is not a field of `ticket`"),
    (UnknownField, "carrier.nmae == 'a'", "`carrier.nmae` is not a field of `ticket`"),
    (UnknownField, "vault.name == 'a'", "`vault.name` is not a field of `ticket`"),
    (UnknownField, "hidden.id == 'a'", "`hidden.id` is not a field of `ticket`"),
    (UnknownField, "title.id == 'a'", "`title.id` is not a field of `ticket`"),
    (UnknownField, "title.name == 'a'", "`title.name` is not a field of `ticket`"),
    (UnknownField, "created_by.name == 'a'", "`created_by.name` is not a field of `ticket`"),
    (UnknownField, ".title == 'a'", "`.title` is not a field of `ticket`"),
    (UnknownField, "now == 'a'", "`now` is not a field of `ticket`"),
    (UnknownField, "record.record == 'a'", "`record` is not a field of `ticket`"),
    (
        Invalid,
        "carrier.country.continent.planet.name == 'a'",
        "`carrier.country.continent.planet.name` leads over more than 3 relations",
    ),
    (Invalid, "a.b.c.d.e == 'a'", "`a.b.c.d.e` leads over more than 3 relations"),
    (
        Invalid,
        "caller.email == 'a'",
        "of the caller only `caller.id` can be used, and the `id`, `code`, `name` and attributes of `caller.company`, `caller.branch` and `caller.department`",
    ),
    (
        Invalid,
        "caller == 'a'",
        "of the caller only `caller.id` can be used, and the `id`, `code`, `name` and attributes of `caller.company`, `caller.branch` and `caller.department`",
    ),
    (Invalid, "record == 1", "`record` needs a field, such as `record.title`"),
    (Invalid, "priority == '1'", "`priority` is an integer; compare it with a number, not with a string"),
    (Invalid, "price == '1.50'", "`price` is a decimal; compare it with a number, not with a string"),
    (Invalid, "title == 1", "`title` is text; compare it with a string, not with a number"),
    (Invalid, "active == 1", "`active` is a boolean; compare it with `true` or `false`, not with a number"),
    (
        Invalid,
        "due == timestamp('2013-01-31T09:00:00Z')",
        "`due` is a date; compare it with a date such as \"2013-01-31\", not with a datetime",
    ),
    (Invalid, "due == '2013-02-30'", "\"2013-02-30\" is not a date; write one such as \"2013-01-31\""),
    (Invalid, "due == date('x')", "\"x\" is not a date; write one such as \"2013-01-31\""),
    (Invalid, "seen > '2013-01-31'", "\"2013-01-31\" is not a datetime; write one such as \"2013-01-31T09:30:00Z\""),
    (Invalid, "due == date(1)", "`date()` takes a string, such as `date(\"2013-01-31\")`"),
    (
        Invalid,
        "carrier == 'DHL'",
        "`carrier` is a relation; compare it with an id such as \"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\"",
    ),
    (
        Invalid,
        "id == '0190A6C47D3E7C519A523F1F0B8F0A11'",
        "`id` is an id; compare it with an id such as \"0190a6c4-7d3e-7c51-9a52-3f1f0b8f0a11\"",
    ),
    (Invalid, "status == 'done'", "\"done\" is not an option of `status`; its options are \"open\", \"closed\""),
    (Invalid, "title == caller.id", "`title` is text; compare it with a string, not with `caller.id`, which is an id"),
    (Invalid, "title == number", "`title` is text and `number` is an integer; only fields of one type can be compared"),
    (
        Invalid,
        "price < rate",
        "`price` has 2 decimal places and `rate` has 4; decimals can only be compared at the same scale yet",
    ),
    (
        Invalid,
        "price == 1234567890123456.78",
        "a number compared with `price` can have at most 15 digits if it has a point",
    ),
    (Invalid, "priority < null", "null has no order, so `<` cannot take it; use `== null` or `!= null`"),
    (Invalid, "active < true", "`active` is a boolean and has no order; use `==` or `!=`"),
    (Invalid, "active >= active", "`active` is a boolean and has no order; use `==` or `!=`"),
    (Invalid, "priority in [1, null]", "null cannot stand in a list; write `|| … == null` beside it"),
    (Invalid, "priority in number", "`in` needs a list, such as `in [\"a\", \"b\"]`"),
    (
        Invalid,
        "priority in [number]",
        "a list can only hold numbers, strings and the like; compare fields by `==` and join with `||`",
    ),
    (Invalid, "priority == [1]", "a list can only stand on the right of `in`"),
    (Invalid, "title", "`title` is text, not a condition; compare it with a string"),
    (Invalid, "5", "a number is not a condition; write a comparison such as `title == \"…\"`"),
    (Invalid, "1 == 'a'", "a number cannot be compared with a string"),
    (Invalid, "priority == 5u", "write whole numbers without `u` at their end"),
    (Invalid, "title == b'a'", "`b\"…\"` is not supported in filters yet"),
    (Invalid, r"title == '\u0000'", "a string cannot hold the character U+0000"),
    (
        Invalid,
        "(number == 1) == active",
        "a condition cannot be compared; join conditions with `&&` and `||`, and negate with `!`",
    ),
    (
        Invalid,
        "1 < number < 5",
        "a condition cannot be compared; join conditions with `&&` and `||`, and negate with `!`",
    ),
    (Invalid, "has(record.title)", "`has()` is not supported; a field that is not set is null, so use `!= null`"),
    (Invalid, "active ? true : false", "`? :` is not supported in filters yet; use `&&` and `||`"),
    (Invalid, "priority + 1 == 2", "`+` can only add a duration to a date, a datetime or a duration yet"),
    (Invalid, "priority * 1 == 2", "`*` is not supported in filters yet"),
    (
        Invalid,
        "now() - seen > duration('1h')",
        "`-` can only take a duration from a date, a datetime or a duration yet; write `due < now() - …`",
    ),
    (Invalid, "title + duration('1h') == 'a'", "`+` can only add a duration to a date, a datetime or a duration yet"),
    (
        Invalid,
        "due + duration('1h') == '2013-01-31'",
        "a date can only be moved by whole days, such as `duration(\"24h\")`",
    ),
    (
        Invalid,
        "seen > created_at + duration('1h')",
        "two fields can only be compared as they are yet, or both moved by one duration; compare one with `now()`",
    ),
    (Invalid, "now() + duration('80000016h') + duration('80000016h') > seen", "this duration is too long"),
    (
        Invalid,
        "seen > timestamp('2013-01-31T09:00:00Z') + duration('80000016h')",
        "this leads beyond the years 0001 to 9999",
    ),
    (Invalid, "due > duration('1d')", "\"1d\" is not a duration; write hours, minutes and seconds, such as \"1h30m\""),
    (Invalid, "due > duration(1)", "`duration()` takes a string, such as `duration(\"1h30m\")`"),
    (Invalid, "now(1) > seen", "`now()` takes nothing"),
    (Invalid, "now()", "`now()` is a datetime, not a condition; compare a field with it"),
    (Invalid, "now() in []", "`now()` cannot stand before `in`; use `<` and `>`"),
    (Invalid, "now() > 5", "`now()` is a datetime and cannot be compared with a number"),
    (Invalid, "title > now()", "`title` is text; compare it with a string, not with `now()`, which is a datetime"),
    (Invalid, "title.contains(note)", "`contains()` takes a string, such as `title.contains(\"…\")`"),
    (Invalid, "priority.endsWith('a')", "`priority` is an integer; `endsWith()` is for text"),
    (
        Invalid,
        "title.contains('a') == true",
        "a condition cannot be compared; join conditions with `&&` and `||`, and negate with `!`",
    ),
    (Invalid, "'c' in tags", "\"c\" is not an option of `tags`; its options are \"a\", \"b\""),
    (Invalid, "'a' in others", "`others` is a set of records; \"a\" is no id"),
    (Invalid, "caller.id in others", "`others` is a set of records; write `\"…\" in others`"),
    (UnknownField, "others.name == 'a'", "`others.name` is not a field of `ticket`"),
    (Invalid, "1 in tags", "`tags` is a set of options; write `\"…\" in tags`"),
    (
        Invalid,
        "tags == 'a'",
        "`tags` is a set of options; compare it with `null`, or write `\"…\" in` before it, not with a string",
    ),
    (Invalid, "tags == tags", "`tags` is a set of options and `tags` is a set of options; they cannot be compared yet"),
    (Invalid, "extra == 'a'", "`extra` is a JSON value; compare it with `null` alone, not with a string"),
    (Invalid, "extra == extra", "`extra` is a JSON value and `extra` is a JSON value; they cannot be compared yet"),
    (Invalid, "'a' in title", "`in` needs a list, such as `in [\"a\", \"b\"]`"),
    (Invalid, "title.matches('a')", "`matches()` is not supported in filters yet"),
    (Invalid, "-priority == 2", "`-` before anything but a number is not supported in filters yet"),
    (Invalid, "[1].all(x, x > 0)", "`all`, `exists`, `map` and `filter` are not supported in filters yet"),
    (Invalid, "title[0] == 'a'", "`[…]` is not supported in filters yet"),
    (Invalid, "{'a': 1} == 1", "`{…}` is not supported in filters yet"),
    (Invalid, "params.n == 1", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "1 < params.n", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.n == null", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.n == params.m", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.n == caller.id", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.n", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "1 in params.n", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.n in [1]", "`params.n` needs a field beside it, such as `title == params.n`"),
    (Invalid, "params.a.b == number", "name one parameter, such as `params.ids`"),
    (Invalid, "number in params", "name one parameter, such as `params.ids`"),
    (Invalid, "due + duration('24h') == params.d", "`due` cannot be moved beside `params.d`; move the value"),
    (Invalid, "params.d < seen - duration('1h')", "`seen` cannot be moved beside `params.d`; move the value"),
    (Invalid, "due + duration('24h') in params.d", "`due` cannot be moved beside `params.d`; move the value"),
    (Invalid, "now() < params.d", "`params.d` needs a field beside it, such as `title == params.d`"),
    (Invalid, "extra == params.d", "`extra` is a JSON value; it cannot be compared with a parameter yet"),
    (Invalid, "tags in params.d", "`tags` is a set of options; it cannot be compared with a parameter yet"),
    (Invalid, "others != params.d", "`others` is a set of records; it cannot be compared with a parameter yet"),
    (Invalid, "params.d in others", "`others` is a set of records; write `\"…\" in others`"),
    (Invalid, "title.contains(params.d)", "`contains()` takes a string, such as `title.contains(\"…\")`"),
    (Invalid, "active < params.b", "`active` is a boolean and has no order; use `==` or `!=`"),
    (
        Invalid,
        "number in [params.n]",
        "a list can only hold numbers, strings and the like; compare fields by `==` and join with `||`",
    ),
    (Invalid, "f(1).x == 1", "only a field can have a `.` behind it, such as `record.title`"),
    (Invalid, "", "the expression is empty"),
    (Invalid, " \n", "the expression is empty"),
    (Invalid, "title == ", "the expression ends too early, at column 10"),
    (Invalid, "title = 'a'", "write `==` to compare, at column 7: `= 'a'`"),
    (Invalid, "active &&\n number ! 1", "the expression cannot be read, at line 2, column 9: `! 1`"),
    (Invalid, "title == 'ä' && && active", "the expression cannot be read, at column 17: `&& active`"),
    (
        Invalid,
        "title == 'a",
        r"this string does not end, or has an escape that does not exist (a backslash is `\\`), at column 10: `'a`",
    ),
    (Invalid, "number == 9223372036854775808", "this whole number is too large, at column 11: `9223372036854775808`"),
    (Invalid, "number == 1e400", "this number is too large, at column 11: `1e400`"),
    (Invalid, "while == 1", "this word is reserved and cannot be a field, at column 1: `while == 1`"),
    (
        Invalid,
        r"title == 'a\q'",
        r"this string does not end, or has an escape that does not exist (a backslash is `\\`), at column 10: `'a\q'`",
    ),
    (Invalid, r"title == '\ud800'", r"this string has an escape that does not exist, at column 10: `'\ud800'`"),
    (Invalid, "active and active", "write `&&` for and, at column 8: `and active`"),
];

#[test]
fn errors() {
    let schema = schema();
    for &(kind, source, message) in ERRORS {
        let expect = ExprError { kind, message: message.to_owned() };
        assert_eq!(compile_ticket(source, &schema), Err(expect), "{source}");
    }
}

/// Whatever is asked of a field that may not be read, the answer is that of a field that does not exist.
#[test]
fn what_may_not_be_read_does_not_exist() {
    let schema = schema();
    let uses = [
        "X == params.x",
        "X in params.x",
        "params.x < X",
        "X == 'a'",
        "'a' == X",
        "X == 1",
        "X < null",
        "X == null",
        "X in ['a']",
        "X in [1, null]",
        "X in title",
        "'a' in [X]",
        "title == X",
        "X == caller.id",
        "X",
        "!X",
        "active && X == 1",
        "false && X == 1",
        "(X == 1) == active",
        "X + 1 == 2",
        "-X == 1",
        "has(record.X)",
        "X.contains('a')",
        "'a'.contains(X)",
        "'a' in X",
        "X in X",
        "X.matches('a')",
        "X + duration('1h') > now()",
        "now() - X > now()",
        "now() > X",
        "date(X) == due",
        "record.X == 'a'",
        "X.id == 'a'",
        "X.name == 'a'",
        "carrier.X == 1",
        "X[0] == 1",
        "[1].all(x, X == 1)",
    ];
    let missing = "absent";
    for hidden in ["secret", "hidden"] {
        for usage in uses {
            let ask = |name: &str| compile_ticket(&usage.replace('X', name), &schema).unwrap_err();
            let (secret, absent) = (ask(hidden), ask(missing));
            assert_eq!(secret.kind, absent.kind, "{usage}");
            assert_eq!(secret.message, absent.message.replace(missing, hidden), "{usage}");
        }
    }
    for (hidden, missing) in [("vault.name == 'a'", "vault.nine == 'a'"), ("hidden.name == 'a'", "hadden.name == 'a'")]
    {
        let ask = |source| compile_ticket(source, &schema).unwrap_err();
        assert_eq!(ask(hidden).kind, ErrorKind::UnknownField);
        assert_eq!(ask(missing).kind, ErrorKind::UnknownField);
    }
}
