//! What is measured, on which store, and how fast it has to be.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::load::Requests;
use crate::product::Session;
use crate::rows;

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Store {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Workload {
    /// One record by its id
    ReadOne,
    /// 25 of 100 000: one equality filter, one sort, both fields indexed
    List,
    /// The same for a role with a condition that half of the rows meet, each with the record of one relation
    ListExpanded,
    /// One record of five fields with its audit event, durable
    CreateOne,
    /// One field of a record at the version last seen (`If-Match`), with its audit event, durable
    UpdateOne,
    /// 1 000 records in one transaction with their audit events, durable
    CreateBatch,
}

impl Store {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Records of one batch.
const BATCH: u32 = 1_000;

const ITEMS: &str = "/api/v1/records/item";
const PURCHASES: &str = "/api/v1/records/purchase";

impl Workload {
    /// Creates come after the reads: they make the table grow. Updates come after them: they leave dead rows behind, and
    /// a record found by its id is found as fast among many.
    pub const ALL: [Self; 6] =
        [Self::ReadOne, Self::List, Self::ListExpanded, Self::CreateOne, Self::UpdateOne, Self::CreateBatch];

    pub const fn title(self) -> &'static str {
        match self {
            Self::ReadOne => "read one",
            Self::List => "list 25 of 100 000",
            Self::ListExpanded => "the same by a row rule, one relation expanded",
            Self::CreateOne => "create one",
            Self::UpdateOne => "update one with `If-Match`",
            Self::CreateBatch => "create 1 000 at once, records",
        }
    }

    /// At how many connections it is measured.
    pub const fn connections(self) -> &'static [usize] {
        match self {
            Self::ReadOne | Self::List | Self::CreateOne => &[1, 16, 64],
            Self::ListExpanded | Self::UpdateOne => &[16],
            Self::CreateBatch => &[4],
        }
    }

    /// The least the product may reach, as a share of the floor.
    pub const fn target(self, store: Store) -> f64 {
        match (self, store) {
            (Self::ReadOne, Store::Sqlite) => 0.60,
            (Self::ReadOne, Store::Postgres) => 0.55,
            (Self::List, _) => 0.70,
            (Self::ListExpanded | Self::CreateOne | Self::UpdateOne | Self::CreateBatch, _) => 0.50,
        }
    }

    /// How many records one request makes or changes.
    pub const fn changes(self) -> u32 {
        match self {
            Self::ReadOne | Self::List | Self::ListExpanded => 0,
            Self::CreateOne | Self::UpdateOne => 1,
            Self::CreateBatch => BATCH,
        }
    }

    /// The requests of one measurement; `first` numbers the items a create sends.
    pub fn requests(self, session: &Session, first: u32) -> Requests {
        let Session { headers, ids, limited } = session;
        let get = |path: String, tail: &str, headers: &str| {
            (format!("GET {path}"), format!("{tail} HTTP/1.1\r\n{headers}\r\n"))
        };
        let parts_of_ids = || ids.iter().map(|id| id.as_bytes().into()).collect();
        match self {
            Self::ReadOne => {
                let (head, tail) = get(format!("{ITEMS}/"), "", headers);
                Requests::new(&head, parts_of_ids(), &tail)
            }
            Self::List | Self::ListExpanded => {
                let (path, tail, headers) = match self {
                    Self::ListExpanded => (PURCHASES, "&expand=supplier", limited),
                    _ => (ITEMS, "", headers),
                };
                let quoted = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let before = quoted("category == \"");
                let after = format!("{}&sort=-due&limit=25{tail}", quoted("\""));
                let (head, tail) = get(format!("{path}?filter={before}"), &after, headers);
                let categories = (0..rows::CATEGORIES).map(|c| rows::category(c).into_bytes().into());
                Requests::new(&head, categories.collect(), &tail)
            }
            Self::CreateOne => {
                post(ITEMS, headers, (first..first + 4_096).map(|n| rows::body(&rows::item(n))).collect())
            }
            Self::UpdateOne => {
                // The quantity differs from round to round, and from what it was made with: an update that changes
                // nothing would leave nothing.
                let (quantity, rest) = ("{\"quantity\":1", "}");
                let length = quantity.len() + 8 + rest.len();
                let before = format!(" HTTP/1.1\r\n{headers}If-Match: \"");
                let between =
                    format!("\"\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{quantity}");
                Requests::in_turn(&format!("PATCH {ITEMS}/"), parts_of_ids(), [&before, &between, rest])
            }
            Self::CreateBatch => {
                let batch = |first: u32| {
                    let bodies: Vec<String> = (first..first + BATCH).map(|n| rows::body(&rows::item(n))).collect();
                    rows::batch_body(&bodies)
                };
                post(&format!("{ITEMS}/batch"), headers, (0..8).map(|n| batch(first + n * BATCH)).collect())
            }
        }
    }
}

/// Bodies of one length.
fn post(path: &str, headers: &str, bodies: Vec<String>) -> Requests {
    let length = bodies.first().map_or(0, String::len);
    let head =
        format!("POST {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    Requests::new(&head, bodies.into_iter().map(|body| body.into_bytes().into()).collect(), "")
}
