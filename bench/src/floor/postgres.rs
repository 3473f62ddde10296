//! The floor on PostgreSQL: a fixed pool, prepared statements, a create in one pipelined transaction.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::try_join4;
use insula_model::value::{Date, Decimal, Timestamp};
use tokio::sync::Semaphore;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::{AUTHOR, Created, Maker, Page, Record, TENANT};
use crate::Result;

const CONNECTIONS: usize = 16;

const TABLES: &str = r#"
CREATE TABLE IF NOT EXISTS item (
    id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL, category text COLLATE "C", quantity bigint,
    price numeric(12,2), due date, created_at timestamptz NOT NULL, created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL, updated_by uuid NOT NULL, version bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS item_category ON item (category NULLS FIRST, id);
CREATE INDEX IF NOT EXISTS item_due ON item (due NULLS FIRST, id);
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
const INSERT: &str = "INSERT INTO item VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7, $8, $7, $8, 1)";
const AUDIT: &str = "INSERT INTO audit_event VALUES ($1, $2, $3, 'record.create', $4, $5)";

struct Link {
    client: Client,
    get: Statement,
    list: Statement,
    insert: Statement,
    audit: Statement,
}

struct Floor {
    links: Pool,
    maker: Maker,
}

pub async fn serve(url: &str, port: u16, rows: u32) -> Result<()> {
    let first = connect(url).await?;
    fill(&first.client, rows).await?;
    let mut links = vec![first];
    while links.len() < CONNECTIONS {
        links.push(connect(url).await?);
    }
    let links = Pool { free: Mutex::new(links), permits: Semaphore::new(CONNECTIONS) };
    let router = Router::new()
        .route("/api/v1/records/item", get(list).post(create))
        .route("/api/v1/records/item/{id}", get(read))
        .with_state(Arc::new(Floor { links, maker: Maker::default() }));
    super::listen(router, port).await
}

async fn connect(url: &str) -> Result<Link> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its error reaches whoever uses the client next.
    tokio::spawn(connection);
    // The other links must find the tables too; IF NOT EXISTS alone would race.
    client.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock(1); {TABLES} COMMIT")).await?;
    let [get, list, insert, audit] = [GET, LIST, INSERT, AUDIT].map(|sql| client.prepare(sql));
    let (get, list, insert, audit) = try_join4(get, list, insert, audit).await?;
    Ok(Link { client, get, list, insert, audit })
}

async fn fill(client: &Client, rows: u32) -> Result<()> {
    const FILL: &str =
        "WITH made AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[],
            $6::date[], $7::timestamptz[], $8::uuid[], $9::text[], $10::bytea[])
            AS made (id, name, category, quantity, price, due, at, event, payload, hash)),
        kept AS (INSERT INTO audit_event SELECT event, $11, at, 'record.create', payload, hash FROM made)
        INSERT INTO item SELECT id, name, category, quantity, price::numeric, due, at, $12, at, $12, 1 FROM made";
    if !client.query_one("SELECT NOT EXISTS (SELECT FROM item)", &[]).await?.get::<_, bool>(0) {
        return Ok(());
    }
    client.batch_execute("BEGIN").await?;
    let fill = client.prepare(FILL).await?;
    let numbers: Vec<u32> = (0..rows).collect();
    for chunk in numbers.chunks(1_000) {
        let made: Vec<Created> = chunk.iter().map(|number| super::seed(*number)).collect();
        let prices: Vec<String> = made.iter().map(|row| row.item.price.to_string()).collect();
        let hashes: Vec<&[u8]> = made.iter().map(|row| row.hash.as_slice()).collect();
        let of = |pick: fn(&Created) -> Uuid| made.iter().map(pick).collect::<Vec<_>>();
        let texts = |pick: fn(&Created) -> &str| made.iter().map(pick).collect::<Vec<_>>();
        let quantities: Vec<i64> = made.iter().map(|row| row.item.quantity).collect();
        let dues: Vec<Day> = made.iter().map(|row| Day(row.item.due)).collect();
        let ats: Vec<Instant> = made.iter().map(|row| Instant(row.at)).collect();
        let (ids, events) = (of(|row| row.id), of(|row| row.event));
        let (names, categories) = (texts(|row| &row.item.name), texts(|row| &row.item.category));
        let payloads = texts(payload);
        let parameters: [&(dyn ToSql + Sync); 12] = [
            &ids,
            &names,
            &categories,
            &quantities,
            &prices,
            &dues,
            &ats,
            &events,
            &payloads,
            &hashes,
            &TENANT,
            &AUTHOR,
        ];
        client.execute(&fill, &parameters).await?;
    }
    Ok(client.batch_execute("COMMIT").await?)
}

/// The answer is written by this server itself: always UTF-8.
fn payload(created: &Created) -> &str {
    std::str::from_utf8(&created.answer).unwrap_or_default()
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
    let page = floor.links.with(async |link| {
        let mut page = Page::new();
        for row in link.client.query(&link.list, &[&category]).await? {
            page.push(&record(&row)?);
        }
        Ok(page.finish())
    });
    page.await.map_or_else(|error| super::failed(&error), |page| super::json(StatusCode::OK, page))
}

async fn create(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Some(item) = super::parse(&body) else { return super::bad_request() };
    let created = floor.maker.make(item);
    match floor.links.with(async |link| insert(link, &created).await).await {
        Ok(()) => super::json(StatusCode::CREATED, created.answer),
        Err(error) => super::failed(&error),
    }
}

/// All four statements leave at once: where one fails, PostgreSQL turns the COMMIT behind it into a ROLLBACK.
async fn insert(link: &Link, created: &Created) -> PgResult<()> {
    let Created { id, at, item, event, hash, .. } = created;
    let (at, due, price) = (Instant(*at), Day(item.due), item.price.to_string());
    let record: [&(dyn ToSql + Sync); 8] = [id, &item.name, &item.category, &item.quantity, &price, &due, &at, &AUTHOR];
    let (payload, hash) = (payload(created), hash.as_slice());
    let audit: [&(dyn ToSql + Sync); 5] = [event, &TENANT, &at, &payload, &hash];
    let client = &link.client;
    try_join4(
        client.batch_execute("BEGIN"),
        client.execute(&link.insert, &record),
        client.execute(&link.audit, &audit),
        client.batch_execute("COMMIT"),
    )
    .await?;
    Ok(())
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
        created_at: row.try_get::<_, Instant>(6)?.0,
        created_by: row.try_get(7)?,
        updated_at: row.try_get::<_, Instant>(8)?.0,
        updated_by: row.try_get(9)?,
        version: row.try_get(10)?,
    })
}

/// Days from 1970-01-01 to PostgreSQL's own epoch, 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// `date` on the wire.
#[derive(Debug)]
struct Day(Date);

/// `timestamptz` on the wire.
#[derive(Debug)]
struct Instant(Timestamp);

type WireError = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, WireError> {
        Ok(Self(Date::from_days(i32::from_be_bytes(raw.try_into()?) + EPOCH_DAYS)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }
}

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, WireError> {
        out.put_i32(self.0.days() - EPOCH_DAYS);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, WireError> {
        Ok(Self(Timestamp::from_micros(i64::from_be_bytes(raw.try_into()?) + EPOCH_MICROS)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl ToSql for Instant {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, WireError> {
        out.put_i64(self.0.as_micros() - EPOCH_MICROS);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    tokio_postgres::types::to_sql_checked!();
}
