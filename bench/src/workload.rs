//! What is measured, on which store, and how fast it has to be.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::load::Requests;
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
    /// One record of five fields with its audit event, durable
    CreateOne,
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

impl Workload {
    /// Creates come last: they make the table grow.
    pub const ALL: [Self; 3] = [Self::ReadOne, Self::List, Self::CreateOne];

    pub const fn title(self) -> &'static str {
        match self {
            Self::ReadOne => "read one",
            Self::List => "list 25 of 100 000",
            Self::CreateOne => "create one",
        }
    }

    /// The least the product may reach, as a share of the floor.
    pub const fn target(self, store: Store) -> f64 {
        match (self, store) {
            (Self::ReadOne, Store::Sqlite) => 0.60,
            (Self::ReadOne, Store::Postgres) => 0.55,
            (Self::List, _) => 0.70,
            (Self::CreateOne, _) => 0.50,
        }
    }

    /// The requests of one measurement. `headers` are whole lines; `first` numbers the items a create sends.
    pub fn requests(self, headers: &str, ids: &[String], first: u32) -> Requests {
        const RECORDS: &str = "/api/v1/records/item";
        let get = |path: String, tail: &str| (format!("GET {path}"), format!("{tail} HTTP/1.1\r\n{headers}\r\n"));
        match self {
            Self::ReadOne => {
                let (head, tail) = get(format!("{RECORDS}/"), "");
                Requests::new(&head, ids.iter().map(|id| id.as_bytes().into()).collect(), &tail)
            }
            Self::List => {
                let quoted = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let before = quoted("category == \"");
                let after = format!("{}&sort=-due&limit=25", quoted("\""));
                let (head, tail) = get(format!("{RECORDS}?filter={before}"), &after);
                let categories = (0..rows::CATEGORIES).map(|c| rows::category(c).into_bytes().into());
                Requests::new(&head, categories.collect(), &tail)
            }
            Self::CreateOne => {
                let bodies: Vec<Box<[u8]>> =
                    (first..first + 4_096).map(|n| rows::body(&rows::item(n)).into_bytes().into()).collect();
                let length = bodies.first().map_or(0, |body| body.len());
                let head = format!(
                    "POST {RECORDS} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                );
                Requests::new(&head, bodies, "")
            }
        }
    }
}
