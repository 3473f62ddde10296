//! Requests that may be sent again: with a key of the client's, what one changes happens once, and the second answer
//! is the first one as its caller may see it today.
//!
//! The note of a request lies in the tenant's store and is written in the transaction of the change, so neither is ever
//! there without the other. It holds ids and hashes, never values. A request that was refused leaves none: it may be
//! repeated as it is.

mod purge;

use std::future::Future;

use insula_model::json::Json;
use insula_model::problem::{Code, Problem, Result};
use insula_model::value::{Timestamp, Value};
use sha2::{Digest, Sha256};

use crate::jobs::{Kind, Plan};
use crate::scope::Scope;
use crate::sql::Fixed;
use crate::tx::{Altering, Designing, Mode, Reading, Tx, Writing, as_it_is};

pub(crate) use purge::purge;

/// How long a key is good for.
const KEPT_MICROS: i64 = 24 * 3600 * 1_000_000;
/// Longest key, in bytes.
const MAX_KEY: usize = 255;

static FIND: Fixed = Fixed::new(
    "SELECT body, outcome FROM insula_tenant.idempotency_key \
     WHERE tenant_id = $1 AND account_id = $2 AND request = $3 AND at > $4",
);
static KEEP: Fixed = Fixed::new(
    "INSERT INTO insula_tenant.idempotency_key (tenant_id, account_id, request, body, outcome, at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, account_id, request) \
     DO UPDATE SET body = excluded.body, outcome = excluded.outcome, at = excluded.at",
);

/// The client's name for one request of one caller (draft-ietf-httpapi-idempotency-key-header).
pub struct IdempotencyKey {
    request: [u8; 32],
    query: String,
}

impl IdempotencyKey {
    /// Reads the header of the request with this method, path and query: 1 to 255 visible ASCII characters.
    pub fn parse(header: &[u8], method: &str, path: &str, query: &str) -> Result<Self> {
        if !(1..=MAX_KEY).contains(&header.len()) || !header.iter().all(u8::is_ascii_graphic) {
            let detail =
                format!("`Idempotency-Key` is 1 to {MAX_KEY} visible ASCII characters, such as a random UUID.");
            return Err(Problem::new(Code::BadRequest, detail));
        }
        // Neither a method nor a path can hold a line's end.
        let request = Sha256::new()
            .chain_update(method)
            .chain_update(b"\n")
            .chain_update(path)
            .chain_update(b"\n")
            .chain_update(header)
            .finalize();
        Ok(Self { request: request.into(), query: query.to_owned() })
    }

    fn claim(&self, body: &Json) -> Claim {
        let body = serde_json::Value::from(body).to_string();
        let body = Sha256::new().chain_update(&self.query).chain_update(b"\n").chain_update(body).finalize();
        Claim { request: self.request, body: body.into() }
    }
}

/// What is answered to a request that may be sent again: what it did now, or what the same one did before.
#[derive(Debug)]
pub enum Done<R> {
    Now(R),
    Before(R),
}

impl<R> Done<R> {
    pub(crate) fn map<S>(self, map: impl FnOnce(R) -> S) -> Done<S> {
        match self {
            Self::Now(outcome) => Done::Now(map(outcome)),
            Self::Before(outcome) => Done::Before(map(outcome)),
        }
    }
}

/// What a request can come to, so that it can be told again.
pub trait Outcome: Sized {
    /// What to keep: ids, never values.
    fn note(&self) -> serde_json::Value;

    /// The same outcome from its note, read anew under today's rights.
    fn again<M: Mode>(tx: &mut Tx<'_, M>, note: serde_json::Value) -> impl Future<Output = Result<Self>> + Send;
}

/// A verified caller's request that may be sent again. Unlike a bare [`Scope`] it opens no transaction that changes
/// anything without asking whether that has happened already: the only credential a POST gets.
pub struct Attempt {
    scope: Scope,
    key: Option<IdempotencyKey>,
}

impl Attempt {
    pub const fn new(scope: Scope, key: Option<IdempotencyKey>) -> Self {
        Self { scope, key }
    }

    /// For use cases of the engine that need more than one transaction.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// As [`Scope::read`]: what changes nothing may be sent again as it is.
    pub async fn read<R, F>(&self, work: F) -> Result<R>
    where
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Reading>) -> Result<R> + Clone,
    {
        self.scope.read(work).await
    }

    /// As [`Scope::write`], once for each key. `body` is what the request asks for.
    pub async fn write<R, F>(&self, body: &Json, work: F) -> Result<Done<R>>
    where
        R: Outcome,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Writing>) -> Result<R> + Clone,
    {
        let Some(key) = &self.key else { return self.scope.write(work).await.map(Done::Now) };
        let claim = key.claim(body);
        // Boxed, so that a request without a key does not carry the room for this.
        Box::pin(async {
            let plan = self.plan_purge().await;
            let claim = &claim;
            let done = self.scope.write(async move |tx| claim.once(tx, plan, work).await).await;
            self.planned(plan, done)
        })
        .await
    }

    /// As [`Scope::alter`], once for each key.
    pub async fn alter<R, F>(&self, body: &Json, work: F) -> Result<Done<R>>
    where
        R: Outcome,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Altering>) -> Result<R>,
    {
        let Some(key) = &self.key else { return self.scope.alter(work).await.map(Done::Now) };
        let claim = key.claim(body);
        Box::pin(async {
            let plan = self.plan_purge().await;
            let done = self.scope.alter(async |tx| claim.once(tx, plan, work).await).await;
            self.planned(plan, done)
        })
        .await
    }

    /// As [`Scope::design`], once for each key.
    pub async fn design<R, F>(&self, body: &Json, work: F) -> Result<Done<R>>
    where
        R: Outcome,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, Designing>) -> Result<R> + Clone,
    {
        let Some(key) = &self.key else { return self.scope.design(work).await.map(Done::Now) };
        let claim = key.claim(body);
        Box::pin(async {
            let plan = self.plan_purge().await;
            let claim = &claim;
            let done = self.scope.design(async move |tx| claim.once(tx, plan, work).await).await;
            self.planned(plan, done)
        })
        .await
    }

    /// The run that will remove the note of this request, where it is not known to be planned.
    async fn plan_purge(&self) -> Option<Plan> {
        Plan::ahead(&self.scope, Kind::PurgeIdempotencyKeys, &self.scope.tenant().purge_planned).await
    }

    fn planned<R>(&self, plan: Option<Plan>, done: Result<Done<R>>) -> Result<Done<R>> {
        if let (Some(plan), Ok(Done::Now(_))) = (plan, &done) {
            self.scope.tenant().purge_planned.note(plan);
        }
        done
    }
}

/// One request, to be done once.
struct Claim {
    request: [u8; 32],
    body: [u8; 32],
}

impl Claim {
    /// Does the work, or tells what the same request came to before.
    async fn once<R, M, F>(&self, tx: &mut Tx<'_, M>, plan: Option<Plan>, work: F) -> Result<Done<R>>
    where
        R: Outcome,
        M: Mode,
        F: for<'t> AsyncFnOnce(&mut Tx<'t, M>) -> Result<R>,
    {
        if let Some(note) = self.find(tx).await? {
            return R::again(tx, note).await.map(Done::Before);
        }
        let outcome = work(tx).await?;
        self.keep(tx, &outcome.note()).await?;
        if let Some(plan) = plan {
            plan.write(tx).await?;
        }
        Ok(Done::Now(outcome))
    }

    /// The note of the same request, if it was done within a day. 409 while another works on it, 422 where the key was
    /// sent with something else.
    async fn find<M: Mode>(&self, tx: &mut Tx<'_, M>) -> Result<Option<serde_json::Value>> {
        let [tenant, account] = caller(tx);
        if !tx.store.try_lock(self.lock(tx)).await.map_err(|error| tx.failed(error))? {
            return Err(Problem::in_progress());
        }
        let since = Value::Timestamp(oldest(tx.author.now));
        let request = Value::Bytes(self.request.to_vec());
        let found = tx.store.fixed(&FIND, &[&tenant, &account, &request, &since]).await;
        let rows = found.map_err(|error| tx.failed(error))?;
        let Some(row) = rows.first() else { return Ok(None) };
        if row.bytes(0)? != self.body {
            let detail = "Its first request was another one. Make a new key for each request.";
            return Err(Problem::new(Code::IdempotencyKeyReused, detail));
        }
        serde_json::from_str(row.text(1)?).map(Some).map_err(Problem::internal)
    }

    async fn keep<M: Mode>(&self, tx: &mut Tx<'_, M>, note: &serde_json::Value) -> Result<()> {
        let [tenant, account] = caller(tx);
        let now = Value::Timestamp(tx.author.now);
        let (request, body) = (Value::Bytes(self.request.to_vec()), Value::Bytes(self.body.to_vec()));
        let row = vec![tenant, account, request, body, Value::Text(note.to_string()), now];
        let dialect = tx.store.dialect();
        // With the commit: where it finds the change refused, the note goes too.
        tx.send(KEEP.text(dialect), vec![row], as_it_is()).await
    }

    /// The lock of this key of this caller. Two on one number only keep each other from working at the same time.
    fn lock<M: Mode>(&self, tx: &Tx<'_, M>) -> i64 {
        let author = &tx.author;
        let digest = Sha256::new()
            .chain_update(author.tenant.uuid())
            .chain_update(author.account.uuid())
            .chain_update(self.request)
            .finalize();
        i64::from_be_bytes(digest.first_chunk::<8>().copied().unwrap_or_default())
    }
}

fn caller<M: Mode>(tx: &Tx<'_, M>) -> [Value; 2] {
    [tx.tenant(), Value::Uuid(tx.author.account.uuid())]
}

/// Notes of this age and beyond do not count.
fn oldest(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.as_micros().saturating_sub(KEPT_MICROS))
}
