//! A month of real flights, loaded and asked about through the API, on both stores; every answer is compared with what
//! the files say.

mod oracle;

use insula_testkit::client::{Client, Registration};
use insula_testkit::flights::{Options, Progress, Take, load};
use insula_testkit::{Store, TestApp};
use serde_json::Value;

use oracle::{Files, Flight, Sort, comparable, place};

#[tokio::test(flavor = "multi_thread")]
async fn january_on_sqlite() {
    january(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn january_on_postgres() {
    january(Store::Postgres).await;
}

async fn january(store: Store) {
    let app = TestApp::start(store).await;
    let client = Client::new(app.url()).unwrap();
    let new = Registration {
        code: "flights",
        name: "Flights",
        email: "january@example.com",
        password: "forty-two pigeons over Queens",
        full_name: "January",
    };
    client.register(new).await.unwrap();
    let report = load(&client, Options { flights: Take::JANUARY, progress: Progress::Silent }).await.unwrap();
    let loaded: Vec<(&str, usize)> = report.0.iter().map(|loaded| (loaded.entity, loaded.records)).collect();
    let expect = [("airline", 16), ("airport", 1_458), ("plane", 3_322), ("weather", 26_115), ("flight", 27_004)];
    assert_eq!(loaded, expect);
    for (entity, records) in expect {
        assert_eq!(count(&client, entity, None).await, records, "{entity}");
    }

    let files = Files::january();
    for (filter, says) in QUESTIONS {
        let expect = files.flights(says).len();
        assert!((1..27_004).contains(&expect), "`{filter}` asks nothing: {expect}");
        assert_eq!(count(&client, "flight", Some(filter)).await, expect, "{filter}");
    }
    for listing in LISTINGS {
        listing.check(&client, &files).await;
    }
}

async fn count(client: &Client, entity: &str, filter: Option<&str>) -> usize {
    let mut query = vec![("limit", "1"), ("count", "exact")];
    query.extend(filter.map(|filter| ("filter", filter)));
    let page = client.get(&format!("/api/v1/records/{entity}"), &query).await.unwrap();
    let total = usize::try_from(page["total"].as_u64().unwrap()).unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), total.min(1));
    assert_eq!(page["next_cursor"].is_string(), total > 1, "{page}");
    total
}

/// A filter, and what it means for one flight. `None < Some(_)` makes Rust's `>` that of the API; its `<` needs care.
type Question = (&'static str, fn(&Flight<'_>) -> bool);

const QUESTIONS: &[Question] = &[
    // Plain comparisons, and nulls.
    ("dep_delay > 0", |f| f.own.int("dep_delay") > Some(0)),
    ("dep_delay < 0", |f| f.own.int("dep_delay").is_some_and(|n| n < 0)),
    ("!(dep_delay > 0)", |f| f.own.int("dep_delay") <= Some(0)),
    ("!(dep_delay < 0)", |f| f.own.int("dep_delay").is_none_or(|n| n >= 0)),
    ("dep_delay == null", |f| f.own.int("dep_delay").is_none()),
    ("dep_delay != null", |f| f.own.int("dep_delay").is_some()),
    ("dep_delay != 0", |f| f.own.int("dep_delay") != Some(0)),
    ("!(dep_delay == 0 || dep_delay == null)", |f| f.own.int("dep_delay").is_some_and(|n| n != 0)),
    ("dep_time != null && arr_time == null", |f| f.own.int("dep_time").is_some() && f.own.int("arr_time").is_none()),
    ("dep_delay in [-5, 0, 5]", |f| f.own.int("dep_delay").is_some_and(|n| [-5, 0, 5].contains(&n))),
    ("!(dep_delay in [-5, 0, 5])", |f| f.own.int("dep_delay").is_none_or(|n| ![-5, 0, 5].contains(&n))),
    ("distance >= 2475 && distance <= 2586", |f| (2475..=2586).contains(&f.own.int("distance").unwrap())),
    ("number in [1, 15, 1545]", |f| [1, 15, 1545].contains(&f.own.int("flight").unwrap())),
    // Dates and times.
    (r#"date == "2013-01-15""#, |f| f.own.is("day", "15")),
    (r#"date >= "2013-01-08" && date < "2013-01-15""#, |f| (8..15).contains(&f.own.int("day").unwrap())),
    (r#"time_hour < "2013-01-02T05:00:00Z""#, |f| f.own.text("time_hour").unwrap() < "2013-01-02T05:00:00Z"),
    // Relations themselves.
    ("plane == null", |f| !f.plane.exists()),
    ("plane == null && tailnum != null", |f| !f.plane.exists() && f.own.text("tailnum").is_some()),
    ("tailnum == null", |f| f.own.text("tailnum").is_none()),
    ("dest == null", |f| !f.dest.exists()),
    (r#"dest_code in ["SJU", "BQN"]"#, |f| f.own.is("dest", "SJU") || f.own.is("dest", "BQN")),
    ("weather == null", |f| !f.weather.exists()),
    // Fields behind relations.
    (r#"carrier.name == "JetBlue Airways""#, |f| f.carrier.is("name", "JetBlue Airways")),
    (r#"carrier.code == "UA" && origin.code == "EWR""#, |f| f.own.is("carrier", "UA") && f.own.is("origin", "EWR")),
    (r#"origin.code in ["JFK", "LGA"] && !(carrier.code in ["B6", "DL"])"#, |f| {
        !f.own.is("origin", "EWR") && !f.own.is("carrier", "B6") && !f.own.is("carrier", "DL")
    }),
    ("dest.tz == -8", |f| f.dest.int("tz") == Some(-8)),
    ("dest.tz == -10 || dest.tz == -7", |f| matches!(f.dest.int("tz"), Some(-10 | -7))),
    ("!(dest.tz < -5)", |f| f.dest.int("tz").is_none_or(|tz| tz >= -5)),
    (r#"dest.dst != "A""#, |f| !f.dest.is("dst", "A")),
    (r#"!(dest.tzone == "America/New_York")"#, |f| !f.dest.is("tzone", "America/New_York")),
    ("dest.alt > 5000 || distance > 4900", |f| f.dest.int("alt") > Some(5000) || f.own.int("distance") > Some(4900)),
    (r#"plane.year < 1990 && plane.manufacturer == "MCDONNELL DOUGLAS""#, |f| {
        f.plane.int("year").is_some_and(|year| year < 1990) && f.plane.is("manufacturer", "MCDONNELL DOUGLAS")
    }),
    ("plane.year == null", |f| f.plane.int("year").is_none()),
    ("plane != null && plane.year == null", |f| f.plane.exists() && f.plane.int("year").is_none()),
    (r#"plane.engine in ["Turbo-jet", "Turbo-prop"]"#, |f| {
        f.plane.is("engine", "Turbo-jet") || f.plane.is("engine", "Turbo-prop")
    }),
    ("!(plane.seats >= 100)", |f| f.plane.int("seats").is_none_or(|seats| seats < 100)),
    // Decimals behind relations.
    ("weather.visib < 1", |f| f.weather.float("visib").is_some_and(|n| n < 1.0)),
    ("weather.visib == 0.25", |f| f.weather.is("visib", "0.25")),
    ("weather.wind_speed > 30.5", |f| f.weather.float("wind_speed").is_some_and(|n| n > 30.5)),
    ("weather.wind_speed == 10.35702", |f| f.weather.is("wind_speed", "10.357019999999999")),
    ("weather.wind_gust == null", |f| f.weather.float("wind_gust").is_none()),
    ("weather.temp <= 10.94 || weather.precip > 0.3", |f| {
        f.weather.float("temp").is_some_and(|n| n <= 10.94) || f.weather.float("precip").is_some_and(|n| n > 0.3)
    }),
    // All of it together.
    ("dep_delay >= 60 && !(arr_delay > 60 || arr_delay == null)", |f| {
        f.own.int("dep_delay") >= Some(60) && f.own.int("arr_delay").is_some_and(|n| n <= 60)
    }),
    (
        r#"(dest == null || dest.tz < -7) && !(carrier.name == "United Air Lines Inc.") && weather.wind_speed < 5"#,
        |f| {
            f.dest.int("tz").is_none_or(|tz| tz < -7)
                && !f.own.is("carrier", "UA")
                && f.weather.float("wind_speed").is_some_and(|n| n < 5.0)
        },
    ),
];

/// All pages of one question, in order.
struct Listing {
    filter: &'static str,
    says: fn(&Flight<'_>) -> bool,
    sort: &'static [Sort],
    limit: usize,
    expand: &'static [&'static str],
}

const LISTINGS: &[Listing] = &[
    Listing {
        filter: r#"carrier.code == "UA" && origin.code == "EWR""#,
        says: |f| f.own.is("carrier", "UA") && f.own.is("origin", "EWR"),
        sort: &[Sort::Down("dep_delay")],
        limit: 50,
        expand: &["plane", "dest", "carrier"],
    },
    Listing {
        filter: "dest == null",
        says: |f| !f.dest.exists(),
        sort: &[Sort::Up("arr_delay")],
        limit: 100,
        expand: &["weather", "origin", "dest"],
    },
    Listing {
        filter: "plane == null && weather.visib < 3",
        says: |f| !f.plane.exists() && f.weather.float("visib").is_some_and(|n| n < 3.0),
        sort: &[Sort::Up("sched_dep_time"), Sort::Down("dep_delay"), Sort::Up("number")],
        limit: 37,
        expand: &[],
    },
    Listing {
        filter: "number < 100",
        says: |f| f.own.int("flight").unwrap() < 100,
        sort: &[],
        limit: 1_000,
        expand: &["weather"],
    },
];

impl Listing {
    async fn check(&self, client: &Client, files: &Files) {
        let got = self.all_pages(client).await;
        let places: Vec<_> = got.iter().map(|item| (place(item, self.sort), item["id"].as_str().unwrap())).collect();
        assert!(places.windows(2).all(|two| two[0] < two[1]), "`{}` is out of order", self.filter);

        // Which of a tie comes first is for the ids to say, and they are in order; so the rest may be sorted here.
        let mut got: Vec<Value> = got.iter().map(comparable).collect();
        let mut expect: Vec<Value> = files.flights(self.says).iter().map(|f| f.as_record(self.expand)).collect();
        for records in [&mut got, &mut expect] {
            records.sort_by_cached_key(|record| (place(record, self.sort), record.to_string()));
        }
        assert_eq!(got.len(), expect.len(), "{}", self.filter);
        for (got, expect) in got.iter().zip(&expect) {
            assert_eq!(got, expect, "{}", self.filter);
        }
    }

    async fn all_pages(&self, client: &Client) -> Vec<Value> {
        let sort: Vec<String> = self.sort.iter().map(Sort::to_string).collect();
        let (sort, expand, limit) = (sort.join(","), self.expand.join(","), self.limit.to_string());
        let mut cursor: Option<String> = None;
        let mut all = Vec::new();
        loop {
            let mut query = vec![("filter", self.filter), ("limit", &limit), ("count", "exact")];
            for (name, value) in [("sort", &sort), ("expand", &expand)] {
                if !value.is_empty() {
                    query.push((name, value));
                }
            }
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = client.get("/api/v1/records/flight", &query).await.unwrap();
            let items = page["items"].as_array().unwrap();
            all.extend(items.iter().cloned());
            let total = usize::try_from(page["total"].as_u64().unwrap()).unwrap();
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                assert_eq!(all.len(), total, "`{}` ends early", self.filter);
                return all;
            }
            assert_eq!(items.len(), self.limit, "`{}` has a short page in between", self.filter);
            assert!(all.len() < total, "`{}` goes on after its end", self.filter);
        }
    }
}
