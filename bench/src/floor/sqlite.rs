//! The floor on SQLite: reads inline on the async worker, writes in groups on a thread of their own.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use insula_model::value::{Date, Decimal, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{AUTHOR, Created, Maker, Page, Record, TENANT};
use crate::Result;

/// The most creates of one transaction; far above the connections of any run.
const GROUP: usize = 512;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS item (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, category TEXT, quantity INTEGER, price INTEGER, due INTEGER,
    created_at INTEGER NOT NULL, created_by BLOB NOT NULL, updated_at INTEGER NOT NULL, updated_by BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS item_category ON item (category, id);
CREATE INDEX IF NOT EXISTS item_due ON item (due, id);
CREATE TABLE IF NOT EXISTS audit_event (
    id BLOB PRIMARY KEY, tenant BLOB NOT NULL, at INTEGER NOT NULL, action TEXT NOT NULL, payload TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;";

const COLUMNS: &str =
    "id, name, category, quantity, price, due, created_at, created_by, updated_at, updated_by, version";

struct Job {
    created: Created,
    done: oneshot::Sender<std::result::Result<(), String>>,
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
        .route("/api/v1/records/item/{id}", get(read))
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
            insert(&transaction, &super::seed(number))?;
        }
    }
    transaction.commit()
}

/// Whatever waits goes into one transaction and one fsync; everybody's answer waits for it.
fn write(connection: &Connection, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let outcome = commit(connection, &group).map_err(|error| error.to_string());
        for job in group.drain(..) {
            // Nobody waits any more where the client has gone.
            let _ = job.done.send(outcome.clone());
        }
    }
}

fn commit(connection: &Connection, group: &[Job]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for job in group {
        insert(&transaction, &job.created)?;
    }
    transaction.commit()
}

fn insert(connection: &Connection, created: &Created) -> rusqlite::Result<()> {
    let Created { id, at, item, answer, event, hash } = created;
    let (id, at, author) = (id.as_bytes(), at.as_micros(), AUTHOR.as_bytes());
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
    let payload = ValueRef::Text(answer);
    connection.prepare_cached("INSERT INTO audit_event VALUES (?1, ?2, ?3, 'record.create', ?4, ?5)")?.execute((
        event.as_bytes(),
        TENANT.as_bytes(),
        at,
        payload_text(payload),
        hash,
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
    let uuid = |column| Ok::<_, rusqlite::Error>(Uuid::from_bytes(row.get(column)?));
    let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
    Ok(Record {
        id: uuid(0)?,
        name: text(1)?,
        category: text(2)?,
        quantity: row.get(3)?,
        price: Decimal::new(row.get(4)?, 2),
        due: Date::from_days(row.get(5)?),
        created_at: Timestamp::from_micros(row.get(6)?),
        created_by: uuid(7)?,
        updated_at: Timestamp::from_micros(row.get(8)?),
        updated_by: uuid(9)?,
        version: row.get(10)?,
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
    let page = with_reader(&floor.file, |connection| {
        let mut statement = connection.prepare_cached(&floor.list)?;
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
    let Some(item) = super::parse(&body) else { return super::bad_request() };
    let created = floor.maker.make(item);
    let answer = created.answer.clone();
    let (done, outcome) = oneshot::channel();
    if floor.writer.send(Job { created, done }).is_err() {
        return super::failed(&"the writer is gone");
    }
    match outcome.await {
        Ok(Ok(())) => super::json(StatusCode::CREATED, answer),
        Ok(Err(error)) => super::failed(&error),
        Err(error) => super::failed(&error),
    }
}
