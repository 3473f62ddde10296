//! One step of a case: what is asked, and what the model says to it.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::filter::{Leaf, Writer};
use super::model::{Model, Refused};
use super::query::{Column, Key, Place, Query, View};
use super::seed::{Guard, Operation, Step};
use super::value::marker;
use super::world::{Answer, Request, Side, World};

/// Longest filter that is sent, in bytes; a longer one is refused by design.
const LONGEST_FILTER: usize = 9_000;
/// Longest query string that is sent.
const LONGEST_ADDRESS: usize = 6_000;

pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) model: Model,
    /// The last list that has more.
    open: Option<(Query, Place)>,
}

impl Driver {
    pub(crate) const fn new(world: World, model: Model) -> Self {
        Self { world, model, open: None }
    }

    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Create { entity, body, upsert } => {
                let entity = usize::from(*entity) % self.model.entities.len();
                let body = self.model.body(entity, body, true);
                self.create(entity, &body, *upsert).await
            }
            Step::Change { record, body, whole, guard } => {
                let (entity, id) = self.model.pick(*record);
                let body = self.model.body(entity, body, *whole);
                let version = self.version(entity, id, *guard);
                let done = self.model.change(entity, id, version, &body, *whole);
                let method = if *whole { Method::PUT } else { Method::PATCH };
                let expected = done.map(|record| Answer::record(200, record));
                let requests = self.world.both(|side| {
                    let request = Request::new(method.clone(), self.path(side, entity, id)).body(body.clone());
                    Request { if_match: tag(*guard, version), ..request }
                });
                self.world.ask(requests, &expected).await
            }
            Step::Delete { record, guard } => {
                let (entity, id) = self.model.pick(*record);
                let version = self.version(entity, id, *guard);
                let done = self.model.delete(entity, id, version);
                let expected = done.map(|()| Answer { status: 204, body: Json::Null, version: None });
                let requests = self.world.both(|side| Request {
                    if_match: tag(*guard, version),
                    ..Request::new(Method::DELETE, self.path(side, entity, id))
                });
                self.world.ask(requests, &expected).await
            }
            Step::Batch { entity, independent, create, update, delete } => {
                let entity = usize::from(*entity) % self.model.entities.len();
                let create: Vec<Json> = create.iter().map(|body| self.model.body(entity, body, true)).collect();
                let update: Vec<Json> = update
                    .iter()
                    .map(|(record, body, guard)| {
                        let id = self.of_entity(entity, *record);
                        let mut change = self.model.body(entity, body, false);
                        change["id"] = marker(id);
                        if let Some(version) = self.version(entity, id, *guard) {
                            change["version"] = json!(version);
                        }
                        change
                    })
                    .collect();
                let delete: Vec<Json> = delete.iter().map(|record| marker(self.of_entity(entity, *record))).collect();
                let mode = if *independent { "independent" } else { "atomic" };
                let body = json!({"mode": mode, "create": create, "update": update, "delete": delete});
                let expected = self.model.batch(entity, &body).map(Answer::list);
                let path = format!("/records/{}/batch", self.model.entities[entity].name);
                let requests = self.world.both(|_| Request::new(Method::POST, path.clone()).body(body.clone()));
                self.world.ask(requests, &expected).await
            }
            Step::Many(operations) => {
                let body = self.many(operations);
                let expected = self.model.operations(&body).map(Answer::list);
                let requests = self.world.both(|_| Request::new(Method::POST, "/batch").body(body.clone()));
                self.world.ask(requests, &expected).await
            }
            Step::Get { record, view } => {
                let (entity, id) = self.model.pick(*record);
                let view = self.model.view_of(entity, view);
                let found = self.model.find(entity, id).ok_or(Refused::NOT_FOUND);
                let expected = found.map(|record| Answer {
                    version: Some(record.version),
                    ..Answer::list(self.model.view(record, &view))
                });
                let query = self.viewed(entity, &view);
                let requests = self.world.both(|side| Request {
                    query: query.clone(),
                    ..Request::new(Method::GET, self.path(side, entity, id))
                });
                self.world.ask(requests, &expected).await
            }
            Step::List(seed) => {
                let query = self.model.query(seed);
                self.page(&query, None).await?;
                for _ in 1..seed.pages {
                    self.more().await?;
                }
                Ok(())
            }
            Step::More => self.more().await,
        }
    }

    /// Reads every record of an entity: at once, and in pages by each field, upwards and downwards.
    pub(crate) async fn all(&mut self, entity: usize) -> Result<(), String> {
        let all = Query {
            entity,
            filter: None,
            sort: Vec::new(),
            view: View { fields: None, expand: Vec::new() },
            limit: Some(1000),
            count: true,
            posted: false,
            params: false,
        };
        self.page(&all, None).await?;
        let names: Vec<&'static str> = self.model.entities[entity].fields.iter().map(|field| field.name).collect();
        for (position, name) in names.into_iter().enumerate() {
            for descending in [false, true] {
                let key = Key { name, column: Column::Leaf(Leaf::Field(position)), descending };
                self.page(&Query { sort: vec![key], limit: Some(2), ..all.clone() }, None).await?;
                while self.open.is_some() {
                    self.more().await?;
                }
            }
        }
        Ok(())
    }

    async fn create(&mut self, entity: usize, body: &Json, upsert: Option<u8>) -> Result<(), String> {
        let of = &self.model.entities[entity];
        let mut request = Request::new(Method::POST, format!("/records/{}", of.name)).body(body.clone());
        let key = upsert.and_then(|seed| of.unique.get(usize::from(seed) % of.unique.len().max(1)).cloned());
        let expected = match key {
            None => self.model.create(entity, body).map(|record| Answer::record(201, record)),
            Some(key) => {
                let names: Vec<&str> = key.iter().map(|field| of.fields[*field].name).collect();
                request.query.push(("upsert", names.join(",")));
                let saved = self.model.upsert(entity, &key, body);
                saved.map(|(is_new, record)| Answer::record(if is_new { 201 } else { 200 }, record))
            }
        };
        self.world.ask([request.clone(), request], &expected).await
    }

    /// A later operation may name the record of an earlier one.
    fn many(&self, operations: &[Operation]) -> Json {
        let (mut made, mut list): (Vec<(usize, String)>, Vec<Json>) = (Vec::new(), Vec::new());
        for operation in operations {
            let name = |entity: usize| json!(self.model.entities[entity].name);
            let earlier = |entity: usize, seed: usize| {
                let mut fit = made.iter().filter(|(of, _)| *of == entity && seed.is_multiple_of(3));
                fit.next_back().map(|(_, name)| json!(format!("$ref:{name}")))
            };
            let data = |entity: usize, seed: &super::seed::Body, whole: bool| {
                let mut data = self.model.body(entity, seed, whole);
                for (field, pick) in self.model.entities[entity].fields.iter().zip(&seed.picks) {
                    if let (Some(target), Some(json)) = (field.kind.target(), data.get_mut(field.name))
                        && let Some(reference) = earlier(target, usize::from(*pick))
                    {
                        *json = if pick % 7 == 5 { json!("$ref:nobody") } else { reference };
                    }
                }
                data
            };
            let json = match operation {
                Operation::Create { entity, body } => {
                    let entity = usize::from(*entity) % self.model.entities.len();
                    let reference = format!("r{}", list.len());
                    let json = json!({"op": "create", "entity": name(entity), "data": data(entity, body, true), "ref": reference});
                    made.push((entity, reference));
                    json
                }
                Operation::Update { record, body, guard } => {
                    let (entity, id) = self.model.pick(*record);
                    let data = data(entity, body, false);
                    match earlier(entity, usize::from(*record)) {
                        Some(id) => json!({"op": "update", "entity": name(entity), "id": id, "data": data}),
                        None => json!({
                            "op": "update", "entity": name(entity), "id": marker(id),
                            "version": self.version(entity, id, *guard), "data": data,
                        }),
                    }
                }
                Operation::Delete { record, guard } => {
                    let (entity, id) = self.model.pick(*record);
                    let version = self.version(entity, id, *guard);
                    json!({"op": "delete", "entity": name(entity), "id": marker(id), "version": version})
                }
            };
            list.push(json);
        }
        json!({"operations": list})
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.open.take() {
            Some((query, place)) => self.page(&query, Some(place)).await,
            None => Ok(()),
        }
    }

    async fn page(&mut self, query: &Query, after: Option<Place>) -> Result<(), String> {
        let (page, end) = self.model.list(query, after.as_ref());
        let is_later = after.is_some();
        let requests = [&self.world.sides[0], &self.world.sides[1]].map(|side| self.listed(side, query, is_later));
        let [Some(one), Some(other)] = requests else { return Ok(()) };
        self.open = end.map(|place| (query.clone(), place));
        self.world.ask([one, other], &Ok(Answer::list(page))).await
    }

    /// The request of one page; none where its filter is longer than any may be.
    fn listed(&self, side: &Side, query: &Query, is_later: bool) -> Option<Request> {
        let id = |number| side.id(number);
        let mut asked = self.viewed(query.entity, &query.view);
        let mut writer = Writer { id: &id, params: (query.posted && query.params).then(serde_json::Map::new) };
        let filter = query.filter.as_ref().map(|filter| writer.write(filter));
        if filter.as_ref().is_some_and(|filter| filter.len() > LONGEST_FILTER) {
            return None;
        }
        asked.extend(filter.map(|filter| ("filter", filter)));
        let keys: Vec<String> =
            query.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.name)).collect();
        asked.extend((!keys.is_empty()).then(|| ("sort", keys.join(","))));
        asked.extend(query.count.then(|| ("count", "exact".to_owned())));
        asked.extend(side.cursor.clone().filter(|_| is_later).map(|cursor| ("cursor", cursor)));
        let path = format!("/records/{}", self.model.entities[query.entity].name);
        let length: usize = asked.iter().map(|(_, value)| value.len()).sum();
        if !query.posted && length * 3 < LONGEST_ADDRESS {
            asked.extend(query.limit.map(|limit| ("limit", limit.to_string())));
            return Some(Request { query: asked, ..Request::new(Method::GET, path) });
        }
        let mut body: Json = asked
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        if let Some(limit) = query.limit {
            body["limit"] = json!(limit);
        }
        if let Some(params) = writer.params {
            body["params"] = Json::Object(params);
        }
        Some(Request::new(Method::POST, format!("{path}/query")).body(body))
    }

    fn viewed(&self, entity: usize, view: &View) -> Vec<(&'static str, String)> {
        let names: Vec<&str> =
            view.expand.iter().map(|field| self.model.entities[entity].fields[*field].name).collect();
        let expand = (!names.is_empty()).then(|| ("expand", names.join(",")));
        let fields = view.fields.as_ref().map(|fields| ("fields", fields.join(",")));
        fields.into_iter().chain(expand).collect()
    }

    fn path(&self, side: &Side, entity: usize, id: usize) -> String {
        format!("/records/{}/{}", self.model.entities[entity].name, side.id(id))
    }

    fn of_entity(&self, entity: usize, seed: u16) -> usize {
        let of_entity = |record: &&super::model::Record| record.entity == entity;
        let ids: Vec<usize> = self.model.records.iter().filter(of_entity).map(|record| record.id).collect();
        ids.get(usize::from(seed) % (ids.len() + 1)).copied().unwrap_or(super::value::NOBODY)
    }

    fn version(&self, entity: usize, id: usize, guard: Guard) -> Option<i64> {
        let now = self.model.find(entity, id).map_or(1, |record| record.version);
        match guard {
            Guard::None | Guard::Any => None,
            Guard::Current => Some(now),
            Guard::Stale => Some(now + 1),
        }
    }
}

/// Of a tag the version counts.
fn tag(guard: Guard, version: Option<i64>) -> Option<String> {
    match guard {
        Guard::Any => Some("*".to_owned()),
        _ => version.map(|version| format!("\"{version}-0\"")),
    }
}
