//! The whole of the data, converted without a server: what is sent must agree with what the README counts.

use std::collections::{HashMap, HashSet};

use insula_model::name::{Name, is_code};
use insula_model::value::{Date, Decimal, Timestamp};

use super::*;

/// All records of a table as they would be sent, and ids made up for their keys.
fn convert(
    table: &Table,
    add: impl Fn(Row<'_>, &mut Batch) -> Result<()>,
    mut each: impl FnMut(&Value),
) -> HashMap<String, Uuid> {
    let mut rows = table.open(Take::All).unwrap();
    let mut ids = HashMap::new();
    let mut send = |batch: Batch| {
        let (body, keys) = batch.into_parts();
        assert!(body.len() < 1 << 20, "{} bytes", body.len());
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["mode"], "atomic");
        let records = body["create"].as_array().unwrap();
        assert_eq!(records.len(), keys.len());
        for (record, key) in records.iter().zip(keys) {
            each(record);
            let id = Uuid::from_u128(ids.len() as u128 + 1);
            assert!(ids.insert(key.clone(), id).is_none() || key.is_empty(), "{key} twice");
        }
    };
    let mut batch = Batch::default();
    let mut read = 0;
    while let Some(row) = rows.next().unwrap() {
        add(row, &mut batch).unwrap();
        read += 1;
        if batch.is_full() {
            send(std::mem::take(&mut batch));
        }
    }
    send(batch);
    assert_eq!(read, table.rows);
    assert!(!rows.reader.read_record(&mut rows.record).unwrap(), "{} has more rows", table.entity);
    ids
}

/// The fields of an entity by name.
fn fields(entity: &str) -> HashMap<String, Value> {
    let entities: Vec<Value> = serde_json::from_str(ENTITIES).unwrap();
    let entity = entities.into_iter().find(|e| e["name"] == entity).unwrap();
    let fields = entity["fields"].as_array().unwrap().iter();
    fields.map(|field| (field["name"].as_str().unwrap().to_owned(), field.clone())).collect()
}

/// Whether a field, as designed, can hold the value as it stands.
fn holds(field: &Value, value: &Value) -> bool {
    let within =
        |n: i64| field["min"].as_i64().is_none_or(|min| min <= n) && field["max"].as_i64().is_none_or(|max| n <= max);
    let text = value.as_str().unwrap_or_default();
    match field["type"].as_str().unwrap() {
        _ if value.is_null() => field["required"] != true,
        "text" => !text.is_empty() && text.chars().count() as u64 <= field["max_length"].as_u64().unwrap(),
        "code" => is_code(text),
        "integer" => value.as_i64().is_some_and(within),
        "decimal" => {
            let part = |name: &str| u8::try_from(field[name].as_u64().unwrap()).unwrap();
            Decimal::parse(text).is_ok_and(|d| d.rescale(part("scale")).is_ok_and(|d| d.fits(part("precision"))))
        }
        "date" => Date::parse(text).is_some(),
        "datetime" => Timestamp::parse(text).is_some_and(|t| t.to_string() == text),
        "choice" => field["options"].as_array().unwrap().contains(value),
        "relation" => Uuid::parse_str(text).is_ok(),
        other => panic!("{other}"),
    }
}

/// Converts a table; every record has just the entity's fields, each of its type. Counts what is null.
fn check(
    table: &Table,
    add: impl Fn(Row<'_>, &mut Batch) -> Result<()>,
    nulls: &[(&str, usize)],
    mut each: impl FnMut(&Value),
) -> HashMap<String, Uuid> {
    let fields = fields(table.entity);
    let mut found: HashMap<String, usize> = HashMap::new();
    let ids = convert(table, add, |record| {
        let members = record.as_object().unwrap();
        assert_eq!(members.len(), fields.len(), "{record}");
        for (name, value) in members {
            assert!(holds(&fields[name], value), "{name} of {record}");
            if value.is_null() {
                *found.entry(name.clone()).or_default() += 1;
            }
        }
        each(record);
    });
    let expect: HashMap<String, usize> = nulls.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(found, expect, "{}", table.entity);
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
            thousand += usize::from(hour["pressure"] == "1000");
            for wind in ["wind_speed", "wind_gust"] {
                if let Some(text) = hour[wind].as_str() {
                    let units = Decimal::parse(text).unwrap().rescale(5).unwrap().units();
                    assert_eq!(units % 115_078, 0, "{text} is no whole number of knots");
                }
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
            let key = ["time_hour", "carrier", "number"].map(|part| flight[part].to_string());
            assert!(keys.insert(key), "{flight} twice");
            let in_january = flight["date"].as_str().unwrap().starts_with("2013-01-");
            assert_eq!(in_january, flights < 27_004, "January comes first");
            january += usize::from(in_january);
            unnamed += usize::from(flight["tailnum"].is_null() && !flight["plane"].is_null());
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
fn entities_come_after_those_they_refer_to() {
    let entities: Vec<Value> = serde_json::from_str(ENTITIES).unwrap();
    let mut earlier = HashSet::new();
    for entity in &entities {
        let name = entity["name"].as_str().unwrap();
        let fields = fields(name);
        for (field, design) in &fields {
            assert!(Name::parse(field).is_ok(), "{field}");
            if let Some(target) = design["target"].as_str() {
                assert!(earlier.contains(target), "{name}.{field} leads to {target}");
            }
        }
        for key in entity["unique"].as_array().into_iter().flatten() {
            assert!(key.as_array().unwrap().iter().all(|part| fields.contains_key(part.as_str().unwrap())), "{key}");
        }
        earlier.insert(name);
    }
    assert_eq!(entities.len(), 5);
}

#[test]
fn the_progress_bar_can_be_drawn() {
    assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
}
