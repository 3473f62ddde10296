//! The whole of the data, converted without a server and read by the product's own readers: every record must be one the
//! entity takes, and what is missing must agree with what the README counts.

use std::collections::{HashMap, HashSet};

use insula_model::clock::{Clock, Ids};
use insula_model::draft;
use insula_model::entity::{Entity, Schema, define};
use insula_model::json::Json;
use insula_model::problem::Errors;
use insula_model::rights::FieldMask;
use insula_model::value;

use super::*;

/// The entities as the product reads them.
fn schema() -> Schema {
    let Json::Array(definitions) = Json::parse(ENTITIES.as_bytes()).unwrap() else { panic!("an array") };
    let ids = Ids::new(Clock::default());
    definitions.iter().fold(Schema::default(), |earlier, definition| {
        let entity = define(definition, &earlier, &ids).unwrap_or_else(|problem| panic!("{:?}", problem.errors()));
        let entities = earlier.entities().iter().map(|entity| Entity::clone(entity)).chain([entity]).collect();
        Schema::new(earlier.version() + 1, entities)
    })
}

/// The values of one record by the names of their fields.
struct Record<'r> {
    entity: &'r Entity,
    values: Vec<value::Value>,
}

impl Record<'_> {
    fn text(&self, field: &str) -> Option<String> {
        let position = self.entity.fields.iter().position(|f| f.name.as_str() == field).unwrap();
        let value = &self.values[position];
        (!value.is_null()).then(|| match value {
            value::Value::Text(text) => text.clone(),
            other => serde_json::to_string(other).unwrap().trim_matches('"').to_owned(),
        })
    }
}

/// Reads all records of a table as the product would, and makes up ids for their keys. Counts what is null.
fn check(
    table: &Table,
    add: impl Fn(Row<'_>, &mut Batch) -> Result<()>,
    nulls: &[(&str, usize)],
    mut each: impl FnMut(&Record<'_>),
) -> HashMap<String, Uuid> {
    let schema = schema();
    let entity = schema.named(table.entity).unwrap();
    let all = FieldMask::all(entity);
    let mut found = vec![0; entity.fields.len()];
    let mut ids = HashMap::new();
    let mut receive = |batch: Batch| {
        let (body, keys) = batch.into_parts();
        assert!(body.len() < 1 << 20, "{} bytes", body.len());
        let Json::Object(body) = Json::parse(&body).unwrap() else { panic!("an object") };
        let [(mode, Json::Text(atomic)), (create, Json::Array(records))] = body.as_slice() else { panic!("{body:?}") };
        assert_eq!((mode.as_str(), atomic.as_str(), create.as_str()), ("mode", "atomic", "create"));
        assert_eq!(records.len(), keys.len());
        for (record, key) in records.iter().zip(keys) {
            let Json::Object(members) = record else { panic!("{record:?}") };
            assert_eq!(members.len(), entity.fields.len(), "{members:?}");
            let mut errors = Errors::default();
            let draft = draft::create(entity, &all, members, "", &mut errors);
            errors.check().unwrap_or_else(|problem| panic!("{members:?}: {:?}", problem.errors()));
            let record = Record { entity, values: draft.into_values() };
            for (found, value) in found.iter_mut().zip(&record.values) {
                *found += usize::from(value.is_null());
            }
            each(&record);
            let id = Uuid::from_u128(ids.len() as u128 + 1);
            assert!(ids.insert(key.clone(), id).is_none() || key.is_empty(), "{key} twice");
        }
    };
    let mut rows = table.open(Take::All).unwrap();
    let mut batch = Batch::default();
    while let Some(row) = rows.next().unwrap() {
        add(row, &mut batch).unwrap();
        if batch.is_full() {
            receive(std::mem::take(&mut batch));
        }
    }
    receive(batch);
    assert_eq!(rows.total(), table.rows);
    assert!(!rows.reader.read_record(&mut rows.record).unwrap(), "{} has more rows", table.entity);
    let found: HashMap<&str, usize> =
        entity.fields.iter().zip(found).filter(|(_, n)| *n > 0).map(|(field, n)| (field.name.as_str(), n)).collect();
    assert_eq!(found, nulls.iter().copied().collect(), "{}", table.entity);
    ids
}

#[test]
fn all_of_the_data_fits_the_entities() {
    let mut known = Known {
        airlines: check(&source::AIRLINES, row::airline, &[], |_| ()),
        airports: check(&source::AIRPORTS, row::airport, &[("tzone", 3)], |_| ()),
        planes: check(&source::PLANES, row::plane, &[("year", 70), ("speed", 3_299)], |_| ()),
        weather: HashMap::new(),
    };
    assert_eq!((known.airlines.len(), known.airports.len(), known.planes.len()), (16, 1_458, 3_322));

    let mut thousand = 0;
    let nulls = [
        ("temp", 1),
        ("dewp", 1),
        ("humid", 1),
        ("wind_dir", 460),
        ("wind_speed", 4),
        ("wind_gust", 20_778),
        ("pressure", 2_729),
    ];
    known.weather = check(
        &source::WEATHER,
        |row, batch| row::weather(row, &known, batch),
        &nulls,
        |hour| {
            thousand += usize::from(hour.text("pressure").as_deref() == Some("1000.0"));
            for wind in ["wind_speed", "wind_gust"] {
                let units = hour.text(wind).map(|text| text.replace('.', "").parse::<u32>().unwrap());
                assert_eq!(units.unwrap_or(0) % 115_078, 0, "{wind} is no whole number of knots");
            }
        },
    );
    assert_eq!(thousand, 5);
    assert_eq!(known.weather.len(), 26_115, "(airport, time_hour) is a key");

    let mut keys = HashSet::new();
    let (mut flights, mut january, mut unnamed) = (0, 0, 0);
    let nulls = [
        ("tailnum", 2_512),
        ("plane", 52_606),
        ("dest", 7_602),
        ("weather", 1_556),
        ("dep_time", 8_255),
        ("dep_delay", 8_255),
        ("arr_time", 8_713),
        ("arr_delay", 9_430),
        ("air_time", 9_430),
    ];
    check(
        &source::FLIGHTS,
        |row, batch| row::flight(row, &known, batch),
        &nulls,
        |flight| {
            let key = ["time_hour", "carrier", "number"].map(|part| flight.text(part).unwrap());
            assert!(keys.insert(key), "{:?} twice", flight.values);
            let in_january = flight.text("date").unwrap().starts_with("2013-01-");
            assert_eq!(in_january, flights < 27_004, "January comes first");
            january += usize::from(in_january);
            unnamed += usize::from(flight.text("tailnum").is_none() && flight.text("plane").is_some());
            flights += 1;
        },
    );
    assert_eq!((flights, january, unnamed), (336_776, 27_004, 0));
}

#[test]
fn the_first_flight_as_it_is_sent() {
    let named = |code: &str, id| HashMap::from([(code.to_owned(), Uuid::from_u128(id))]);
    let known = Known {
        airlines: named("UA", 1),
        airports: HashMap::from([("EWR".to_owned(), Uuid::from_u128(2)), ("IAH".to_owned(), Uuid::from_u128(3))]),
        planes: named("N14228", 4),
        weather: named("EWR 2013-01-01T10:00:00Z", 5),
    };
    let mut batch = Batch::default();
    row::flight(source::FLIGHTS.open(Take::First(1)).unwrap().next().unwrap().unwrap(), &known, &mut batch).unwrap();
    let sent: Value = serde_json::from_slice(&batch.into_parts().0).unwrap();
    let expect = serde_json::json!({"mode": "atomic", "create": [{
        "date": "2013-01-01", "time_hour": "2013-01-01T10:00:00Z", "carrier": Uuid::from_u128(1), "number": 1545,
        "tailnum": "N14228", "plane": Uuid::from_u128(4), "origin": Uuid::from_u128(2),
        "dest_code": "IAH", "dest": Uuid::from_u128(3), "weather": Uuid::from_u128(5),
        "sched_dep_time": 515, "dep_time": 517, "dep_delay": 2,
        "sched_arr_time": 819, "arr_time": 830, "arr_delay": 11, "air_time": 227, "distance": 1400,
    }]});
    assert_eq!(sent, expect);
}

#[test]
fn the_progress_bar_can_be_drawn() {
    assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
}
