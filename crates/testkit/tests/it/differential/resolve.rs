//! What seeds mean beside the schema and the records there are now.

use serde_json::{Map, Value as Json, json};

use super::filter::{Filter, Leaf, OPS, Path, Term};
use super::literal;
use super::model::Model;
use super::query::{Column, Key, Query, View};
use super::reading;
use super::samples;
use super::schema::{Field, Kind, Type};
use super::seed;
use super::value::{NOBODY, marker};

/// What can be sorted and shown of any record beside its fields.
const SYSTEM: [(&str, Column); 5] = [
    ("created_by", Column::Constant),
    ("version", Column::Leaf(Leaf::Version)),
    ("updated_at", Column::Leaf(Leaf::UpdatedAt)),
    ("created_at", Column::Leaf(Leaf::CreatedAt)),
    ("id", Column::Leaf(Leaf::Id)),
];

impl Model {
    /// A body for a whole record, or for part of one.
    pub(crate) fn body(&self, entity: usize, seed: &seed::Body, whole: bool) -> Json {
        let fields = &self.entities[entity].fields;
        let mut body = Map::new();
        for (i, (field, pick)) in fields.iter().zip(&seed.picks).enumerate() {
            let bit = seed.left_out >> i & 1 == 1;
            let is_named = if whole { !bit || field.required && field.default.is_none() } else { bit };
            if is_named {
                body.insert(field.name.to_owned(), self.good(field, *pick));
            }
        }
        if let Some((position, pick)) = seed.wild {
            let field = &fields[usize::from(position) % fields.len()];
            match pick % 8 {
                0 => drop(body.remove(field.name)),
                _ => drop(body.insert(field.name.to_owned(), self.wild(field, pick / 8))),
            }
        }
        if seed.unknown {
            body.insert("nobody_knows".to_owned(), json!(1));
        }
        Json::Object(body)
    }

    fn good(&self, field: &Field, pick: u16) -> Json {
        if !field.required && pick % 5 == 3 {
            return Json::Null;
        }
        let mut good = match field.kind.target() {
            Some(target) => self.ids(target).into_iter().map(marker).collect(),
            None => samples::of(&field.kind),
        };
        good.retain(|json| reading::read(field, json).is_ok());
        good.get(usize::from(pick) % good.len().max(1)).cloned().unwrap_or_else(|| marker(NOBODY))
    }

    fn wild(&self, field: &Field, pick: u16) -> Json {
        let mut any = samples::of(&field.kind);
        any.push(Json::Null);
        if field.kind.target().is_some() {
            any.extend(self.records.iter().map(|record| marker(record.id)));
            any.push(marker(NOBODY));
        }
        any[usize::from(pick) % any.len()].clone()
    }

    fn ids(&self, entity: usize) -> Vec<usize> {
        self.records.iter().filter(|record| record.entity == entity).map(|record| record.id).collect()
    }

    pub(crate) fn query(&self, seed: &seed::Query) -> Query {
        let entity = usize::from(seed.entity) % self.entities.len();
        let fields = &self.entities[entity].fields;
        let mut sort: Vec<Key> = Vec::new();
        for (pick, descending) in &seed.sort {
            let pick = usize::from(*pick) % (fields.len() + SYSTEM.len());
            let (name, column) = match fields.get(pick) {
                Some(field) => (field.name, Column::Leaf(Leaf::Field(pick))),
                None => SYSTEM[pick - fields.len()],
            };
            if !sort.iter().any(|key| key.name == name) {
                sort.push(Key { name, column, descending: *descending });
            }
        }
        let view = self.view_of(entity, &seed.view);
        let filter = seed.filter.as_ref().map(|filter| self.filter(entity, filter));
        Query {
            entity,
            filter,
            sort,
            view,
            limit: seed.limit.map(usize::from),
            count: seed.count,
            posted: seed.posted,
            params: seed.params,
        }
    }

    pub(crate) fn view_of(&self, entity: usize, seed: &seed::View) -> View {
        let fields = &self.entities[entity].fields;
        let relations = fields.iter().enumerate().filter(|(_, field)| field.kind.target().is_some());
        let expand =
            relations.map(|(position, _)| position).filter(|position| seed.expand >> position & 1 == 1).collect();
        let names = seed.fields.as_ref().map(|picks| {
            let all: Vec<&str> = fields.iter().map(|field| field.name).chain(SYSTEM.map(|(name, _)| name)).collect();
            let mut names: Vec<&str> = picks.iter().map(|pick| all[usize::from(*pick) % all.len()]).collect();
            names.sort_unstable();
            names.dedup();
            names
        });
        View { fields: names, expand }
    }

    fn filter(&self, entity: usize, seed: &seed::Filter) -> Filter {
        let each = |parts: &[seed::Filter]| parts.iter().map(|part| self.filter(entity, part)).collect();
        match seed {
            seed::Filter::Leaf(leaf) => self.leaf(entity, leaf),
            seed::Filter::Not(inner) => Filter::Not(Box::new(self.filter(entity, inner))),
            seed::Filter::All(parts) => Filter::All(each(parts)),
            seed::Filter::Any(parts) => Filter::Any(each(parts)),
        }
    }

    fn leaf(&self, entity: usize, seed: &seed::Leaf) -> Filter {
        let path = self.path(entity, seed.path);
        let records: Vec<usize> = self.records.iter().map(|record| record.id).collect();
        let literal = |pick: &u16| literal::pick(path.ty, path.is_choice, *pick, &records);
        let operators = if path.ty == Type::Boolean { 2 } else { OPS.len() };
        let op = OPS[usize::from(seed.op) % operators].0;
        let is_equality = op == OPS[0].0 || op == OPS[1].0;
        let first = literal(seed.picks.first().unwrap_or(&0));
        match seed.form % 8 {
            0 => Filter::In(path.clone(), seed.picks.iter().map(literal).collect()),
            1 if is_equality => Filter::Compare(op, Term::Path(path), Term::Literal(literal::null())),
            2 if is_equality => Filter::Compare(op, Term::Literal(literal::null()), Term::Path(path)),
            3 | 4 => {
                let other = self.path(entity, seed.other);
                if other.ty == path.ty {
                    return Filter::Compare(op, Term::Path(path), Term::Path(other));
                }
                Filter::Compare(op, Term::Literal(first), Term::Path(path))
            }
            5 if path.ty == Type::Boolean => Filter::Truth(path),
            6 => Filter::Compare(op, Term::Literal(first), Term::Path(path)),
            _ => Filter::Compare(op, Term::Path(path), Term::Literal(first)),
        }
    }

    /// A column of the record, or of one that up to three relations lead to.
    fn path(&self, entity: usize, seed: [u8; 4]) -> Path {
        let (mut at, mut hops, mut names) = (entity, Vec::new(), Vec::new());
        for pick in &seed[1..] {
            let fields = &self.entities[at].fields;
            let position = usize::from(*pick) % (fields.len() + 2);
            let Some((name, target)) = fields.get(position).and_then(|field| Some((field.name, field.kind.target()?)))
            else {
                break;
            };
            hops.push(position);
            names.push(name);
            at = target;
        }
        let fields = &self.entities[at].fields;
        let pick = usize::from(seed[0]) % (fields.len() + 4);
        let (leaf, ty, name) = match fields.get(pick) {
            Some(field) => (Leaf::Field(pick), field.kind.type_of(), field.name),
            None => [
                (Leaf::Version, Type::Integer, "version"),
                (Leaf::CreatedAt, Type::Datetime, "created_at"),
                (Leaf::UpdatedAt, Type::Datetime, "updated_at"),
                (Leaf::Id, Type::Id, "id"),
            ][pick - fields.len()],
        };
        names.push(name);
        let is_choice = fields.get(pick).is_some_and(|field| field.kind == Kind::Choice);
        // A bare name and one of `record` are the same.
        let prefix = if seed[0] >= 192 { "record." } else { "" };
        Path { hops, leaf, written: format!("{prefix}{}", names.join(".")), ty, is_choice }
    }
}
