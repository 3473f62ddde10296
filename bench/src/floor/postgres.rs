//! The floor on PostgreSQL: a fixed pool, prepared statements, a create in one pipelined transaction.

mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::future::{try_join, try_join_all, try_join3, try_join4};
use insula_model::value::{Decimal, Timestamp};
use tokio::sync::Semaphore;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::change::{Batch, Created, Event, Maker, Update, Updated, seed, seeded_at};
use super::record::{Page, Record, Stamps, Supplier};
use super::{AUTHOR, Outcome, TENANT};
use crate::{Result, rows};

use wire::{Day, Instant};

const CONNECTIONS: usize = 16;

const TABLES: &str = r#"
CREATE TABLE IF NOT EXISTS item (
    id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL, category text COLLATE "C", quantity bigint,
    price numeric(12,2), due date, created_at timestamptz NOT NULL, created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL, updated_by uuid NOT NULL, version bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS item_category ON item (category NULLS FIRST, id);
CREATE INDEX IF NOT EXISTS item_due ON item (due NULLS FIRST, id);
CREATE TABLE IF NOT EXISTS supplier (
    id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL, city text COLLATE "C", created_at timestamptz NOT NULL,
    created_by uuid NOT NULL, updated_at timestamptz NOT NULL, updated_by uuid NOT NULL, version bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS purchase (LIKE item INCLUDING ALL, supplier uuid);
CREATE TABLE IF NOT EXISTS audit_event (
    id uuid PRIMARY KEY, tenant uuid NOT NULL, at timestamptz NOT NULL, action text NOT NULL, payload text NOT NULL,
    hash bytea NOT NULL
);"#;

const GET: &str =
    "SELECT id, name, category, quantity, price::text, due, created_at, created_by, updated_at, updated_by,
    version FROM item WHERE id = $1";
const LIST: &str =
    "SELECT id, name, category, quantity, price::text, due, created_at, created_by, updated_at, updated_by,
    version FROM item WHERE category = $1 ORDER BY due DESC NULLS LAST, id LIMIT 26";
/// The condition is [`rows::RULE`]. The suppliers of the page alone are looked up.
const PURCHASES: &str = "
    SELECT item.id, item.name, category, quantity, price::text, due, item.created_at, item.created_by,
        item.updated_at, item.updated_by, item.version, supplier.id, supplier.name, city, supplier.created_at,
        supplier.created_by, supplier.updated_at, supplier.updated_by, supplier.version
    FROM (SELECT * FROM purchase WHERE category = $1 AND quantity >= 5500 ORDER BY due DESC NULLS LAST, id LIMIT 26) AS item
    LEFT JOIN supplier ON supplier.id = item.supplier ORDER BY due DESC NULLS LAST, item.id";
const LOCK: &str =
    "SELECT id, name, category, quantity, price::text, due, created_at, created_by, updated_at, updated_by,
    version FROM item WHERE id = $1 FOR UPDATE";
const UPDATE: &str = "UPDATE item SET quantity = $2, updated_at = $3, updated_by = $4, version = $5 WHERE id = $1";
const INSERT: &str = "INSERT INTO item VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7, $8, $7, $8, 1)";
const AUDIT: &str = "INSERT INTO audit_event VALUES ($1, $2, $3, $4, $5, $6)";
/// Many records and their audit rows at once.
const INSERT_ALL: &str =
    "WITH made AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[],
        $6::date[], $7::timestamptz[], $8::uuid[], $9::text[], $10::bytea[])
        AS made (id, name, category, quantity, price, due, at, event, payload, hash)),
    kept AS (INSERT INTO audit_event SELECT event, $11, at, 'record.create', payload, hash FROM made)
    INSERT INTO item SELECT id, name, category, quantity, price::numeric, due, at, $12, at, $12, 1 FROM made";

struct Link {
    client: Client,
    get: Statement,
    list: Statement,
    purchases: Statement,
    lock: Statement,
    update: Statement,
    insert: Statement,
    audit: Statement,
    insert_all: Statement,
}

struct Floor {
    links: Pool,
    maker: Maker,
}

pub async fn serve(url: &str, port: u16, rows: u32) -> Result<()> {
    let first = connect(url).await?;
    fill(&first, rows).await?;
    let mut links = vec![first];
    while links.len() < CONNECTIONS {
        links.push(connect(url).await?);
    }
    let links = Pool { free: Mutex::new(links), permits: Semaphore::new(CONNECTIONS) };
    let router = Router::new()
        .route("/api/v1/records/item", get(list).post(create))
        .route("/api/v1/records/item/{id}", get(read).patch(update))
        .route("/api/v1/records/item/batch", post(create_all))
        .route("/api/v1/records/purchase", get(purchases))
        .with_state(Arc::new(Floor { links, maker: Maker::default() }));
    super::listen(router, port).await
}

async fn connect(url: &str) -> Result<Link> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its error reaches whoever uses the client next.
    tokio::spawn(connection);
    // The other links must find the tables too; IF NOT EXISTS alone would race.
    client.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock(1); {TABLES} COMMIT")).await?;
    let texts = [GET, LIST, PURCHASES, LOCK, UPDATE, INSERT, AUDIT, INSERT_ALL];
    let statements = try_join_all(texts.map(|sql| client.prepare(sql))).await?;
    let Ok([get, list, purchases, lock, update, insert, audit, insert_all]) = <[Statement; 8]>::try_from(statements)
    else {
        return Err("as many statements as texts".into());
    };
    Ok(Link { client, get, list, purchases, lock, update, insert, audit, insert_all })
}

async fn fill(link: &Link, rows: u32) -> Result<()> {
    let client = &link.client;
    if !client.query_one("SELECT NOT EXISTS (SELECT FROM item)", &[]).await?.get::<_, bool>(0) {
        return Ok(());
    }
    client.batch_execute("BEGIN").await?;
    let numbers: Vec<u32> = (0..rows).collect();
    for chunk in numbers.chunks(1_000) {
        let made: Vec<Created> = chunk.iter().map(|number| seed(*number)).collect();
        insert_all(link, &made).await?;
    }
    fill_purchases(client, &numbers).await?;
    Ok(client.batch_execute("COMMIT").await?)
}

/// Items again, each with a supplier. They are only read: without audit rows.
async fn fill_purchases(client: &Client, numbers: &[u32]) -> Result<()> {
    let supplier = |number| rows::supplier_id(number);
    for number in 0..rows::SUPPLIERS {
        let rows::Supplier { name, city } = rows::supplier(number);
        let insert = "INSERT INTO supplier VALUES ($1, $2, $3, $4, $5, $4, $5, 1)";
        let at = Instant(seeded_at(number));
        client.execute(insert, &[&supplier(number), &name, &city, &at, &AUTHOR]).await?;
    }
    let insert = "INSERT INTO purchase SELECT item.*, made.supplier
        FROM unnest($1::uuid[], $2::uuid[]) AS made (id, supplier) JOIN item USING (id)";
    let ids: Vec<Uuid> = numbers.iter().map(|number| rows::id(*number)).collect();
    let suppliers: Vec<Uuid> = numbers.iter().map(|number| supplier(rows::supplier_of(*number))).collect();
    client.execute(insert, &[&ids, &suppliers]).await?;
    Ok(())
}

/// One statement, which is a transaction where there is none around it.
async fn insert_all(link: &Link, made: &[Created]) -> PgResult<()> {
    let prices: Vec<String> = made.iter().map(|row| row.item.price.to_string()).collect();
    let hashes: Vec<&[u8]> = made.iter().map(|row| row.event.hash.as_slice()).collect();
    let of = |pick: fn(&Created) -> Uuid| made.iter().map(pick).collect::<Vec<_>>();
    let texts = |pick: fn(&Created) -> &str| made.iter().map(pick).collect::<Vec<_>>();
    let quantities: Vec<i64> = made.iter().map(|row| row.item.quantity).collect();
    let dues: Vec<Day> = made.iter().map(|row| Day(row.item.due)).collect();
    let ats: Vec<Instant> = made.iter().map(|row| Instant(row.at)).collect();
    let (ids, events) = (of(|row| row.id), of(|row| row.event.id));
    let (names, categories) = (texts(|row| &row.item.name), texts(|row| &row.item.category));
    let payloads = texts(|row| text(&row.answer));
    let parameters: [&(dyn ToSql + Sync); 12] =
        [&ids, &names, &categories, &quantities, &prices, &dues, &ats, &events, &payloads, &hashes, &TENANT, &AUTHOR];
    link.client.execute(&link.insert_all, &parameters).await?;
    Ok(())
}

/// Answers are written by this server itself: always UTF-8.
fn text(answer: &[u8]) -> &str {
    std::str::from_utf8(answer).unwrap_or_default()
}

/// Links nobody uses, the most recent on top.
struct Pool {
    free: Mutex<Vec<Link>>,
    permits: Semaphore,
}

impl Pool {
    async fn with<T>(&self, run: impl AsyncFnOnce(&Link) -> PgResult<T>) -> Result<T> {
        let _permit = self.permits.acquire().await?;
        let link = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or("no link for a permit")?;
        // A request that is dropped here takes its link with it; the bench has no such requests.
        let outcome = run(&link).await;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        Ok(outcome?)
    }
}

type PgResult<T> = std::result::Result<T, tokio_postgres::Error>;

async fn read(State(floor): State<Arc<Floor>>, Path(id): Path<Uuid>) -> Response {
    let found = floor.links.with(async |link| {
        let Some(row) = link.client.query_opt(&link.get, &[&id]).await? else { return Ok(None) };
        let mut out = Vec::with_capacity(512);
        record(&row)?.write(&mut out);
        Ok(Some(out))
    });
    found.await.map_or_else(|error| super::failed(&error), super::one)
}

async fn list(State(floor): State<Arc<Floor>>, RawQuery(query): RawQuery) -> Response {
    let Some(category) = query.as_deref().and_then(super::category_of) else { return super::bad_request() };
    page(&floor, |link| &link.list, category, record).await
}

async fn purchases(State(floor): State<Arc<Floor>>, RawQuery(query): RawQuery) -> Response {
    let category = query.as_deref().and_then(super::category_of_purchases);
    let Some(category) = category else { return super::bad_request() };
    page(&floor, |link| &link.purchases, category, purchase).await
}

async fn page(
    floor: &Floor,
    statement: fn(&Link) -> &Statement,
    category: &str,
    record: fn(&Row) -> PgResult<Record<'_>>,
) -> Response {
    let page = floor.links.with(async |link| {
        let mut page = Page::new();
        for row in link.client.query(statement(link), &[&category]).await? {
            page.push(&record(&row)?);
        }
        Ok(page.finish())
    });
    page.await.map_or_else(|error| super::failed(&error), |page| super::json(StatusCode::OK, page))
}

async fn create(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Some(created) = floor.maker.create(&body) else { return super::bad_request() };
    let inserted = floor.links.with(async |link| insert(link, &created).await).await;
    changed(inserted.map(|()| Outcome::Created(created.answer)))
}

async fn create_all(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Some(Batch { created, answer }) = floor.maker.create_all(&body) else { return super::bad_request() };
    let inserted = floor.links.with(async |link| insert_all(link, &created).await).await;
    changed(inserted.map(|()| Outcome::Done(answer)))
}

async fn update(State(floor): State<Arc<Floor>>, Path(id): Path<Uuid>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(update) = floor.maker.update(id, &headers, &body) else { return super::bad_request() };
    changed(floor.links.with(async |link| apply(link, &update).await).await)
}

fn changed(outcome: Result<Outcome>) -> Response {
    outcome.map_or_else(|error| super::failed(&error), super::changed)
}

/// All four statements leave at once: where one fails, PostgreSQL turns the COMMIT behind it into a ROLLBACK.
async fn insert(link: &Link, created: &Created) -> PgResult<()> {
    let Created { id, at: made, item, event, answer } = created;
    let (at, due, price) = (Instant(*made), Day(item.due), item.price.to_string());
    let record: [&(dyn ToSql + Sync); 8] = [id, &item.name, &item.category, &item.quantity, &price, &due, &at, &AUTHOR];
    let client = &link.client;
    try_join4(
        client.batch_execute("BEGIN"),
        client.execute(&link.insert, &record),
        audit(link, event, *made, "record.create", answer),
        client.batch_execute("COMMIT"),
    )
    .await?;
    Ok(())
}

/// Two round trips: the audit row holds the record as it was.
async fn apply(link: &Link, update: &Update) -> PgResult<Outcome> {
    let Update { id, version, quantity, at, event } = update;
    let client = &link.client;
    let (_, row) = try_join(client.batch_execute("BEGIN"), client.query_opt(&link.lock, &[id])).await?;
    let found = row.as_ref().map(record).transpose()?;
    let Some(found) = found.filter(|found| found.stamps.version == *version) else {
        client.batch_execute("ROLLBACK").await?;
        return Ok(if row.is_some() { Outcome::Stale } else { Outcome::Missing });
    };
    let Updated { payload, answer } = update.apply(found);
    let changed: [&(dyn ToSql + Sync); 5] = [id, quantity, &Instant(*at), &AUTHOR, &(version + 1)];
    try_join3(
        client.execute(&link.update, &changed),
        audit(link, event, *at, "record.update", &payload),
        client.batch_execute("COMMIT"),
    )
    .await?;
    Ok(Outcome::Done(answer))
}

async fn audit(link: &Link, event: &Event, at: Timestamp, action: &str, payload: &[u8]) -> PgResult<u64> {
    let (payload, hash) = (text(payload), event.hash.as_slice());
    link.client.execute(&link.audit, &[&event.id, &TENANT, &Instant(at), &action, &payload, &hash]).await
}

fn record(row: &Row) -> PgResult<Record<'_>> {
    let price: &str = row.try_get(4)?;
    Ok(Record {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        category: row.try_get(2)?,
        quantity: row.try_get(3)?,
        price: Decimal::parse(price).unwrap_or(Decimal::new(0, 2)),
        due: row.try_get::<_, Day>(5)?.0,
        supplier: None,
        stamps: stamps(row, 6)?,
    })
}

fn purchase(row: &Row) -> PgResult<Record<'_>> {
    // Every purchase has a supplier; one that were missing would end the run.
    let supplier =
        Supplier { id: row.try_get(11)?, name: row.try_get(12)?, city: row.try_get(13)?, stamps: stamps(row, 14)? };
    Ok(Record { supplier: Some(supplier), ..record(row)? })
}

/// The five columns from `first` on.
fn stamps(row: &Row, first: usize) -> PgResult<Stamps> {
    Ok(Stamps {
        created_at: row.try_get::<_, Instant>(first)?.0,
        created_by: row.try_get(first + 1)?,
        updated_at: row.try_get::<_, Instant>(first + 2)?.0,
        updated_by: row.try_get(first + 3)?,
        version: row.try_get(first + 4)?,
    })
}
