//! The floor on SQLite: reads inline on the async worker, writes in groups on a thread of their own.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use insula_model::value::{Date, Decimal, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::change::{Batch, Created, Event, Maker, Update, Updated, seed, seeded_at};
use super::record::{Page, Record, Stamps, Supplier};
use super::{AUTHOR, Outcome, TENANT};
use crate::{Result, rows};

/// The most requests of one transaction; far above the connections of any run.
const GROUP: usize = 512;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS item (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, category TEXT, quantity INTEGER, price INTEGER, due INTEGER,
    created_at INTEGER NOT NULL, created_by BLOB NOT NULL, updated_at INTEGER NOT NULL, updated_by BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS item_category ON item (category, id);
CREATE INDEX IF NOT EXISTS item_due ON item (due, id);
CREATE TABLE IF NOT EXISTS supplier (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, city TEXT, created_at INTEGER NOT NULL, created_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL, updated_by BLOB NOT NULL, version INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS purchase (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, category TEXT, quantity INTEGER, price INTEGER, due INTEGER,
    created_at INTEGER NOT NULL, created_by BLOB NOT NULL, updated_at INTEGER NOT NULL, updated_by BLOB NOT NULL,
    version INTEGER NOT NULL, supplier BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS purchase_category ON purchase (category, id);
CREATE INDEX IF NOT EXISTS purchase_due ON purchase (due, id);
CREATE TABLE IF NOT EXISTS audit_event (
    id BLOB PRIMARY KEY, tenant BLOB NOT NULL, at INTEGER NOT NULL, action TEXT NOT NULL, payload TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;";

const COLUMNS: &str =
    "id, name, category, quantity, price, due, created_at, created_by, updated_at, updated_by, version";

/// The condition is [`rows::RULE`]. The suppliers of the page alone are looked up.
const PURCHASES: &str = "
    SELECT item.id, item.name, category, quantity, price, due, item.created_at, item.created_by, item.updated_at,
        item.updated_by, item.version, supplier.id, supplier.name, city, supplier.created_at, supplier.created_by,
        supplier.updated_at, supplier.updated_by, supplier.version
    FROM (SELECT * FROM purchase WHERE category = ?1 AND quantity >= 5500 ORDER BY due DESC, id LIMIT 26) AS item
    LEFT JOIN supplier ON supplier.id = item.supplier ORDER BY due DESC, item.id";

enum Change {
    One(Created),
    All(Batch),
    Update(Update),
}

struct Job {
    change: Change,
    done: oneshot::Sender<std::result::Result<Outcome, String>>,
}

struct Floor {
    file: PathBuf,
    get: String,
    list: String,
    maker: Maker,
    writer: mpsc::UnboundedSender<Job>,
}

pub async fn serve(file: &Path, port: u16, rows: u32) -> Result<()> {
    let mut connection = open(file)?;
    fill(&mut connection, rows)?;
    let (writer, jobs) = mpsc::unbounded_channel();
    std::thread::spawn(move || write(&connection, jobs));
    let floor = Floor {
        file: file.to_owned(),
        get: format!("SELECT {COLUMNS} FROM item WHERE id = ?1"),
        list: format!("SELECT {COLUMNS} FROM item WHERE category = ?1 ORDER BY due DESC, id LIMIT 26"),
        maker: Maker::default(),
        writer,
    };
    let router = Router::new()
        .route("/api/v1/records/item", get(list).post(create))
        .route("/api/v1/records/item/{id}", get(read).patch(update))
        .route("/api/v1/records/item/batch", post(create_all))
        .route("/api/v1/records/purchase", get(purchases))
        .with_state(Arc::new(floor));
    super::listen(router, port).await
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

fn fill(connection: &mut Connection, rows: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let empty = transaction.query_row("SELECT NOT EXISTS (SELECT 1 FROM item)", (), |row| row.get(0))?;
    if empty {
        for number in 0..rows {
            insert(&transaction, &seed(number))?;
        }
        fill_purchases(&transaction, rows)?;
    }
    transaction.commit()
}

/// Items again, each with a supplier. They are only read: without audit rows.
fn fill_purchases(connection: &Connection, rows: u32) -> rusqlite::Result<()> {
    let id = |number| rows::supplier_id(number).into_bytes();
    for number in 0..rows::SUPPLIERS {
        let rows::Supplier { name, city } = rows::supplier(number);
        let (at, by) = (seeded_at(number).as_micros(), AUTHOR.as_bytes());
        let insert = "INSERT INTO supplier VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?5, 1)";
        connection.prepare_cached(insert)?.execute((id(number), name, city, at, by))?;
    }
    for number in 0..rows {
        let insert = "INSERT INTO purchase SELECT item.*, ?2 FROM item WHERE id = ?1";
        let supplier = id(rows::supplier_of(number));
        connection.prepare_cached(insert)?.execute((rows::id(number).as_bytes(), supplier))?;
    }
    Ok(())
}

/// Whatever waits goes into one transaction and one fsync; everybody's answer waits for it.
fn write(connection: &Connection, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        match commit(connection, &group) {
            // Nobody waits any more where the client has gone.
            Ok(outcomes) => {
                for (job, outcome) in group.drain(..).zip(outcomes) {
                    let _ = job.done.send(Ok(outcome));
                }
            }
            Err(error) => {
                for job in group.drain(..) {
                    let _ = job.done.send(Err(error.to_string()));
                }
            }
        }
    }
}

fn commit(connection: &Connection, group: &[Job]) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.unchecked_transaction()?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(match &job.change {
            Change::One(created) => {
                insert(&transaction, created)?;
                Outcome::Created(created.answer.clone())
            }
            Change::All(Batch { created, answer }) => {
                created.iter().try_for_each(|created| insert(&transaction, created))?;
                Outcome::Done(answer.clone())
            }
            Change::Update(update) => apply(&transaction, update)?,
        });
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(connection: &Connection, update: &Update) -> rusqlite::Result<Outcome> {
    let Update { id, version, quantity, at, event } = update;
    let Updated { payload, answer } = {
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM item WHERE id = ?1"))?;
        let mut rows = statement.query((id.as_bytes(),))?;
        let Some(row) = rows.next()? else { return Ok(Outcome::Missing) };
        let found = record(row)?;
        if found.stamps.version != *version {
            return Ok(Outcome::Stale);
        }
        update.apply(found)
    };
    let change = "UPDATE item SET quantity = ?2, updated_at = ?3, updated_by = ?4, version = ?5 WHERE id = ?1";
    let by = AUTHOR.as_bytes();
    connection.prepare_cached(change)?.execute((id.as_bytes(), quantity, at.as_micros(), by, version + 1))?;
    audit(connection, event, *at, "record.update", &payload)?;
    Ok(Outcome::Done(answer))
}

fn insert(connection: &Connection, created: &Created) -> rusqlite::Result<()> {
    let Created { id, at: made, item, answer, event } = created;
    let (id, at, author) = (id.as_bytes(), made.as_micros(), AUTHOR.as_bytes());
    let (quantity, price, due) = (item.quantity, item.price.units(), item.due.days());
    connection.prepare_cached("INSERT INTO item VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?8, 1)")?.execute((
        id,
        &item.name,
        &item.category,
        quantity,
        price,
        due,
        at,
        author,
    ))?;
    audit(connection, event, *made, "record.create", answer)
}

fn audit(connection: &Connection, event: &Event, at: Timestamp, action: &str, payload: &[u8]) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT INTO audit_event VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
        event.id.as_bytes(),
        TENANT.as_bytes(),
        at.as_micros(),
        action,
        payload_text(ValueRef::Text(payload)),
        event.hash,
    ))?;
    Ok(())
}

/// Text that is known to be UTF-8 without being checked once more.
fn payload_text(text: ValueRef<'_>) -> rusqlite::types::ToSqlOutput<'_> {
    rusqlite::types::ToSqlOutput::Borrowed(text)
}

/// Runs on this worker's own connection.
fn with_reader<T>(file: &Path, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    thread_local! {
        static READER: OnceCell<Connection> = const { OnceCell::new() };
    }
    READER.with(|reader| {
        if let Some(connection) = reader.get() {
            return run(connection);
        }
        let connection = open(file)?;
        run(reader.get_or_init(|| connection))
    })
}

fn record<'a>(row: &'a Row<'_>) -> rusqlite::Result<Record<'a>> {
    Ok(Record {
        id: uuid(row, 0)?,
        name: text(row, 1)?,
        category: text(row, 2)?,
        quantity: row.get(3)?,
        price: Decimal::new(row.get(4)?, 2),
        due: Date::from_days(row.get(5)?),
        supplier: None,
        stamps: stamps(row, 6)?,
    })
}

fn purchase<'a>(row: &'a Row<'_>) -> rusqlite::Result<Record<'a>> {
    // Every purchase has a supplier; one that were missing would end the run.
    let supplier =
        Supplier { id: uuid(row, 11)?, name: text(row, 12)?, city: text(row, 13)?, stamps: stamps(row, 14)? };
    Ok(Record { supplier: Some(supplier), ..record(row)? })
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}

/// The five columns from `first` on.
fn stamps(row: &Row<'_>, first: usize) -> rusqlite::Result<Stamps> {
    Ok(Stamps {
        created_at: Timestamp::from_micros(row.get(first)?),
        created_by: uuid(row, first + 1)?,
        updated_at: Timestamp::from_micros(row.get(first + 2)?),
        updated_by: uuid(row, first + 3)?,
        version: row.get(first + 4)?,
    })
}

async fn read(State(floor): State<Arc<Floor>>, UrlPath(id): UrlPath<Uuid>) -> Response {
    let found = with_reader(&floor.file, |connection| {
        let mut statement = connection.prepare_cached(&floor.get)?;
        let mut rows = statement.query((id.as_bytes(),))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let mut out = Vec::with_capacity(512);
        record(row)?.write(&mut out);
        Ok(Some(out))
    });
    found.map_or_else(|error| super::failed(&error), super::one)
}

async fn list(State(floor): State<Arc<Floor>>, RawQuery(query): RawQuery) -> Response {
    let Some(category) = query.as_deref().and_then(super::category_of) else { return super::bad_request() };
    page(&floor, &floor.list, category, record)
}

async fn purchases(State(floor): State<Arc<Floor>>, RawQuery(query): RawQuery) -> Response {
    let category = query.as_deref().and_then(super::category_of_purchases);
    let Some(category) = category else { return super::bad_request() };
    page(&floor, PURCHASES, category, purchase)
}

fn page(
    floor: &Floor,
    statement: &str,
    category: &str,
    record: impl for<'a> Fn(&'a Row<'_>) -> rusqlite::Result<Record<'a>>,
) -> Response {
    let page = with_reader(&floor.file, |connection| {
        let mut statement = connection.prepare_cached(statement)?;
        let mut rows = statement.query((category,))?;
        let mut page = Page::new();
        while let Some(row) = rows.next()? {
            page.push(&record(row)?);
        }
        Ok(page.finish())
    });
    page.map_or_else(|error| super::failed(&error), |page| super::json(StatusCode::OK, page))
}

async fn create(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Some(created) = floor.maker.create(&body) else { return super::bad_request() };
    floor.commit(Change::One(created)).await
}

async fn create_all(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Some(batch) = floor.maker.create_all(&body) else { return super::bad_request() };
    floor.commit(Change::All(batch)).await
}

async fn update(
    State(floor): State<Arc<Floor>>,
    UrlPath(id): UrlPath<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(update) = floor.maker.update(id, &headers, &body) else { return super::bad_request() };
    floor.commit(Change::Update(update)).await
}

impl Floor {
    /// Answers when it is durable.
    async fn commit(&self, change: Change) -> Response {
        let (done, outcome) = oneshot::channel();
        if self.writer.send(Job { change, done }).is_err() {
            return super::failed(&"the writer is gone");
        }
        match outcome.await {
            Ok(Ok(outcome)) => super::changed(outcome),
            Ok(Err(error)) => super::failed(&error),
            Err(error) => super::failed(&error),
        }
    }
}
