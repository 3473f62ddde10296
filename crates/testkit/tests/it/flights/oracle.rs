//! The right answers, worked out from the files alone. Shares no code with the loader, so that a mistake there cannot
//! hide itself here.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value, json};

type Cells = HashMap<String, String>;

pub(crate) struct Files {
    flights: Vec<Cells>,
    airlines: HashMap<String, Cells>,
    airports: HashMap<String, Cells>,
    planes: HashMap<String, Cells>,
    weather: HashMap<String, Cells>,
}

/// A row of a file, or none where no row has the code.
#[derive(Clone, Copy)]
pub(crate) struct Row<'f>(Option<&'f Cells>);

/// A flight with the rows its codes lead to.
#[derive(Clone, Copy)]
pub(crate) struct Flight<'f> {
    pub(crate) own: Row<'f>,
    pub(crate) carrier: Row<'f>,
    pub(crate) plane: Row<'f>,
    pub(crate) origin: Row<'f>,
    pub(crate) dest: Row<'f>,
    pub(crate) weather: Row<'f>,
}

fn rows(file: &str) -> Vec<Cells> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/flights").join(format!("{file}.csv.zst"));
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    csv::Reader::from_reader(text.as_slice()).deserialize().map(Result::unwrap).collect()
}

fn by(key: impl Fn(&Cells) -> String, rows: Vec<Cells>) -> HashMap<String, Cells> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

fn hour(row: &Cells) -> String {
    format!("{}@{}", row["origin"], row["time_hour"])
}

impl Files {
    /// The flights of January, and all of the rest.
    pub(crate) fn january() -> Self {
        Self {
            flights: rows("flights").into_iter().filter(|row| row["month"] == "1").collect(),
            airlines: by(|row| row["carrier"].clone(), rows("airlines")),
            airports: by(|row| row["faa"].clone(), rows("airports")),
            planes: by(|row| row["tailnum"].clone(), rows("planes")),
            weather: by(hour, rows("weather")),
        }
    }

    pub(crate) fn flights(&self, filter: impl Fn(&Flight<'_>) -> bool) -> Vec<Flight<'_>> {
        let joined = self.flights.iter().map(|row| Flight {
            own: Row(Some(row)),
            carrier: Row(self.airlines.get(&row["carrier"])),
            plane: Row(self.planes.get(&row["tailnum"])),
            origin: Row(self.airports.get(&row["origin"])),
            dest: Row(self.airports.get(&row["dest"])),
            weather: Row(self.weather.get(&hour(row))),
        });
        joined.filter(|flight| filter(flight)).collect()
    }
}

impl<'f> Row<'f> {
    pub(crate) const fn exists(self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn text(self, name: &str) -> Option<&'f str> {
        self.0.map(|cells| cells[name].as_str()).filter(|text| *text != "NA")
    }

    pub(crate) fn is(self, name: &str, text: &str) -> bool {
        self.text(name) == Some(text)
    }

    pub(crate) fn int(self, name: &str) -> Option<i64> {
        self.text(name).map(|text| text.parse().unwrap())
    }

    pub(crate) fn float(self, name: &str) -> Option<f64> {
        self.text(name).map(|text| text.parse().unwrap())
    }

    fn date(self) -> String {
        format!("2013-{:02}-{:02}", self.int("month").unwrap(), self.int("day").unwrap())
    }

    /// A decimal as the API writes it, with all the places of its scale.
    fn decimal(self, name: &str, scale: usize) -> Value {
        json!(self.float(name).map(|number| format!("{number:.scale$}")))
    }

    /// Fifteen places are more than a float can be trusted with: the file's own digits, filled up.
    fn degrees(self, name: &str) -> Value {
        json!(self.text(name).map(|text| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole}.{fraction:0<15}")
        }))
    }

    fn as_airline(self) -> Value {
        json!({"code": self.text("carrier"), "name": self.text("name")})
    }

    fn as_airport(self) -> Value {
        json!({
            "code": self.text("faa"), "name": self.text("name"), "lat": self.degrees("lat"), "lon": self.degrees("lon"),
            "alt": self.int("alt"), "tz": self.int("tz"), "dst": self.text("dst"), "tzone": self.text("tzone"),
        })
    }

    fn as_plane(self) -> Value {
        json!({
            "tailnum": self.text("tailnum"), "year": self.int("year"), "type": self.text("type"),
            "manufacturer": self.text("manufacturer"), "model": self.text("model"), "engines": self.int("engines"),
            "seats": self.int("seats"), "speed": self.int("speed"), "engine": self.text("engine"),
        })
    }

    fn as_weather(self) -> Value {
        json!({
            "airport": "an id", "time_hour": self.text("time_hour"), "date": self.date(), "hour": self.int("hour"),
            "temp": self.decimal("temp", 2), "dewp": self.decimal("dewp", 2), "humid": self.decimal("humid", 2),
            "wind_dir": self.int("wind_dir"), "wind_speed": self.decimal("wind_speed", 5),
            "wind_gust": self.decimal("wind_gust", 5), "precip": self.decimal("precip", 2),
            "pressure": self.decimal("pressure", 1), "visib": self.decimal("visib", 2),
        })
    }
}

impl Flight<'_> {
    /// The record as [`comparable`] leaves it.
    pub(crate) fn as_record(&self, expand: &[&str]) -> Value {
        let own = self.own;
        let relation = |name: &str, to: Row<'_>, record: fn(Row<'_>) -> Value| match to.exists() {
            false => Value::Null,
            true if expand.contains(&name) => record(to),
            true => json!("an id"),
        };
        json!({
            "date": own.date(), "time_hour": own.text("time_hour"), "number": own.int("flight"),
            "tailnum": own.text("tailnum"), "dest_code": own.text("dest"),
            "carrier": relation("carrier", self.carrier, |row| row.as_airline()),
            "plane": relation("plane", self.plane, |row| row.as_plane()),
            "origin": relation("origin", self.origin, |row| row.as_airport()),
            "dest": relation("dest", self.dest, |row| row.as_airport()),
            "weather": relation("weather", self.weather, |row| row.as_weather()),
            "sched_dep_time": own.int("sched_dep_time"), "dep_time": own.int("dep_time"),
            "dep_delay": own.int("dep_delay"), "sched_arr_time": own.int("sched_arr_time"),
            "arr_time": own.int("arr_time"), "arr_delay": own.int("arr_delay"), "air_time": own.int("air_time"),
            "distance": own.int("distance"),
        })
    }
}

/// A record of the API without what no file can know: the system columns, and which id a relation has.
pub(crate) fn comparable(record: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in record.as_object().unwrap() {
        let value = match (name.as_str(), value) {
            ("id" | "created_at" | "created_by" | "updated_at" | "updated_by" | "version", _) => continue,
            (_, Value::Object(_)) => comparable(value),
            ("carrier" | "plane" | "origin" | "dest" | "weather" | "airport", Value::String(_)) => json!("an id"),
            _ => value.clone(),
        };
        fields.insert(name.clone(), value);
    }
    Value::Object(fields)
}

/// One key of a sort. Nothing is smaller than any number.
#[derive(Clone, Copy)]
pub(crate) enum Sort {
    Up(&'static str),
    Down(&'static str),
}

/// What a record is sorted by: equal for the records of a tie.
pub(crate) type Place = Vec<Result<Option<i64>, Reverse<Option<i64>>>>;

pub(crate) fn place(record: &Value, sort: &[Sort]) -> Place {
    sort.iter()
        .map(|key| match key {
            Sort::Up(name) => Ok(record[name].as_i64()),
            Sort::Down(name) => Err(Reverse(record[name].as_i64())),
        })
        .collect()
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(name) => f.write_str(name),
            Self::Down(name) => write!(f, "-{name}"),
        }
    }
}
