//! The two servers beside each other: what is asked of one is asked of the other, and both answers are held to the
//! model's, and to each other where the model has no say.

use std::sync::atomic::{AtomicU32, Ordering};

use insula_testkit::{Caller, Reply, TestApp};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::model::{Outcome, Refused};
use super::value::marked;

pub(crate) const NOBODYS_ID: &str = "00000000-0000-0000-0000-000000000000";

pub(crate) struct World {
    pub(crate) sides: [Side; 2],
    /// Everything that was asked, for the report of a failure.
    log: Vec<String>,
}

/// One organisation on one server.
pub(crate) struct Side {
    name: &'static str,
    owner: Caller,
    me: String,
    /// The ids of records, by their number.
    ids: Vec<Option<String>>,
    /// Of the last page that had one.
    pub(crate) cursor: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) if_match: Option<String>,
    /// With markers in place of ids.
    pub(crate) body: Option<Json>,
}

/// An answer of the model that is no problem.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
    /// The version that `ETag` begins with.
    pub(crate) version: Option<i64>,
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), if_match: None, body: None }
    }

    pub(crate) fn body(self, body: Json) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Answer {
    pub(crate) fn list(page: Json) -> Self {
        Self { status: 200, body: page, version: None }
    }

    pub(crate) fn record(status: u16, record: Json) -> Self {
        Self { status, version: record["version"].as_i64(), body: record }
    }
}

impl World {
    /// A new organisation on each server.
    pub(crate) async fn new(apps: &[(&'static str, TestApp); 2]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let code = format!("case{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let side = async |(name, app): &(&'static str, TestApp)| {
            let owner = app.register(&code).await;
            let me = owner.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned();
            Side { name, owner, me, ids: Vec::new(), cursor: None }
        };
        let (a, b) = tokio::join!(side(&apps[0]), side(&apps[1]));
        Self { sides: [a, b], log: Vec::new() }
    }

    /// Makes an entity on each server.
    pub(crate) async fn define(&mut self, body: &Json) -> Result<(), String> {
        self.log.push(format!("POST /entities {body}"));
        for side in &self.sides {
            let made = side.owner.post("/entities", body).await;
            if made.status.as_u16() != 201 {
                return Err(format!("{}: {made:?}\n\n{}", side.name, self.log.join("\n")));
            }
        }
        Ok(())
    }

    /// The request for each server.
    pub(crate) fn both(&self, request: impl Fn(&Side) -> Request) -> [Request; 2] {
        [request(&self.sides[0]), request(&self.sides[1])]
    }

    /// Asks each server its request and compares the answers.
    pub(crate) async fn ask(&mut self, requests: [Request; 2], expected: &Outcome<Answer>) -> Result<(), String> {
        let shown = &requests[0];
        self.log.push(format!(
            "{} {} {:?} {:?} {}",
            shown.method,
            shown.path,
            shown.query,
            shown.if_match,
            shown.body.as_ref().map(Json::to_string).unwrap_or_default()
        ));
        let [a, b] = &self.sides;
        let (one, other) = tokio::join!(a.send(&requests[0]), b.send(&requests[1]));
        let said = |what: String, log: &[String]| {
            let [one, other] = [&one, &other].map(|reply| format!("{} {}", reply.status, reply.text));
            format!("{what}\n\nsqlite: {one}\npostgres: {other}\n\n{}", log.join("\n"))
        };
        for (side, reply) in self.sides.iter_mut().zip([&one, &other]) {
            let name = side.name;
            side.compare(reply, expected).map_err(|what| said(format!("{name}: {what}"), &self.log))?;
        }
        if texts(&one.body) != texts(&other.body) {
            return Err(said("the servers word it differently".to_owned(), &self.log));
        }
        Ok(())
    }
}

/// What a problem says to people, which is the same wherever it is said. A batch has problems within.
fn texts(json: &Json) -> Vec<String> {
    let text = |member: &str| json[member].as_str().map(str::to_owned);
    let mut texts: Vec<String> = ["title", "detail", "message"].iter().filter_map(|member| text(member)).collect();
    for inner in json["errors"].as_array().map(|errors| sorted(errors)).iter().flatten() {
        texts.extend(self::texts(inner));
        texts.extend(self::texts(&inner["problem"]));
    }
    texts
}

impl Side {
    /// The id a record has here.
    pub(crate) fn id(&self, number: usize) -> String {
        self.ids.get(number).cloned().flatten().unwrap_or_else(|| NOBODYS_ID.to_owned())
    }

    async fn send(&self, request: &Request) -> Reply {
        let mut path = request.path.clone();
        if !request.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
            path = format!("{path}?{query}");
        }
        let mut sent = self.owner.request(request.method.clone(), &path);
        if let Some(tag) = &request.if_match {
            sent = sent.header("if-match", tag);
        }
        if let Some(body) = &request.body {
            sent = sent.json(&self.filled(body));
        }
        self.owner.send(sent).await
    }

    /// The body with ids in place of markers.
    pub(crate) fn filled(&self, json: &Json) -> Json {
        match json {
            Json::Object(members) => {
                if let Some(number) = marked(json) {
                    return json!(self.id(number));
                }
                Json::Object(
                    members.iter().map(|(name, json)| (name.clone(), self.filled(json))).collect::<Map<_, _>>(),
                )
            }
            Json::Array(items) => items.iter().map(|json| self.filled(json)).collect(),
            other => other.clone(),
        }
    }

    fn compare(&mut self, reply: &Reply, expected: &Outcome<Answer>) -> Result<(), String> {
        let status = match expected {
            Ok(answer) => answer.status,
            Err(refused) => refused.status,
        };
        if reply.status.as_u16() != status {
            return Err(format!("expected {status}: {:?}", expected.as_ref().map(|answer| &answer.body)));
        }
        match expected {
            Err(refused) => same_problem(refused, &reply.body),
            Ok(answer) => {
                self.unify(&answer.body, &reply.body, "")?;
                let tag = answer.version.map(|version| format!("\"{version}-")).unwrap_or_default();
                if !reply.header("etag").starts_with(&tag) {
                    return Err(format!("expected an ETag of {tag}"));
                }
                Ok(())
            }
        }
    }

    /// Holds what is found to what is expected, and learns the ids of new records.
    fn unify(&mut self, expected: &Json, found: &Json, at: &str) -> Result<(), String> {
        let differs = || Err(format!("at {at}: expected {expected}, found {found}"));
        if let Some(number) = marked(expected) {
            let Some(id) = found.as_str() else { return differs() };
            self.ids.resize(self.ids.len().max(number + 1), None);
            return match &self.ids[number] {
                None if !self.ids.iter().flatten().any(|known| known == id) => {
                    self.ids[number] = Some(id.to_owned());
                    Ok(())
                }
                Some(known) if known == id => Ok(()),
                _ => differs(),
            };
        }
        if expected.get("$me").is_some() {
            return if *found == *self.me { Ok(()) } else { differs() };
        }
        if expected.get("$cursor").is_some() {
            self.cursor = found.as_str().map(str::to_owned);
            return if self.cursor.is_some() { Ok(()) } else { differs() };
        }
        if expected["code"].is_string() && expected["status"].is_u64() {
            return same_problem_json(expected, found).map_err(|what| format!("at {at}: {what}"));
        }
        match (expected, found) {
            (Json::Array(a), Json::Array(b)) if is_refusals(a) && a.len() == b.len() => {
                // Told in no order.
                let (a, b) = (sorted(a), sorted(b));
                a.iter().zip(&b).try_for_each(|(a, b)| self.unify(a, b, &format!("{at}/{}", a["index"])))
            }
            (Json::Object(a), Json::Object(b)) if a.keys().eq(b.keys()) => {
                a.iter().try_for_each(|(name, json)| self.unify(json, &b[name], &format!("{at}/{name}")))
            }
            (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().try_for_each(|(i, (a, b))| self.unify(a, b, &format!("{at}/{i}")))
            }
            (a, b) if !a.is_object() && !a.is_array() && a == b => Ok(()),
            _ => differs(),
        }
    }
}

/// Whether these are the items of a batch that were refused.
fn is_refusals(items: &[Json]) -> bool {
    items.first().is_some_and(|item| item["op"].is_string() && item["problem"].is_object())
}

fn sorted(refusals: &[Json]) -> Vec<Json> {
    let mut sorted = refusals.to_vec();
    sorted.sort_by_key(|refusal| (refusal["op"].to_string(), refusal["index"].as_u64()));
    sorted
}

fn same_problem(refused: &Refused, found: &Json) -> Result<(), String> {
    same_problem_json(&refused.to_json(), found)
}

fn same_problem_json(expected: &Json, found: &Json) -> Result<(), String> {
    let places = |problem: &Json| {
        let errors = problem["errors"].as_array().into_iter().flatten();
        let mut places: Vec<_> =
            errors.map(|error| (error["pointer"].to_string(), error["code"].to_string())).collect();
        places.sort();
        places
    };
    let is_same =
        expected["code"] == found["code"] && expected["status"] == found["status"] && places(expected) == places(found);
    if is_same { Ok(()) } else { Err(format!("expected the problem {expected}")) }
}
