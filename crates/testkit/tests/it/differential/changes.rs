//! Requests that change many records, or one that is found by its key, as the model does them. It reads the very bodies
//! that are sent.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::model::{Draft, Errors, Model, Outcome, Refused};
use super::reading;
use super::value::{NOBODY, marked, marker};

/// What one item of a batch is, once read.
enum Change {
    Create(usize, Draft),
    Update(usize, Option<i64>, Draft),
    Delete(usize, Option<i64>),
}

impl Model {
    pub(crate) fn create(&mut self, entity: usize, body: &Json) -> Outcome<Json> {
        let mut errors = Errors::new();
        let draft = self.whole(entity, object(body), "", &mut errors);
        Refused::of(errors)?;
        self.atomic(|model| {
            let id = model.next();
            let mut made = model.insert(entity, vec![(id, draft, String::new())])?;
            Ok(made.remove(0))
        })
    }

    /// The record, and whether it is a new one.
    pub(crate) fn upsert(&mut self, entity: usize, key: &[usize], body: &Json) -> Outcome<(bool, Json)> {
        let (mut wanted, mut errors) = (Vec::new(), Errors::new());
        for position in key {
            let field = &self.entities[entity].fields[*position];
            match object(body).get(field.name).filter(|json| !json.is_null()).map(|json| reading::read(field, json)) {
                Some(Ok(value)) => wanted.push((*position, value)),
                Some(Err(code)) => errors.push((format!("/{}", field.name), code)),
                None => errors.push((format!("/{}", field.name), "required")),
            }
        }
        Refused::of(errors)?;
        let mut of_entity = self.records.iter().filter(|record| record.entity == entity);
        let found = of_entity.find(|record| wanted.iter().all(|(p, value)| record.values[*p].order(value).is_eq()));
        match found.map(|record| record.id) {
            Some(id) => self.change(entity, id, None, body, false).map(|record| (false, record)),
            None => self.create(entity, body).map(|record| (true, record)),
        }
    }

    /// PATCH, or PUT where the body is the `whole`.
    pub(crate) fn change(
        &mut self,
        entity: usize,
        id: usize,
        version: Option<i64>,
        body: &Json,
        whole: bool,
    ) -> Outcome<Json> {
        let mut errors = Errors::new();
        let draft = match whole {
            true => self.whole(entity, object(body), "", &mut errors),
            false => self.part(entity, object(body), "", &mut errors),
        };
        Refused::of(errors)?;
        self.update(entity, id, version, &draft, "")
    }

    /// `POST /records/{entity}/batch`.
    pub(crate) fn batch(&mut self, entity: usize, body: &Json) -> Outcome<Json> {
        let mut items: Vec<(&str, usize, Result<Change, Refused>)> = Vec::new();
        let mut all = Errors::new();
        for op in ["create", "update", "delete"] {
            for (index, json) in array(&body[op]).iter().enumerate() {
                let (at, mut errors) = (format!("/{op}/{index}"), Errors::new());
                let change = self.item(entity, op, json, &at, &mut errors);
                all.extend(errors.clone());
                items.push((op, index, Refused::of(errors).map(|()| change)));
            }
        }
        if body["mode"] == "independent" {
            return Ok(self.each(entity, items));
        }
        Refused::of(all)?;
        let items: Vec<_> = items.into_iter().map(|(op, index, item)| (op, index, item.expect("no error"))).collect();
        self.atomic(|model| {
            let (mut done, mut drafts) = (Done::default(), Vec::new());
            let (creates, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|(op, ..)| *op == "create");
            for (op, index, change) in creates {
                if let Change::Create(id, draft) = change {
                    drafts.push((id, draft, format!("/{op}/{index}")));
                }
            }
            done.created = model.insert(entity, drafts)?;
            for (op, index, change) in others {
                let at = format!("/{op}/{index}");
                model.apply(entity, change, &at, &mut done).map_err(|refused| refused.at(at))?;
            }
            Ok(done.show(&[]))
        })
    }

    fn item(&mut self, entity: usize, op: &str, json: &Json, at: &str, errors: &mut Errors) -> Change {
        match op {
            "create" => {
                let draft = self.whole(entity, object(json), at, errors);
                Change::Create(self.next(), draft)
            }
            "update" => {
                let mut fields = object(json).clone();
                let id = fields.remove("id").and_then(|id| marked(&id)).expect("an update names a record");
                let version = fields.remove("version").and_then(|version| version.as_i64());
                Change::Update(id, version, self.part(entity, &fields, at, errors))
            }
            _ => Change::Delete(marked(json).expect("a deletion is the id of a record"), None),
        }
    }

    /// What can be done of an independent batch, and what cannot.
    fn each(&mut self, entity: usize, items: Vec<(&str, usize, Outcome<Change>)>) -> Json {
        let (mut done, mut refusals) = (Done::default(), Vec::new());
        for (op, index, item) in items {
            let at = format!("/{op}/{index}");
            let changed = item.and_then(|change| self.atomic(|model| model.apply(entity, change, &at, &mut done)));
            if let Err(refused) = changed {
                refusals.push(json!({"op": op, "index": index, "problem": refused.at(at).to_json()}));
            }
        }
        done.show(&refusals)
    }

    fn apply(&mut self, entity: usize, change: Change, at: &str, done: &mut Done) -> Outcome<()> {
        match change {
            Change::Create(id, draft) => done.created.extend(self.insert(entity, vec![(id, draft, at.to_owned())])?),
            Change::Update(id, version, draft) => done.updated.push(self.update(entity, id, version, &draft, at)?),
            Change::Delete(id, version) => {
                self.delete(entity, id, version)?;
                done.deleted.push(marker(id));
            }
        }
        Ok(())
    }

    /// `POST /batch`.
    pub(crate) fn operations(&mut self, body: &Json) -> Outcome<Json> {
        let (mut read, mut errors, mut names) = (Vec::new(), Errors::new(), HashMap::new());
        for (index, json) in array(&body["operations"]).iter().enumerate() {
            let at = format!("/operations/{index}");
            let named = |entity: &super::schema::Entity| json["entity"] == entity.name;
            let entity = self.entities.iter().position(named).expect("an operation names an entity");
            let change = self.operation(entity, json, &at, &names, &mut errors);
            if let (Some(name), Some(Change::Create(id, _))) = (json["ref"].as_str(), &change) {
                names.insert(name.to_owned(), *id);
            }
            read.extend(change.map(|change| (at, entity, change)));
        }
        Refused::of(errors)?;
        self.atomic(|model| {
            let mut results = Vec::new();
            for (at, entity, change) in read {
                let (mut done, data) = (Done::default(), format!("{at}/data"));
                model.apply(entity, change, &data, &mut done).map_err(|refused| refused.at(at))?;
                results.extend(done.created.into_iter().chain(done.updated));
                results.extend(done.deleted.into_iter().map(|id| json!({"id": id})));
            }
            Ok(json!({"results": results}))
        })
    }

    fn operation(
        &mut self,
        entity: usize,
        json: &Json,
        at: &str,
        names: &HashMap<String, usize>,
        errors: &mut Errors,
    ) -> Option<Change> {
        let find = |json: &Json, at: String, errors: &mut Errors| match json
            .as_str()
            .and_then(|text| text.strip_prefix("$ref:"))
        {
            Some(name) => names.get(name).copied().or_else(|| {
                errors.push((at, "no_such_record"));
                None
            }),
            None => marked(json),
        };
        let version = json["version"].as_i64();
        match json["op"].as_str() {
            Some("create") => {
                let data = self.resolved(entity, &json["data"], at, names, errors);
                let draft = self.whole(entity, &data, &format!("{at}/data"), errors);
                Some(Change::Create(self.next(), draft))
            }
            Some("update") => {
                let id = find(&json["id"], format!("{at}/id"), errors);
                let data = self.resolved(entity, &json["data"], at, names, errors);
                let draft = self.part(entity, &data, &format!("{at}/data"), errors);
                id.map(|id| Change::Update(id, version, draft))
            }
            _ => find(&json["id"], format!("{at}/id"), errors).map(|id| Change::Delete(id, version)),
        }
    }

    /// The data with records in place of their names.
    fn resolved(
        &self,
        entity: usize,
        data: &Json,
        at: &str,
        names: &HashMap<String, usize>,
        errors: &mut Errors,
    ) -> Map<String, Json> {
        let mut data = object(data).clone();
        for field in self.entities[entity].fields.iter().filter(|field| field.kind.target().is_some()) {
            if let Some(json) = data.get_mut(field.name)
                && let Some(name) = json.as_str().and_then(|text| text.strip_prefix("$ref:"))
            {
                if !names.contains_key(name) {
                    errors.push((format!("{at}/data/{}", field.name), "no_such_record"));
                }
                *json = marker(names.get(name).copied().unwrap_or(NOBODY));
            }
        }
        data
    }
}

#[derive(Default)]
struct Done {
    created: Vec<Json>,
    updated: Vec<Json>,
    deleted: Vec<Json>,
}

impl Done {
    fn show(&self, errors: &[Json]) -> Json {
        json!({"created": self.created, "updated": self.updated, "deleted": self.deleted, "errors": errors})
    }
}

impl Refused {
    /// As an independent batch tells it of one item.
    pub(crate) fn to_json(&self) -> Json {
        let errors = self.errors.iter().map(|(pointer, code)| json!({"pointer": pointer, "code": code}));
        json!({"status": self.status, "code": self.code, "errors": errors.collect::<Vec<_>>()})
    }
}

fn object(json: &Json) -> &Map<String, Json> {
    json.as_object().expect("a body is an object")
}

fn array(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}
