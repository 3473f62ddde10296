//! The model: records in a list, and what a change does to them. Says nothing of how a store would do it.

use serde_json::{Map, Value as Json, json};

use super::reading;
use super::schema::{Entity, Field};
use super::value::{NOBODY, Value, marker};

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) entities: Vec<Entity>,
    /// In the order in which they were made.
    pub(crate) records: Vec<Record>,
    made: usize,
    /// As the API shows it.
    pub(crate) now: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: usize,
    pub(crate) entity: usize,
    pub(crate) values: Vec<Value>,
    pub(crate) version: i64,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A problem, of which clients may rely on the status, the code, and where the mistakes are.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    /// Pointers and codes, in no order.
    pub(crate) errors: Errors,
}

pub(crate) type Errors = Vec<(String, &'static str)>;

pub(crate) type Outcome<T> = Result<T, Refused>;

/// Values by the position of their field; absent where nothing is said of it.
pub(crate) type Draft = Vec<Option<Value>>;

impl Refused {
    pub(crate) const NOT_FOUND: Self = Self { status: 404, code: "not_found", errors: Vec::new() };
    pub(crate) const STALE: Self = Self { status: 412, code: "stale_version", errors: Vec::new() };
    pub(crate) const HELD: Self = Self { status: 409, code: "conflict", errors: Vec::new() };

    /// Several kinds of mistake are `invalid` together.
    pub(crate) fn of(errors: Errors) -> Outcome<()> {
        let Some((_, first)) = errors.first() else { return Ok(()) };
        let code = if errors.iter().all(|(_, code)| code == first) { first } else { "invalid" };
        Err(Self { status: 422, code, errors })
    }

    /// The same as the fault of one of many changes.
    pub(crate) fn at(mut self, place: String) -> Self {
        if self.errors.is_empty() && !place.is_empty() {
            self.errors.push((place, self.code));
        }
        self
    }
}

impl Model {
    pub(crate) fn new(entities: Vec<Entity>) -> Self {
        Self { entities, records: Vec::new(), made: 0, now: String::new() }
    }

    /// All of `change` or nothing of it.
    pub(crate) fn atomic<T>(&mut self, change: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let before = self.clone();
        let done = change(self);
        if done.is_err() {
            *self = before;
        }
        done
    }

    pub(crate) fn find(&self, entity: usize, id: usize) -> Option<&Record> {
        self.records.iter().find(|record| record.entity == entity && record.id == id)
    }

    /// The number of the next record.
    pub(crate) fn next(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    /// Reads what is named in a body.
    pub(crate) fn part(&self, entity: usize, body: &Map<String, Json>, at: &str, errors: &mut Errors) -> Draft {
        let fields = &self.entities[entity].fields;
        for name in body.keys().filter(|name| !fields.iter().any(|field| field.name == **name)) {
            errors.push((format!("{at}/{name}"), "unknown_field"));
        }
        let mut read = |field: &Field, json| match reading::read(field, json) {
            Ok(value) => Some(value),
            Err(code) => {
                errors.push((format!("{at}/{}", field.name), code));
                None
            }
        };
        fields.iter().map(|field| body.get(field.name).and_then(|json| read(field, json))).collect()
    }

    /// Reads a body that is a whole record: what is not named takes its default or is null.
    pub(crate) fn whole(&self, entity: usize, body: &Map<String, Json>, at: &str, errors: &mut Errors) -> Draft {
        let mut draft = self.part(entity, body, at, errors);
        for (field, value) in self.entities[entity].fields.iter().zip(&mut draft) {
            if body.contains_key(field.name) {
                continue;
            }
            match &field.default {
                Some(default) => *value = reading::read(field, default).ok(),
                None if field.required => errors.push((format!("{at}/{}", field.name), "required")),
                None => *value = Some(Value::Null),
            }
        }
        draft
    }

    /// Stores new records, each with the place it has in the body.
    pub(crate) fn insert(&mut self, entity: usize, drafts: Vec<(usize, Draft, String)>) -> Outcome<Vec<Json>> {
        let mut errors = Errors::new();
        for (_, draft, at) in &drafts {
            self.references(entity, draft, at, &mut errors);
        }
        Refused::of(errors)?;
        let mut shown = Vec::new();
        for (id, draft, at) in drafts {
            let values: Vec<Value> = draft.into_iter().map(|value| value.unwrap_or(Value::Null)).collect();
            self.clash(entity, &values, None, &at)?;
            let now = self.now.clone();
            let record = Record { id, entity, values, version: 1, created_at: now.clone(), updated_at: now };
            shown.push(self.show(&record));
            self.records.push(record);
        }
        Ok(shown)
    }

    /// Changes a record; what changes nothing leaves no new version.
    pub(crate) fn update(
        &mut self,
        entity: usize,
        id: usize,
        version: Option<i64>,
        draft: &Draft,
        at: &str,
    ) -> Outcome<Json> {
        let Some(before) = self.find(entity, id).cloned() else { return Err(Refused::NOT_FOUND) };
        if version.is_some_and(|version| version != before.version) {
            return Err(Refused::STALE);
        }
        let mut after = before.clone();
        for (value, new) in after.values.iter_mut().zip(draft) {
            if let Some(new) = new {
                *value = new.clone();
            }
        }
        if after.values.iter().zip(&before.values).all(|(new, old)| new.order(old).is_eq()) {
            return Ok(self.show(&before));
        }
        let mut errors = Errors::new();
        self.references(entity, draft, at, &mut errors);
        Refused::of(errors)?;
        self.clash(entity, &after.values, Some(id), at)?;
        after.version += 1;
        after.updated_at.clone_from(&self.now);
        let shown = self.show(&after);
        *self.records.iter_mut().find(|record| record.id == id).expect("it was there") = after;
        Ok(shown)
    }

    /// Every relation leads to a record of the entity it is about.
    fn references(&self, entity: usize, draft: &Draft, at: &str, errors: &mut Errors) {
        for (field, value) in self.entities[entity].fields.iter().zip(draft) {
            if let (Some(target), Some(Value::Id(id))) = (field.kind.target(), value)
                && self.find(target, *id).is_none()
            {
                errors.push((format!("{at}/{}", field.name), "no_such_record"));
            }
        }
    }

    /// Unique keys hold, where none of their values is null. The first that does not is told.
    fn clash(&self, entity: usize, values: &[Value], own: Option<usize>, at: &str) -> Outcome<()> {
        let same = |key: &[usize], other: &Record| {
            key.iter().all(|field| !values[*field].is_null() && values[*field].order(&other.values[*field]).is_eq())
        };
        let others = self.records.iter().filter(|record| record.entity == entity && Some(record.id) != own);
        let entity = &self.entities[entity];
        match entity.unique.iter().find(|key| others.clone().any(|other| same(key, other))) {
            None => Ok(()),
            Some(key) => {
                let errors = key.iter().map(|field| (format!("{at}/{}", entity.fields[*field].name), "not_unique"));
                Err(Refused { status: 409, code: "conflict", errors: errors.collect() })
            }
        }
    }

    /// The record as the API shows it.
    pub(crate) fn show(&self, record: &Record) -> Json {
        let mut shown = json!({
            "id": marker(record.id), "version": record.version, "created_by": {"$me": true}, "updated_by": {"$me": true},
            "created_at": record.created_at, "updated_at": record.updated_at,
        });
        for (field, value) in self.entities[record.entity].fields.iter().zip(&record.values) {
            shown[field.name] = value.to_json();
        }
        shown
    }

    /// The record a seed means; now and then one that is not there.
    pub(crate) fn pick(&self, seed: u16) -> (usize, usize) {
        let seed = usize::from(seed);
        match self.records.get(seed % (self.records.len() + 1)) {
            Some(record) if seed % 16 != 15 => (record.entity, record.id),
            _ => (seed % self.entities.len(), NOBODY),
        }
    }
}
