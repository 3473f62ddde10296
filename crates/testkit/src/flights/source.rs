//! The files of `demo/flights`, part of the program so that there is nothing to find when it runs.

use std::io::BufReader;

use csv::StringRecord;
use zstd::Decoder;

use super::row::Row;
use super::{Error, Result, Take};

/// One file and the entity its rows become.
pub(super) struct Table {
    pub(super) entity: &'static str,
    file: &'static [u8],
    pub(super) rows: usize,
}

pub(super) const AIRLINES: Table =
    Table { entity: "airline", file: include_bytes!("../../../../demo/flights/airlines.csv.zst"), rows: 16 };
pub(super) const AIRPORTS: Table =
    Table { entity: "airport", file: include_bytes!("../../../../demo/flights/airports.csv.zst"), rows: 1_458 };
pub(super) const PLANES: Table =
    Table { entity: "plane", file: include_bytes!("../../../../demo/flights/planes.csv.zst"), rows: 3_322 };
pub(super) const WEATHER: Table =
    Table { entity: "weather", file: include_bytes!("../../../../demo/flights/weather.csv.zst"), rows: 26_115 };
pub(super) const FLIGHTS: Table =
    Table { entity: "flight", file: include_bytes!("../../../../demo/flights/flights.csv.zst"), rows: 336_776 };

impl Table {
    /// The first rows of the file; never more than it has.
    pub(super) fn open(&self, take: Take) -> Result<Rows> {
        let total = match take {
            Take::All => self.rows,
            Take::First(rows) => rows.min(self.rows),
        };
        let bytes = Decoder::new(self.file).map_err(|error| Error::Data(error.to_string()))?;
        let mut reader = csv::Reader::from_reader(bytes);
        let headers = reader.headers().map_err(|error| Error::Data(error.to_string()))?.clone();
        Ok(Rows { reader, headers, record: StringRecord::new(), total, left: total })
    }
}

/// Rows as they are read, one at a time: the flights alone are 31 MB of text.
pub(super) struct Rows {
    pub(super) reader: csv::Reader<Decoder<'static, BufReader<&'static [u8]>>>,
    headers: StringRecord,
    pub(super) record: StringRecord,
    total: usize,
    left: usize,
}

impl Rows {
    /// How many there are in all.
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    /// A file that ends early is damaged.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(Some(Row::new(&self.headers, &self.record))),
            Ok(false) => Err(Error::Data(format!("{} rows are missing", self.left + 1))),
            Err(error) => Err(Error::Data(error.to_string())),
        }
    }
}
