//! Random conditions as source text, and random records for them: what every back end is asked the same about.
//!
//! The engine's tests include this file too, so it uses nothing but the model's public API.

use std::borrow::Cow;

use insula_model::entity::{Entity, Field, FieldKind, OnDelete, Schema, SystemField};
use insula_model::expr::{Context, Expr, ExprError, Leaf, Path, Reach, compile};
use insula_model::id::{EntityId, FieldId};
use insula_model::name::Name;
use insula_model::org::{Place, Tree, Unit, UnitKind};
use insula_model::rights::PermissionScope;
use insula_model::value::{Date, Decimal, Duration, Time, Timestamp, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

/// A record with the one its relation leads to, if that exists.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) system: Vec<Value>,
    pub(crate) fields: Vec<Value>,
    pub(crate) linked: Option<Box<Self>>,
}

/// What meets in a comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Int,
    Decimal,
    Text,
    Choice,
    Bool,
    Date,
    Timestamp,
    Clock,
    Span,
    Tags,
    Uuid,
}

/// Where the caller stands: in a branch, and in no department.
pub(crate) fn place() -> Place {
    let unit = |n: u128, kind, parent: Option<u128>, code: Option<&str>, name: &str| Unit {
        id: Uuid::from_u128(n).into(),
        kind,
        parent: parent.map(|n| Uuid::from_u128(n).into()),
        code: code.map(str::to_owned),
        name: name.to_owned(),
        attributes: [(Name::parse("region").unwrap(), "a".to_owned())].into(),
    };
    let company = unit(1 << 90, UnitKind::Company, None, None, "b");
    let branch = unit(1 << 91, UnitKind::Branch, Some(1 << 90), Some("north"), "a");
    Tree::new(vec![company, branch]).place(Some(Uuid::from_u128(1 << 91).into()))
}

/// When every condition is asked.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(500_000)
}

/// The fields of `thing`: two nullable and two required of each kind. `link` and `many` are the last.
const FIELDS: [(&str, Kind); 11] = [
    ("int", Kind::Int),
    ("dec", Kind::Decimal),
    ("text", Kind::Text),
    ("opt", Kind::Choice),
    ("flag", Kind::Bool),
    ("day", Kind::Date),
    ("time", Kind::Timestamp),
    ("code", Kind::Text),
    ("clock", Kind::Clock),
    ("span", Kind::Span),
    ("tags", Kind::Tags),
];
const SYSTEM: [(&str, Kind); 4] =
    [("id", Kind::Uuid), ("created_at", Kind::Timestamp), ("created_by", Kind::Uuid), ("version", Kind::Int)];

pub(crate) fn thing() -> EntityId {
    Uuid::from_u128(1).into()
}

pub(crate) fn other() -> EntityId {
    Uuid::from_u128(2).into()
}

/// `thing` with a field of every type, nullable (`n`) and required (`r`), and `link` to `other`, which has `next` to
/// another `other`.
pub(crate) fn schema() -> Schema {
    Schema::new(1, vec![entity(thing(), "thing", "link"), entity(other(), "other", "next")])
}

fn entity(id: EntityId, name: &str, relation: &str) -> Entity {
    let mut fields = Vec::new();
    let base = id.uuid().as_u128() * 1_000;
    for (name, required) in names() {
        let kind = FIELDS.iter().find(|(stem, _)| name.starts_with(stem)).unwrap().1;
        let kind = match kind {
            Kind::Int => FieldKind::Integer { min: None, max: None },
            Kind::Decimal => FieldKind::Decimal { precision: 18, scale: 2, min: None, max: None },
            Kind::Text if name.starts_with("code") => FieldKind::Code,
            Kind::Text => FieldKind::Text { min_length: None, max_length: 100 },
            Kind::Choice => FieldKind::Choice { options: OPTIONS.map(str::to_owned).to_vec() },
            Kind::Bool => FieldKind::Boolean,
            Kind::Date => FieldKind::Date,
            Kind::Timestamp => FieldKind::Datetime,
            Kind::Clock => FieldKind::Time,
            Kind::Tags => FieldKind::MultiChoice { options: TAGS.map(str::to_owned).to_vec() },
            Kind::Span => FieldKind::Duration { min: None, max: None },
            Kind::Uuid => unreachable!("only system columns and relations are ids"),
        };
        fields.push(field(base + fields.len() as u128, &name, kind, required));
    }
    let kind = FieldKind::Relation { target: other(), on_delete: OnDelete::Restrict };
    fields.push(field(base + fields.len() as u128, relation, kind, false));
    let kind = FieldKind::Relations { target: other() };
    fields.push(field(base + fields.len() as u128, "many", kind, false));
    Entity {
        id,
        name: Name::parse(name).unwrap(),
        label: String::new(),
        plural_label: String::new(),
        title_field: None,
        fields,
        unique: Vec::new(),
        soft_delete: false,
        rules: Vec::new(),
        scope: PermissionScope::Tenant,
    }
}

fn names() -> Vec<(String, bool)> {
    FIELDS
        .iter()
        .flat_map(|(stem, _)| ["n1", "n2", "r1", "r2"].map(|end| (format!("{stem}_{end}"), end.starts_with('r'))))
        .collect()
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

/// Compiles with every right on `thing`.
pub(crate) fn compile_all(source: &str, schema: &Schema) -> Result<Expr, ExprError> {
    let entity = schema.entity(thing()).unwrap();
    compile(
        source,
        &Context { schema, entity, readable: &|_, _| true, visible: &|_| true, params: None, reach: Reach::Around },
    )
}

/// The value a path leads to.
pub(crate) fn lookup<'v>(record: &'v Record, path: &Path, schema: &Schema) -> Cow<'v, Value> {
    let mut record = record;
    for _ in &path.hops {
        match &record.linked {
            Some(linked) => record = linked,
            None => return Cow::Owned(Value::Null),
        }
    }
    let entity = schema.entity(if path.hops.is_empty() { thing() } else { other() }).unwrap();
    Cow::Borrowed(match path.leaf {
        Leaf::System(system) => &record.system[SystemField::ALL.iter().position(|s| *s == system).unwrap()],
        Leaf::Field(column) => &record.fields[entity.fields.iter().position(|f| f.column() == column).unwrap()],
    })
}

const OPTIONS: [&str; 3] = ["low", "mid", "high"];
/// What could be mistaken for the end of another.
const TAGS: [&str; 5] = ["a", ",", "\",\"", "[\"a\"]", "x\\"];
const TEXTS: [&str; 10] = ["", "a", "b", "ab", "B", "a b", "é", "\u{ffff}", "😀", "q\"\\'\n"];

pub(crate) fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Int => prop_oneof![8 => -3i64..=3, 1 => select(vec![1 << 53, -(1 << 53)])].prop_map(Value::Int).boxed(),
        Kind::Decimal => prop_oneof![
            4 => (-6i64..=6).prop_map(|n| n * 25),
            4 => 98i64..=102,
            1 => select(vec![999_999_999_999_999_999i64, -999_999_999_999_999_999]),
        ]
        .prop_map(|units| Value::Decimal(Decimal::new(units, 2)))
        .boxed(),
        Kind::Text => select(&TEXTS[..]).prop_map(|text| Value::Text(text.to_owned())).boxed(),
        Kind::Choice => select(&OPTIONS[..]).prop_map(|text| Value::Text(text.to_owned())).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Date => (-2i32..=2).prop_map(|days| Value::Date(Date::from_days(days))).boxed(),
        Kind::Timestamp => (-2i64..=2).prop_map(|n| Value::Timestamp(Timestamp::from_micros(n * 500_000))).boxed(),
        Kind::Clock => select(vec![0i64, 1, 34_200_000_000, 86_399_999_999])
            .prop_map(|micros| Value::Time(Time::from_micros(micros).unwrap()))
            .boxed(),
        Kind::Span => select(vec![-3_600_000_000i64, -1, 0, 1, 3_600_000_000, 3_652_059 * 86_400_000_000])
            .prop_map(|micros| Value::Duration(Duration::from_micros(micros).unwrap()))
            .boxed(),
        Kind::Tags => proptest::sample::subsequence(TAGS.to_vec(), 0..=TAGS.len())
            .prop_map(|tags| Value::Texts(tags.into_iter().map(str::to_owned).collect()))
            .boxed(),
        Kind::Uuid => (0u128..4).prop_map(|n| Value::Uuid(id(n))).boxed(),
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n << 100 | n)
}

pub(crate) fn record(nulls: bool) -> BoxedStrategy<Record> {
    let other = one(nulls, Just(None).boxed());
    let other = one(nulls, maybe(other));
    one(nulls, maybe(other))
}

fn maybe(record: BoxedStrategy<Record>) -> BoxedStrategy<Option<Box<Record>>> {
    proptest::option::of(record.prop_map(Box::new)).boxed()
}

fn one(nulls: bool, linked: BoxedStrategy<Option<Box<Record>>>) -> BoxedStrategy<Record> {
    let fields: Vec<BoxedStrategy<Value>> = names()
        .into_iter()
        .map(|(name, required)| {
            let kind = FIELDS.iter().find(|(stem, _)| name.starts_with(stem)).unwrap().1;
            if required || !nulls { value(kind) } else { prop_oneof![Just(Value::Null), value(kind)].boxed() }
        })
        .collect();
    let system = SystemField::ALL.map(|system| match system {
        SystemField::Id => any::<u128>().prop_map(|n| Value::Uuid(Uuid::from_u128(n))).boxed(),
        SystemField::CreatedBy | SystemField::UpdatedBy => value(Kind::Uuid),
        SystemField::CreatedAt | SystemField::UpdatedAt => value(Kind::Timestamp),
        SystemField::Version => value(Kind::Int),
    });
    // A relation may also lead to a record that is not there: deleted, or beyond the reader's rights.
    let many = proptest::sample::subsequence((0u128..4).map(id).collect::<Vec<_>>(), 0..=4);
    (system.to_vec(), fields, linked, any::<bool>(), many)
        .prop_map(|(system, mut fields, linked, dangling, many)| {
            fields.push(match &linked {
                Some(linked) => linked.system[0].clone(),
                None if dangling => Value::Uuid(Uuid::from_u128(7)),
                None => Value::Null,
            });
            fields.push(Value::Uuids(many));
            Record { system, fields, linked }
        })
        .boxed()
}

/// Which conditions are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Range {
    /// All the language has.
    Everything,
    /// What CEL itself means the same by: numbers, texts and booleans of the record itself, without null.
    PlainCel,
}

pub(crate) fn source(range: Range) -> BoxedStrategy<String> {
    leaf(range)
        .prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
                (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} || {b} && {c})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                inner.prop_map(|a| format!("!!({a})")),
            ]
        })
        .boxed()
}

fn kind(range: Range) -> BoxedStrategy<Kind> {
    match range {
        Range::Everything => select(vec![
            Kind::Int,
            Kind::Decimal,
            Kind::Text,
            Kind::Choice,
            Kind::Bool,
            Kind::Date,
            Kind::Timestamp,
            Kind::Clock,
            Kind::Span,
            Kind::Uuid,
        ])
        .boxed(),
        Range::PlainCel => select(vec![Kind::Int, Kind::Text, Kind::Choice, Kind::Bool]).boxed(),
    }
}

fn column(kind: Kind, range: Range) -> BoxedStrategy<String> {
    let mut found: Vec<String> = names()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| FIELDS.iter().any(|(stem, k)| *k == kind && name.starts_with(stem)))
        .collect();
    if range == Range::Everything {
        found.extend(SYSTEM.iter().filter(|(_, k)| *k == kind).map(|(name, _)| (*name).to_owned()));
        let hops: Vec<String> = found.iter().flat_map(|n| [format!("link.{n}"), format!("link.next.{n}")]).collect();
        found.extend(hops);
        if kind == Kind::Uuid {
            found.extend(["link", "link.id", "link.next", "record.link.next.id"].map(str::to_owned));
        }
        let full: Vec<String> =
            found.iter().filter(|n| !n.starts_with("record")).map(|n| format!("record.{n}")).collect();
        found.extend(full);
    }
    select(found).boxed()
}

fn literal(kind: Kind) -> BoxedStrategy<String> {
    let exact = value(kind).prop_map(|value| match value {
        Value::Text(text) => quoted(&text),
        Value::Uuid(_) | Value::Date(_) => format!("\"{}\"", plain(&value)),
        Value::Timestamp(time) => format!("\"{time}\""),
        Value::Time(time) => format!("\"{time}\""),
        Value::Duration(span) => format!("duration(\"{}us\")", span.micros()),
        other => plain(&other),
    });
    match kind {
        Kind::Int => prop_oneof![4 => exact, 1 => double()].boxed(),
        // Decimals as they are written do not all survive a double, so the large ones stay out.
        Kind::Decimal => prop_oneof![2 => (-6i64..=6).prop_map(|n| n.to_string()), 4 => double()].boxed(),
        Kind::Date => prop_oneof![exact.clone(), exact.prop_map(|text| format!("date({text})"))].boxed(),
        Kind::Timestamp => prop_oneof![exact.clone(), exact.prop_map(|text| format!("timestamp({text})"))].boxed(),
        _ => exact.boxed(),
    }
}

fn double() -> BoxedStrategy<String> {
    prop_oneof![
        6 => (-12i64..=12).prop_map(|n| format!("{}.{:02}", n / 4, (n % 4).abs() * 25)),
        3 => select(vec!["1.005", "0.995", "-1.005", "0.001", "-0.001", "1.01", "0.99"]).prop_map(str::to_owned),
        1 => select(vec!["1e30", "-1e30", "1e16", "-1e16", "1e-300", "0.0", "-0.0"]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Date(d) => d.to_string(),
        Value::Uuid(id) => id.to_string(),
        other => unreachable!("{other:?}"),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    insula_model::value::write_json_text(text, &mut out);
    String::from_utf8(out).unwrap()
}

fn operator(kind: Kind) -> BoxedStrategy<&'static str> {
    match kind {
        Kind::Bool => select(vec!["==", "!="]).boxed(),
        _ => select(vec!["==", "!=", "<", "<=", ">", ">="]).boxed(),
    }
}

fn leaf(range: Range) -> BoxedStrategy<String> {
    let comparison = move |kind: Kind| {
        let sides = prop_oneof![
            3 => (column(kind, range), literal(kind)),
            1 => (literal(kind), column(kind, range)),
            2 => (column(kind, range), column(kind, range)),
            1 => same(kind),
        ];
        (sides, operator(kind)).prop_map(|((a, b), op)| format!("{a} {op} {b}")).boxed()
    };
    let membership = move |kind: Kind| {
        (column(kind, range), vec(literal(kind), 0..4)).prop_map(|(a, list)| format!("{a} in [{}]", list.join(", ")))
    };
    let null = move |kind: Kind| {
        (column(kind, range), select(vec!["==", "!="]), any::<bool>())
            .prop_map(|(a, op, first)| if first { format!("null {op} {a}") } else { format!("{a} {op} null") })
    };
    let flag = column(Kind::Bool, range);
    let caller = (column(Kind::Uuid, Range::Everything), operator(Kind::Uuid), any::<bool>())
        .prop_map(|(a, op, first)| if first { format!("caller.id {op} {a}") } else { format!("{a} {op} caller.id") });
    let facts = select(vec![
        "caller.branch.code",
        "caller.branch.name",
        "caller.branch.region",
        "caller.branch.nothing",
        "caller.company.code",
        "caller.department.name",
    ]);
    let equal = select(vec!["==", "!="]);
    let unit = prop_oneof![
        (facts.clone(), equal.clone(), column(Kind::Text, Range::Everything))
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (facts.clone(), equal.clone(), facts.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (facts.clone(), equal.clone()).prop_map(|(a, op)| format!("null {op} {a}")),
        (facts, select(vec!["north", "a", ""])).prop_map(|(a, text)| format!("{a} in [{}, \"b\"]", quoted(text))),
        (equal, column(Kind::Uuid, Range::Everything)).prop_map(|(op, a)| format!("{a} {op} caller.department.id")),
    ];
    let caller_alone = prop_oneof![
        (operator(Kind::Uuid), literal(Kind::Uuid)).prop_map(|(op, id)| format!("caller.id {op} {id}")),
        vec(literal(Kind::Uuid), 0..3).prop_map(|ids| format!("caller.id in [{}]", ids.join(", "))),
    ];
    let plain = prop_oneof![
        6 => kind(range).prop_flat_map(comparison),
        2 => kind(range).prop_flat_map(membership),
        2 => prop_oneof![flag.clone(), flag.prop_map(|name| format!("!{name}"))],
        1 => select(vec!["true", "false"]).prop_map(str::to_owned),
    ];
    let plain = prop_oneof![10 => plain, 2 => part(range)];
    match range {
        Range::PlainCel => plain.boxed(),
        Range::Everything => prop_oneof![
            10 => plain,
            2 => kind(range).prop_flat_map(null),
            1 => caller,
            1 => caller_alone,
            1 => unit,
            3 => moment(),
            1 => (select(&TAGS[..]), column(Kind::Tags, range)).prop_map(|(tag, a)| format!("{} in {a}", quoted(tag))),
            1 => (value(Kind::Uuid), select(vec!["many", "record.many", "link.many", "link.next.many"]))
                .prop_map(|(id, a)| format!("{} in {a}", quoted(&loose(&id)))),
            1 => select(vec!["many == null", "link.many == null", "link.next.many != null"]).prop_map(str::to_owned),
            1 => (column(Kind::Tags, range), select(vec!["==", "!="])).prop_map(|(a, op)| format!("{a} {op} null")),
        ]
        .boxed(),
    }
}

/// A text that has a part.
fn part(range: Range) -> BoxedStrategy<String> {
    let function = select(vec!["contains", "startsWith", "endsWith"]);
    let column = prop_oneof![3 => column(Kind::Text, range), 1 => column(Kind::Choice, range)];
    let part = select(vec!["", "a", "b", "B", "é", "w", "ow", "😀", "\u{ffff}", "q\"", "\n", "_", "%"]);
    (column, function, part)
        .prop_map(|(column, function, part)| format!("{column}.{function}({})", quoted(part)))
        .boxed()
}

/// Times that are moved, and compared with now.
fn moment() -> BoxedStrategy<String> {
    const MOVES: [&str; 6] = [
        "",
        " + duration(\"500ms\")",
        " - duration(\"0.5s\")",
        " + duration(\"24h\")",
        " - duration(\"48h\")",
        " - duration(\"80000016h\")",
    ];
    const DAYS: [&str; 4] = ["", " + duration(\"24h\")", " - duration(\"48h\")", " + duration(\"80000016h\")"];
    let time = (column(Kind::Timestamp, Range::Everything), select(&MOVES[..])).prop_map(|(a, b)| format!("{a}{b}"));
    let day = (column(Kind::Date, Range::Everything), select(&DAYS[..])).prop_map(|(a, b)| format!("{a}{b}"));
    let now = select(&MOVES[..]).prop_map(|by| format!("now(){by}"));
    let fixed = (literal(Kind::Timestamp), select(&DAYS[..3]))
        .prop_map(|(time, by)| if time.starts_with("timestamp") { format!("{time}{by}") } else { time });
    let fixed_day = (literal(Kind::Date), select(&DAYS[..3]))
        .prop_map(|(day, by)| if day.starts_with("date") { format!("{day}{by}") } else { day });
    let sides = prop_oneof![
        3 => (time.clone(), now.clone()),
        3 => (day.clone(), now.clone()),
        1 => (now.clone(), time.clone()),
        1 => (now.clone(), day.clone()),
        2 => (time, fixed.clone()),
        2 => (day, fixed_day.clone()),
        1 => (now.clone(), fixed),
        1 => (now.clone(), fixed_day.prop_map(|day| if day.starts_with("date") { day } else { format!("date({day})") })),
        1 => (now.clone(), now),
    ];
    (sides, operator(Kind::Timestamp)).prop_map(|((a, b), op)| format!("{a} {op} {b}")).boxed()
}

/// Two literals; the large decimals and the doubles are integers or doubles to CEL either way.
fn same(kind: Kind) -> BoxedStrategy<(String, String)> {
    match kind {
        Kind::Date | Kind::Timestamp | Kind::Clock | Kind::Uuid => {
            (value(kind), value(kind)).prop_map(|(a, b)| (quoted(&loose(&a)), quoted(&loose(&b)))).boxed()
        }
        _ => (literal(kind), literal(kind)).boxed(),
    }
}

fn loose(value: &Value) -> String {
    match value {
        Value::Timestamp(time) => time.to_string(),
        Value::Time(time) => time.to_string(),
        other => plain(other),
    }
}
