//! Entities with fields of every type and rule, and their definitions as the API takes them.
//!
//! A new type is a variant of [`Kind`] and what the compiler then asks for: its rules here, its values in `samples`, its
//! reading in `reading`, and its literals in `literal`.

use serde_json::{Value as Json, json};

use super::reading;
use super::samples;
use super::seed::{EntitySeed, FieldSeed};

#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<Field>,
    /// Positions of fields; first those that are unique alone, as the API has it.
    pub(crate) unique: Vec<Vec<usize>>,
    /// Makes no difference to anything that is asked here: what is deleted is gone.
    soft_delete: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) unique: bool,
    indexed: bool,
    pub(crate) default: Option<Json>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Kind {
    Text { min: usize, max: usize },
    Code,
    Integer { min: Option<i64>, max: Option<i64> },
    Decimal { precision: u32, scale: u32, min: Option<&'static str>, max: Option<&'static str> },
    Boolean,
    Date,
    Datetime,
    Choice,
    Relation { target: usize, on_delete: OnDelete },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OnDelete {
    Restrict,
    Cascade,
    SetNull,
}

/// What may be compared with what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Text,
    Integer,
    Decimal(u32),
    Boolean,
    Date,
    Datetime,
    Id,
}

const ENTITIES: [&str; 3] = ["table", "person", "a_1"];
/// Some mean something in SQL.
const FIELDS: [&str; 7] = ["order", "select", "where", "is_null", "a0", "x", "user"];
/// More would let a query ask for more joins than it may.
const RELATIONS: usize = 2;

pub(crate) const OPTIONS: [&str; 6] = ["open", "Open", "late%", "_", "ü 😀", "a\"b'c\\"];

impl Kind {
    fn of(seed: &FieldSeed, own: usize, relations: usize) -> Self {
        let pick = |count: usize| usize::from(seed.rules) % count;
        match seed.kind % 9 {
            0 => {
                let rules = [(0, 255), (0, 255), (1, 3), (0, 1), (2, 300)];
                let (min, max) = rules[pick(rules.len())];
                Self::Text { min, max }
            }
            1 => Self::Code,
            2 => {
                let rules = [
                    (None, None),
                    (None, None),
                    (Some(0), None),
                    (Some(-3), Some(3)),
                    (Some(-(1 << 53)), Some(1 << 53)),
                ];
                let (min, max) = rules[pick(rules.len())];
                Self::Integer { min, max }
            }
            3 => {
                let rules = [
                    (18, 2, None, None),
                    (18, 2, None, None),
                    (18, 0, None, None),
                    (18, 18, None, None),
                    (1, 1, None, None),
                    (5, 2, Some("-1.50"), Some("99.99")),
                ];
                let (precision, scale, min, max) = rules[pick(rules.len())];
                Self::Decimal { precision, scale, min, max }
            }
            4 => Self::Boolean,
            5 => Self::Date,
            6 => Self::Datetime,
            7 if relations < RELATIONS => {
                let on_delete = [OnDelete::Restrict, OnDelete::Cascade, OnDelete::SetNull][pick(3)];
                Self::Relation { target: usize::from(seed.rules / 3) % (own + 1), on_delete }
            }
            _ => Self::Choice,
        }
    }

    pub(crate) const fn type_of(&self) -> Type {
        match self {
            Self::Text { .. } | Self::Code | Self::Choice => Type::Text,
            Self::Integer { .. } => Type::Integer,
            Self::Decimal { scale, .. } => Type::Decimal(*scale),
            Self::Boolean => Type::Boolean,
            Self::Date => Type::Date,
            Self::Datetime => Type::Datetime,
            Self::Relation { .. } => Type::Id,
        }
    }

    pub(crate) const fn target(&self) -> Option<usize> {
        match self {
            Self::Relation { target, .. } => Some(*target),
            _ => None,
        }
    }

    fn define(&self) -> Json {
        match self {
            Self::Text { min, max } => json!({"type": "text", "min_length": min, "max_length": max}),
            Self::Code => json!({"type": "code"}),
            Self::Integer { min, max } => json!({"type": "integer", "min": min, "max": max}),
            Self::Decimal { precision, scale, min, max } => {
                json!({"type": "decimal", "precision": precision, "scale": scale, "min": min, "max": max})
            }
            Self::Boolean => json!({"type": "boolean"}),
            Self::Date => json!({"type": "date"}),
            Self::Datetime => json!({"type": "datetime"}),
            Self::Choice => json!({"type": "choice", "options": OPTIONS}),
            Self::Relation { target, on_delete } => {
                let on_delete = match on_delete {
                    OnDelete::Restrict => "restrict",
                    OnDelete::Cascade => "cascade",
                    OnDelete::SetNull => "set_null",
                };
                json!({"type": "relation", "target": ENTITIES[*target], "on_delete": on_delete})
            }
        }
    }
}

pub(crate) fn schema(seeds: &[EntitySeed]) -> Vec<Entity> {
    seeds.iter().take(ENTITIES.len()).enumerate().map(|(own, seed)| entity(own, seed)).collect()
}

fn entity(own: usize, seed: &EntitySeed) -> Entity {
    let mut fields: Vec<Field> = Vec::new();
    for (seed, name) in seed.fields.iter().zip(FIELDS) {
        let relations = fields.iter().filter(|field| field.kind.target().is_some()).count();
        fields.push(field(Kind::of(seed, own, relations), name, own, seed));
    }
    let alone = |(position, field): (usize, &Field)| field.unique.then_some(vec![position]);
    let mut unique: Vec<Vec<usize>> = fields.iter().enumerate().filter_map(alone).collect();
    for (a, b) in &seed.pairs {
        let pair = vec![usize::from(*a) % fields.len(), usize::from(*b) % fields.len()];
        if pair[0] != pair[1] && !unique.contains(&pair) {
            unique.push(pair);
        }
    }
    Entity { name: ENTITIES[own], fields, unique, soft_delete: seed.soft_delete }
}

fn field(kind: Kind, name: &'static str, own: usize, seed: &FieldSeed) -> Field {
    // The first record of an entity that must refer to one of its own could never be made.
    let required = seed.required && kind.target() != Some(own);
    let kind = match kind {
        // What must be there cannot be lost.
        Kind::Relation { target, on_delete: OnDelete::SetNull } if required => {
            Kind::Relation { target, on_delete: OnDelete::Cascade }
        }
        other => other,
    };
    let mut field = Field { name, kind, required, unique: seed.unique, indexed: seed.indexed, default: None };
    if let Some(pick) = seed.default.filter(|_| field.kind.target().is_none()) {
        let mut good = samples::of(&field.kind);
        good.retain(|json| reading::read(&field, json).is_ok());
        field.default = good.get(usize::from(pick) % good.len().max(1)).cloned();
    }
    field
}

impl Entity {
    /// The body of `POST /entities`.
    pub(crate) fn define(&self) -> Json {
        let fields: Vec<Json> = self.fields.iter().map(Field::define).collect();
        let keys = self.unique.iter().filter(|key| key.len() > 1);
        let keys: Vec<Vec<&str>> = keys.map(|key| key.iter().map(|field| self.fields[*field].name).collect()).collect();
        json!({"name": self.name, "fields": fields, "unique": keys, "soft_delete": self.soft_delete})
    }
}

impl Field {
    fn define(&self) -> Json {
        let mut json = self.kind.define();
        for (rule, value) in [
            ("name", json!(self.name)),
            ("required", json!(self.required)),
            ("unique", json!(self.unique)),
            ("indexed", json!(self.indexed)),
            ("default", json!(self.default)),
        ] {
            json[rule] = value;
        }
        // Rules that are not there are left out.
        json.as_object_mut().expect("a field is an object").retain(|_, rule| !rule.is_null());
        json
    }
}
