//! Reading the trail: newest first, by actor, action, entity, record and time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insula_model::id::{EntityId, parse_uuid};
use insula_model::problem::{Code, Errors, Problem, Result, pointer};
use insula_model::rights::{Action, Resource};
use insula_model::value::{Timestamp, Value};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::shown::{OfEntities, Shown};
use crate::parameters::{self, DEFAULT_LIMIT};
use crate::sql::{Dialect, Slot, SqlWriter};
use crate::store::Row;
use crate::tx::{Mode, Tx};

const TIME: &str = "A time is written as in RFC 3339: `2026-03-01T09:30:00Z`.";
const MAX_ACTION: usize = 64;
const KNOWN: &[&str] = &["actor", "action", "entity", "record", "from", "to", "limit", "cursor"];

/// Which events are wanted.
#[derive(Debug)]
pub struct AuditQuery {
    actor: Option<Uuid>,
    action: Option<String>,
    entity: Option<String>,
    record: Option<Uuid>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    before: Option<Uuid>,
    limit: usize,
}

/// A page of events, newest first.
#[derive(Debug, Serialize)]
pub struct AuditPage {
    items: Vec<Json>,
    next_cursor: Option<String>,
}

impl AuditQuery {
    /// Reads the query string.
    pub fn parse(raw: &str) -> Result<Self> {
        let mut query = Self {
            actor: None,
            action: None,
            entity: None,
            record: None,
            from: None,
            to: None,
            before: None,
            limit: DEFAULT_LIMIT,
        };
        let mut errors = Errors::default();
        parameters::each(raw, KNOWN, &mut errors, |name, value, errors| {
            let (understood, form) = match name {
                "actor" => (set(&mut query.actor, parse_uuid(&value)), "An account's id is a UUID."),
                "action" => {
                    let action = Some(value).filter(|text| is_action(text));
                    (set(&mut query.action, action), "An action is written as in `record.create`.")
                }
                // Whether there is one is seen where the model is at hand.
                "entity" => {
                    query.entity = Some(value);
                    return;
                }
                "record" => (set(&mut query.record, parse_uuid(&value)), "A record's id is a UUID."),
                "from" => (set(&mut query.from, Timestamp::parse(&value)), TIME),
                "to" => (set(&mut query.to, Timestamp::parse(&value)), TIME),
                "cursor" => (set(&mut query.before, decode(&value)), "Take it from `next_cursor` of the page before."),
                _ => {
                    query.limit = parameters::limit(&value, errors);
                    return;
                }
            };
            if !understood {
                errors.add(pointer("", name), Code::InvalidFormat, form);
            }
        });
        errors.check()?;
        Ok(query)
    }
}

/// Whether there was something to set.
fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

/// Whether an event could have this action: `record.create`.
fn is_action(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.len() <= MAX_ACTION && text.split_once('.').is_some_and(|(thing, what)| is_word(thing) && is_word(what))
}

fn decode(cursor: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

impl<M: Mode> Tx<'_, M> {
    /// The tenant's events that `query` asks for.
    pub async fn audit(&mut self, query: &AuditQuery) -> Result<AuditPage> {
        self.require(Resource::Audit, Action::Read)?;
        let entity = query.entity.as_deref().map(|name| self.entity_id(name)).transpose()?;
        let optional = |value: Option<Uuid>| value.map(Value::Uuid);
        let conditions = [
            (" AND e.account_id = ", optional(query.actor)),
            (" AND e.action = ", query.action.clone().map(Value::Text)),
            (" AND e.entity_id = ", optional(entity)),
            (" AND e.record_id = ", optional(query.record)),
            (" AND e.at >= ", query.from.map(Value::Timestamp)),
            (" AND e.at <= ", query.to.map(Value::Timestamp)),
            (" AND e.id < ", optional(query.before)),
        ];
        let mut w = SqlWriter::new(self.store.dialect());
        let mut args = vec![self.tenant()];
        w.raw("SELECT e.id, e.canonical, p.payload FROM ")
            .raw(schema(self.store.dialect()))
            .raw("audit_event e LEFT JOIN ");
        w.raw(schema(self.store.dialect())).raw("audit_payload p ON p.tenant_id = e.tenant_id AND p.event_id = e.id");
        w.raw(" WHERE e.tenant_id = ").bind(Slot::Arg(0));
        for (condition, value) in conditions {
            if let Some(value) = value {
                w.raw(condition).bind(Slot::Arg(args.len()));
                args.push(value);
            }
        }
        w.raw(" ORDER BY e.id DESC LIMIT ").number(query.limit as u64 + 1);
        let statement = w.finish();
        let found = self.store.query(&statement.text, &args.iter().collect::<Vec<_>>()).await;
        let rows = found.map_err(|error| self.failed(error))?;
        let page = rows.get(..query.limit).unwrap_or(&rows);
        let mut items = Vec::with_capacity(page.len());
        let mut of_entities = OfEntities::new();
        for row in page {
            let event: Map<String, Json> = serde_json::from_slice(row.bytes(1)?).map_err(Problem::internal)?;
            let text = |name: &str| event.get(name).and_then(Json::as_str);
            let entity = text("entity").and_then(EntityId::parse);
            let shown = self.shown(text("action").unwrap_or_default(), entity, &mut of_entities).await?;
            items.push(view(row, &event, &shown)?);
        }
        let last = if rows.len() > query.limit { page.last() } else { None };
        let next_cursor =
            last.map(|row| row.id::<Uuid>(0)).transpose()?.map(|id| URL_SAFE_NO_PAD.encode(id.as_bytes()));
        Ok(AuditPage { items, next_cursor })
    }

    /// The entity a filter names: by its name, or by its id where it was dropped.
    fn entity_id(&self, name: &str) -> Result<Uuid> {
        let known = self.model.schema.named(name).filter(|entity| self.knows(entity)).map(|entity| entity.id.uuid());
        let message = "There is no entity of this name. Name a dropped one by its id.";
        known.or_else(|| parse_uuid(name)).ok_or_else(|| Problem::at("/entity", Code::OutOfRange, message))
    }
}

const fn schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => "insula_tenant.",
    }
}

/// An event as the API shows it; what was erased of it is absent.
fn view(row: &Row, event: &Map<String, Json>, shown: &Shown) -> Result<Json> {
    let payload = row.optional(2, |row, index| Ok(row.bytes(index)?.to_vec()))?;
    let mut payload: Map<String, Json> = match payload {
        Some(bytes) => serde_json::from_slice(&bytes).map_err(Problem::internal)?,
        None => Map::new(),
    };
    let mut take = |name: &str| payload.remove(name);
    let mut view = Map::new();
    let of_event = |name: &str| event.get(name).cloned().unwrap_or(Json::Null);
    view.insert("id".into(), of_event("id"));
    view.insert("at".into(), of_event("at"));
    view.insert("action".into(), of_event("action"));
    view.insert("outcome".into(), of_event("outcome"));
    let mut actor = Map::new();
    actor.insert("account_id".into(), of_event("account"));
    actor.insert("email".into(), json!(take("email")));
    if let Some(key) = event.get("api_key") {
        actor.insert("api_key_id".into(), key.clone());
    }
    view.insert("actor".into(), Json::Object(actor));
    for (name, value) in
        [("entity", take("entity")), ("record_id", Some(of_event("subject")).filter(|id| !id.is_null()))]
    {
        if let Some(value) = value {
            view.insert(name.into(), value);
        }
    }
    let id = row.id(0)?;
    let mut values = |name| match take(name) {
        Some(Json::Object(values)) => shown.of(id, values).map(Json::Object),
        other => other.filter(|_| matches!(shown, Shown::All)),
    };
    let (before, after) = (values("before"), values("after"));
    if let (Some(Json::Object(before)), Some(Json::Object(after))) = (&before, &after) {
        view.insert("diff".into(), diff(before, after));
    }
    for (name, value) in [("before", before), ("after", after)] {
        if let Some(value) = value {
            view.insert(name.into(), value);
        }
    }
    view.insert("address".into(), take("address").unwrap_or(Json::Null));
    view.insert("user_agent".into(), take("user_agent").unwrap_or(Json::Null));
    view.insert("request_id".into(), of_event("request"));
    Ok(Json::Object(view))
}

/// `{field: {before, after}}` of what differs.
fn diff(before: &Map<String, Json>, after: &Map<String, Json>) -> Json {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let changed = changed.map(|(name, value)| (name.clone(), json!({"before": before.get(name), "after": value})));
    Json::Object(changed.collect())
}
