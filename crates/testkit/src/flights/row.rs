//! What a row of each file becomes: one struct read by the file's names and written by the entity's.

use std::borrow::Cow;
use std::collections::HashMap;

use csv::StringRecord;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::batch::Batch;
use super::{Error, Result, cell};

#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    headers: &'r StringRecord,
    record: &'r StringRecord,
}

/// The ids of the records already made, by the codes the files refer to them with.
pub(super) struct Known {
    pub(super) airlines: HashMap<String, Uuid>,
    pub(super) airports: HashMap<String, Uuid>,
    pub(super) planes: HashMap<String, Uuid>,
    /// By [`hour_key`].
    pub(super) weather: HashMap<String, Uuid>,
}

impl<'r> Row<'r> {
    pub(super) const fn new(headers: &'r StringRecord, record: &'r StringRecord) -> Self {
        Self { headers, record }
    }

    pub(super) fn read<T: Deserialize<'r>>(self) -> Result<T> {
        self.record.deserialize(Some(self.headers)).map_err(|error| Error::Data(error.to_string()))
    }
}

/// The id of a record the files promise to have.
fn id_of(known: &HashMap<String, Uuid>, code: &str) -> Result<Uuid> {
    known.get(code).copied().ok_or_else(|| Error::Data(format!("nothing has the code {code}")))
}

/// What an hour of weather is known by.
fn hour_key(airport: &str, time_hour: &str) -> String {
    format!("{airport} {time_hour}")
}

#[derive(Deserialize, Serialize)]
struct Airline<'r> {
    #[serde(rename(deserialize = "carrier"))]
    code: &'r str,
    name: &'r str,
}

pub(super) fn airline(row: Row<'_>, batch: &mut Batch) -> Result<()> {
    let airline: Airline<'_> = row.read()?;
    batch.add(airline.code.to_owned(), &airline)
}

#[derive(Deserialize, Serialize)]
struct Airport<'r> {
    #[serde(rename(deserialize = "faa"))]
    code: &'r str,
    name: &'r str,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    lat: Option<Cow<'r, str>>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    lon: Option<Cow<'r, str>>,
    alt: i64,
    tz: i64,
    dst: &'r str,
    #[serde(borrow, deserialize_with = "cell::text")]
    tzone: Option<&'r str>,
}

pub(super) fn airport(row: Row<'_>, batch: &mut Batch) -> Result<()> {
    let airport: Airport<'_> = row.read()?;
    batch.add(airport.code.to_owned(), &airport)
}

#[derive(Deserialize, Serialize)]
struct Plane<'r> {
    tailnum: &'r str,
    #[serde(deserialize_with = "cell::number")]
    year: Option<u16>,
    r#type: &'r str,
    manufacturer: &'r str,
    model: &'r str,
    engines: u16,
    seats: u16,
    #[serde(deserialize_with = "cell::number")]
    speed: Option<u16>,
    engine: &'r str,
}

pub(super) fn plane(row: Row<'_>, batch: &mut Batch) -> Result<()> {
    let plane: Plane<'_> = row.read()?;
    batch.add(plane.tailnum.to_owned(), &plane)
}

/// `year`, `month` and `day` of a row, which the entities have as one.
#[derive(Deserialize)]
struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[derive(Deserialize, Serialize)]
struct Weather<'r> {
    #[serde(skip_serializing)]
    origin: &'r str,
    time_hour: &'r str,
    hour: u8,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    temp: Option<Cow<'r, str>>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    dewp: Option<Cow<'r, str>>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    humid: Option<Cow<'r, str>>,
    #[serde(deserialize_with = "cell::number")]
    wind_dir: Option<u16>,
    #[serde(deserialize_with = "cell::wind")]
    wind_speed: Option<String>,
    #[serde(deserialize_with = "cell::wind")]
    wind_gust: Option<String>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    precip: Option<Cow<'r, str>>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    pressure: Option<Cow<'r, str>>,
    #[serde(borrow, deserialize_with = "cell::decimal")]
    visib: Option<Cow<'r, str>>,
}

#[derive(Serialize)]
struct NewWeather<'r> {
    airport: Uuid,
    date: String,
    #[serde(flatten)]
    measured: Weather<'r>,
}

pub(super) fn weather(row: Row<'_>, known: &Known, batch: &mut Batch) -> Result<()> {
    let measured: Weather<'_> = row.read()?;
    let key = hour_key(measured.origin, measured.time_hour);
    let airport = id_of(&known.airports, measured.origin)?;
    batch.add(key, &NewWeather { airport, date: row.read::<Day>()?.date(), measured })
}

#[derive(Deserialize, Serialize)]
struct Flight<'r> {
    time_hour: &'r str,
    #[serde(skip_serializing)]
    carrier: &'r str,
    #[serde(rename(deserialize = "flight"))]
    number: u16,
    #[serde(borrow, deserialize_with = "cell::text")]
    tailnum: Option<&'r str>,
    #[serde(skip_serializing)]
    origin: &'r str,
    #[serde(rename(serialize = "dest_code"))]
    dest: &'r str,
    sched_dep_time: u16,
    #[serde(deserialize_with = "cell::number")]
    dep_time: Option<u16>,
    #[serde(deserialize_with = "cell::number")]
    dep_delay: Option<i16>,
    sched_arr_time: u16,
    #[serde(deserialize_with = "cell::number")]
    arr_time: Option<u16>,
    #[serde(deserialize_with = "cell::number")]
    arr_delay: Option<i16>,
    #[serde(deserialize_with = "cell::number")]
    air_time: Option<u16>,
    distance: u16,
}

#[derive(Serialize)]
struct NewFlight<'r> {
    date: String,
    carrier: Uuid,
    plane: Option<Uuid>,
    origin: Uuid,
    dest: Option<Uuid>,
    weather: Option<Uuid>,
    #[serde(flatten)]
    reported: Flight<'r>,
}

/// Planes, destinations and hours of weather that the other files do not have stay empty.
pub(super) fn flight(row: Row<'_>, known: &Known, batch: &mut Batch) -> Result<()> {
    let reported: Flight<'_> = row.read()?;
    let new = NewFlight {
        date: row.read::<Day>()?.date(),
        carrier: id_of(&known.airlines, reported.carrier)?,
        plane: reported.tailnum.and_then(|tailnum| known.planes.get(tailnum).copied()),
        origin: id_of(&known.airports, reported.origin)?,
        dest: known.airports.get(reported.dest).copied(),
        weather: known.weather.get(&hour_key(reported.origin, reported.time_hour)).copied(),
        reported,
    };
    // Nothing refers to a flight, so it needs no key.
    batch.add(String::new(), &new)
}
