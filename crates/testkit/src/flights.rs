//! Every departure from New York's airports in 2013, loaded through the public API alone: five entities, then their
//! records. Knows the data (`demo/flights/README.md`) and the shapes of the API; never touches a store.

mod batch;
mod cell;
mod row;
mod source;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use uuid::Uuid;

use crate::client::{self, Client};
use batch::{Batch, Lanes};
use row::{Known, Row};
use source::Table;

/// The five entities as `POST /api/v1/entities` takes them, each after those it refers to.
pub const ENTITIES: &str = include_str!("../../../demo/flights/entities.json");

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub flights: Take,
    pub progress: Progress,
}

/// How many flights; of everything else all there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Take {
    All,
    First(usize),
}

impl Take {
    /// The data begins with January, all 27 004 flights of it.
    pub const JANUARY: Self = Self::First(27_004);
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// A bar per entity on standard error, where that is a terminal.
    Shown,
    Silent,
}

/// What was loaded, in order.
#[derive(Debug)]
pub struct Report(pub Vec<Loaded>);

#[derive(Debug)]
pub struct Loaded {
    pub entity: &'static str,
    pub records: usize,
    pub took: Duration,
}

#[derive(Debug)]
pub enum Error {
    Api(client::Error),
    /// The data is not as `demo/flights/README.md` says.
    Data(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Makes the entities and loads their records into the organisation the client is signed in to.
pub async fn load(client: &Client, options: Options) -> Result<Report> {
    make_entities(client).await?;
    let mut loader = Loader { client, progress: options.progress, report: Report(Vec::new()) };
    let mut known = Known {
        airlines: loader.table(&source::AIRLINES, Take::All, row::airline).await?,
        airports: loader.table(&source::AIRPORTS, Take::All, row::airport).await?,
        planes: loader.table(&source::PLANES, Take::All, row::plane).await?,
        weather: HashMap::new(),
    };
    known.weather = loader.table(&source::WEATHER, Take::All, |row, batch| row::weather(row, &known, batch)).await?;
    loader.table(&source::FLIGHTS, options.flights, |row, batch| row::flight(row, &known, batch)).await?;
    Ok(loader.report)
}

async fn make_entities(client: &Client) -> Result<()> {
    let entities: Vec<Value> = serde_json::from_str(ENTITIES).map_err(|error| Error::Data(error.to_string()))?;
    for entity in entities {
        client.post::<Value>("/api/v1/entities", entity.to_string().into_bytes()).await?;
    }
    Ok(())
}

struct Loader<'c> {
    client: &'c Client,
    progress: Progress,
    report: Report,
}

impl Loader<'_> {
    /// Loads one table with what `add` makes of each row, and gives the ids of its records by their keys.
    async fn table(
        &mut self,
        table: &Table,
        take: Take,
        add: impl Fn(Row<'_>, &mut Batch) -> Result<()>,
    ) -> Result<HashMap<String, Uuid>> {
        let started = Instant::now();
        let mut rows = table.open(take)?;
        let mut lanes = Lanes::new(self.client, table.entity, self.progress.bar(table.entity, rows.total()));
        let mut batch = Batch::default();
        while let Some(row) = rows.next()? {
            add(row, &mut batch)?;
            if batch.is_full() {
                lanes.send(std::mem::take(&mut batch)).await?;
            }
        }
        let ids = lanes.finish(batch).await?;
        self.report.0.push(Loaded { entity: table.entity, records: rows.total(), took: started.elapsed() });
        Ok(ids)
    }
}

impl Progress {
    fn bar(self, entity: &'static str, records: usize) -> ProgressBar {
        let bar = match self {
            Self::Shown => ProgressBar::new(u64::try_from(records).unwrap_or(u64::MAX)),
            Self::Silent => ProgressBar::hidden(),
        };
        // The template is checked by a test; a bar of another look is no reason to stop.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style).with_prefix(entity)
    }
}

const TEMPLATE: &str = "{prefix:>8} {bar:40} {human_pos}/{human_len} records, {per_sec}, {eta} left";

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
        let rate = self.records as f64 / seconds;
        write!(f, "{:>8}  {:>7} records in {seconds:.1} s, {rate:.0} per second", self.entity, self.records)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Data(what) => write!(f, "the data is damaged: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        Self::Api(error)
    }
}

#[cfg(test)]
mod tests;
