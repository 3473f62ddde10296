//! Making events and appending them.

use insula_model::clock::Ids;
use insula_model::entity::Entity;
use insula_model::id::{ApiKeyId, EntityId, EventId, RequestId, TenantId};
use insula_model::value::{Timestamp, Value, write_json_text, write_json_uuid};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::sql::Fixed;
use crate::store::{Row, StoreError, Tx};
use crate::tx::Author;

/// What happened, to be told by an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// `record.create`, `session.login`, …
    pub(crate) action: &'static str,
    pub(crate) entity: Option<&'a Entity>,
    /// The record, account, role … it happened to.
    pub(crate) subject: Option<Uuid>,
    /// JSON objects of the values before and after; secrets masked already.
    pub(crate) before: Option<&'a [u8]>,
    pub(crate) after: Option<&'a [u8]>,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Ok,
    Denied,
    Failed,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// Who did it.
#[derive(Clone, Copy)]
enum Actor<'a> {
    Caller(&'a Author),
    /// Insula itself, which nobody asked; `run` stands in place of a request.
    Insula {
        tenant: TenantId,
        run: RequestId,
        now: Timestamp,
    },
}

impl<'a> Actor<'a> {
    const fn tenant(self) -> TenantId {
        match self {
            Self::Caller(author) => author.tenant,
            Self::Insula { tenant, .. } => tenant,
        }
    }

    const fn now(self) -> Timestamp {
        match self {
            Self::Caller(author) => author.now,
            Self::Insula { now, .. } => now,
        }
    }

    fn account(self) -> Option<Uuid> {
        self.author().map(|author| author.account.uuid())
    }

    fn api_key(self) -> Option<Uuid> {
        self.author().and_then(|author| author.api_key).map(ApiKeyId::uuid)
    }

    const fn request(self) -> RequestId {
        match self {
            Self::Caller(author) => author.origin.request,
            Self::Insula { run, .. } => run,
        }
    }

    const fn author(self) -> Option<&'a Author> {
        match self {
            Self::Caller(author) => Some(author),
            Self::Insula { .. } => None,
        }
    }
}

/// An event on its way from elsewhere: the binds of its two statements.
pub(crate) struct Prepared {
    event: Vec<Value>,
    payload: Vec<Value>,
}

static INSERT_EVENT: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.audit_event \
     (tenant_id, id, at, action, account_id, entity_id, record_id, canonical) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
static INSERT_EVENT_ONCE: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.audit_event \
     (tenant_id, id, at, action, account_id, entity_id, record_id, canonical) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT DO NOTHING",
);
static INSERT_PAYLOAD: Fixed =
    Fixed::new("INSERT INTO insula_tenant.audit_payload (tenant_id, event_id, salt, payload) VALUES ($1, $2, $3, $4)");

/// Appends one event, where there is no transaction of a scope.
pub(crate) async fn append(tx: &mut Tx, author: &Author, ids: &Ids, event: &Event<'_>) -> Result<(), StoreError> {
    for (sql, sets) in prepare(author, ids, std::slice::from_ref(event)) {
        tx.send(sql.text(tx.dialect()), sets).await?;
    }
    Ok(())
}

/// Appends one event of what Insula did by itself.
pub(crate) async fn append_own(
    tx: &mut Tx,
    outcome: Outcome,
    tenant: TenantId,
    ids: &Ids,
    now: Timestamp,
    event: &Event<'_>,
) -> Result<(), StoreError> {
    let (event, payload) = binds(outcome, Actor::Insula { tenant, run: ids.next(), now }, ids, event);
    tx.send(INSERT_EVENT.text(tx.dialect()), vec![event]).await?;
    tx.send(INSERT_PAYLOAD.text(tx.dialect()), vec![payload]).await
}

/// What stores events: each statement with its sets of binds.
pub(crate) fn prepare(author: &Author, ids: &Ids, events: &[Event<'_>]) -> [(&'static Fixed, Vec<Vec<Value>>); 2] {
    let (events, payloads) = events.iter().map(|event| binds(Outcome::Ok, Actor::Caller(author), ids, event)).unzip();
    [(&INSERT_EVENT, events), (&INSERT_PAYLOAD, payloads)]
}

/// An event on its way from elsewhere.
pub(crate) fn prepare_as(outcome: Outcome, author: &Author, ids: &Ids, event: &Event<'_>) -> Prepared {
    let (event, payload) = binds(outcome, Actor::Caller(author), ids, event);
    Prepared { event, payload }
}

/// Appends an event that may have come before: then it is not written again, nor its payload, which may have been erased.
pub(crate) async fn append_once(tx: &mut Tx, prepared: &Prepared) -> Result<(), StoreError> {
    if tx.fixed_execute(&INSERT_EVENT_ONCE, &prepared.event.iter().collect::<Vec<_>>()).await? == 1 {
        tx.fixed_execute(&INSERT_PAYLOAD, &prepared.payload.iter().collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The binds of an event and of its payload.
fn binds(outcome: Outcome, actor: Actor<'_>, ids: &Ids, event: &Event<'_>) -> (Vec<Value>, Vec<Value>) {
    let id: EventId = ids.next();
    let salt: [u8; 32] = ids.random();
    let payload = payload(actor.author(), event);
    let digest = Sha256::new().chain_update(salt).chain_update(&payload).finalize();
    let canonical = canonical(outcome, actor, event, id, &digest);
    let optional = |id: Option<Uuid>| id.map_or(Value::Null, Value::Uuid);
    let tenant = Value::Uuid(actor.tenant().uuid());
    let event = vec![
        tenant.clone(),
        Value::Uuid(id.uuid()),
        Value::Timestamp(actor.now()),
        Value::Text(event.action.to_owned()),
        optional(actor.account()),
        optional(event.entity.map(|e| e.id).map(EntityId::uuid)),
        optional(event.subject),
        Value::Bytes(canonical),
    ];
    (event, vec![tenant, Value::Uuid(id.uuid()), Value::Bytes(salt.to_vec()), Value::Bytes(payload)])
}

impl Prepared {
    /// The columns of an event on its way from elsewhere: those of the event, then salt and payload.
    pub(crate) fn into_columns(self) -> Vec<Value> {
        self.event.into_iter().chain(self.payload.into_iter().skip(2)).collect()
    }

    /// The inverse of [`Prepared::into_columns`].
    pub(crate) fn from_columns(row: &Row) -> Result<Self, StoreError> {
        let (tenant, id) = (Value::Uuid(row.id(0)?), Value::Uuid(row.id(1)?));
        let optional = |index| Ok::<_, StoreError>(row.optional(index, Row::id)?.map_or(Value::Null, Value::Uuid));
        let bytes = |index| Ok::<_, StoreError>(Value::Bytes(row.bytes(index)?.to_vec()));
        Ok(Self {
            event: vec![
                tenant.clone(),
                id.clone(),
                Value::Timestamp(row.timestamp(2)?),
                Value::Text(row.text(3)?.to_owned()),
                optional(4)?,
                optional(5)?,
                optional(6)?,
                bytes(7)?,
            ],
            payload: vec![tenant, id, bytes(8)?, bytes(9)?],
        })
    }
}

/// The event itself: no personal data, members by name.
fn canonical(outcome: Outcome, actor: Actor<'_>, event: &Event<'_>, id: EventId, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"account\":");
    write_optional_uuid(actor.account(), &mut out);
    out.extend_from_slice(b",\"action\":");
    write_json_text(event.action, &mut out);
    // Where there is none it is not said, as before there were any.
    if let Some(key) = actor.api_key() {
        out.extend_from_slice(b",\"api_key\":");
        write_json_uuid(key, &mut out);
    }
    out.extend_from_slice(b",\"at\":");
    Value::Timestamp(actor.now()).write_json(&mut out);
    out.extend_from_slice(b",\"entity\":");
    write_optional_uuid(event.entity.map(|e| e.id.uuid()), &mut out);
    out.extend_from_slice(b",\"id\":");
    write_json_uuid(id.uuid(), &mut out);
    out.extend_from_slice(b",\"outcome\":");
    write_json_text(outcome.name(), &mut out);
    out.extend_from_slice(b",\"payload_sha256\":\"");
    out.extend_from_slice(hex::encode(payload).as_bytes());
    out.extend_from_slice(b"\",\"request\":");
    write_json_uuid(actor.request().uuid(), &mut out);
    out.extend_from_slice(b",\"subject\":");
    write_optional_uuid(event.subject, &mut out);
    out.extend_from_slice(b",\"tenant\":");
    write_json_uuid(actor.tenant().uuid(), &mut out);
    out.extend_from_slice(b",\"v\":1}");
    out
}

/// What may be erased: who by name, from where, and the values.
fn payload(author: Option<&Author>, event: &Event<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    if let Some(author) = author {
        out.extend_from_slice(b"{\"email\":");
        write_json_text(&author.email, &mut out);
        out.extend_from_slice(b",\"address\":");
        write_json_text(&author.origin.address, &mut out);
        out.extend_from_slice(b",\"user_agent\":");
        write_json_text(&author.origin.user_agent, &mut out);
    } else {
        out.extend_from_slice(b"{\"email\":null");
    }
    if let Some(entity) = event.entity {
        out.extend_from_slice(b",\"entity\":");
        write_json_text(entity.name.as_str(), &mut out);
    }
    for (name, values) in [("before", event.before), ("after", event.after)] {
        if let Some(values) = values {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(values);
        }
    }
    out.push(b'}');
    out
}

fn write_optional_uuid(id: Option<Uuid>, out: &mut Vec<u8>) {
    match id {
        Some(id) => write_json_uuid(id, out),
        None => out.extend_from_slice(b"null"),
    }
}
