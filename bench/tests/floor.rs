//! One request of each kind against each floor server.

use std::path::Path;
use std::process::Command;

use insula_bench::http::{Connection, call};
use insula_bench::postgres::Cluster;
use insula_bench::rows;
use insula_bench::server::Server;
use serde_json::{Value, json};

const ROWS: u32 = 5_000;
const RECORDS: &str = "/api/v1/records/item";
const KEYS: [&str; 11] = [
    "category",
    "created_at",
    "created_by",
    "due",
    "id",
    "name",
    "price",
    "quantity",
    "updated_at",
    "updated_by",
    "version",
];

fn start(arguments: &[&str], folder: &Path) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insula-bench"));
    command.args(arguments).args(["--rows", &ROWS.to_string()]);
    Server::start(&mut command, &folder.join("log")).unwrap()
}

fn fields(record: &Value) -> Value {
    let of = |key| record[key].clone();
    json!({"name": of("name"), "category": of("category"), "quantity": of("quantity"), "price": of("price"), "due": of("due")})
}

fn keys(record: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn answers(server: &Server) {
    let host = "Host: floor\r\n";
    let get = async |path: String| call(server.address, "GET", &path, host, "").await.unwrap();

    let seventh = get(format!("{RECORDS}/{}", rows::id(7))).await;
    assert_eq!(keys(&seventh), KEYS);
    let sent: Value = serde_json::from_str(&rows::body(&rows::item(7))).unwrap();
    assert_eq!(fields(&seventh), sent);

    let page = get(format!("{RECORDS}?filter=category%20%3D%3D%20%22c07%22&sort=-due&limit=25")).await;
    let mut expect: Vec<_> =
        (0..ROWS).filter(|number| number % 100 == 7).map(|number| (rows::item(number).due, number)).collect();
    expect.sort_by_key(|(due, number)| (std::cmp::Reverse(*due), *number));
    let expect: Vec<String> = expect.iter().take(25).map(|(_, number)| rows::id(*number).to_string()).collect();
    let found: Vec<&str> = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(found, expect);
    assert!(page["next_cursor"].is_string());

    let body = rows::body(&rows::item(ROWS));
    let created = call(server.address, "POST", RECORDS, host, &body).await.unwrap();
    assert_eq!(fields(&created), serde_json::from_str::<Value>(&body).unwrap());
    assert_eq!(get(format!("{RECORDS}/{}", created["id"].as_str().unwrap())).await, created);

    for (request, expect) in [
        (format!("GET {RECORDS}/{} HTTP/1.1\r\n{host}\r\n", rows::id(ROWS)), 404),
        (format!("GET {RECORDS}?limit=25 HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("POST {RECORDS} HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}"), 400),
    ] {
        let mut connection = Connection::open(server.address).await.unwrap();
        assert_eq!(connection.exchange(request.as_bytes()).await.unwrap().status, expect, "{request}");
    }
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("floor.db");
    let server = start(&["floor-sqlite", "--file", file.to_str().unwrap()], folder.path());
    answers(&server).await;
    server.stop().unwrap();
    let events = rusqlite::Connection::open(file).unwrap();
    let events: u32 = events.query_row("SELECT count(*) FROM audit_event", (), |row| row.get(0)).unwrap();
    assert_eq!(events, ROWS + 1);
}

/// Needs a PostgreSQL server, as every store test does: `cargo xtask test` starts one.
#[tokio::test]
async fn postgres() {
    let cluster = std::env::var("INSULA_TEST_POSTGRES").expect("INSULA_TEST_POSTGRES names a superuser");
    let cluster = Cluster::connect(&cluster).await.unwrap();
    let name = format!("insula_bench_test_{}", std::process::id());
    let url = cluster.make(&name).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = start(&["floor-postgres", "--url", &url], folder.path());
    answers(&server).await;
    server.stop().unwrap();
    let events = cluster.inside(&name).await.unwrap();
    let events = events.query_one("SELECT count(*) FROM audit_event", &[]).await.unwrap();
    assert_eq!(events.get::<_, i64>(0), i64::from(ROWS) + 1);
    cluster.remove(&name).await.unwrap();
}
