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

    purchases(server).await;
    batches(server).await;
    updates(server).await;

    for (request, expect) in [
        (format!("GET {RECORDS}/{} HTTP/1.1\r\n{host}\r\n", rows::id(ROWS)), 404),
        (format!("GET {RECORDS}?limit=25 HTTP/1.1\r\n{host}\r\n"), 400),
        (format!("POST {RECORDS} HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}"), 400),
        (format!("POST {RECORDS}/batch HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}"), 400),
        (patch(rows::id(8), "If-Match: \"00000002\"\r\n"), 412),
        (patch(rows::id(8), ""), 400),
        (patch(rows::id(ROWS), "If-Match: \"00000001\"\r\n"), 404),
    ] {
        let mut connection = Connection::open(server.address).await.unwrap();
        assert_eq!(connection.exchange(request.as_bytes()).await.unwrap().status, expect, "{request}");
    }
}

fn patch(id: uuid::Uuid, condition: &str) -> String {
    let body = r#"{"quantity":1}"#;
    let length = body.len();
    format!("PATCH {RECORDS}/{id} HTTP/1.1\r\nHost: floor\r\n{condition}Content-Length: {length}\r\n\r\n{body}")
}

/// A page of those that meet the rule, each with the whole of its supplier.
async fn purchases(server: &Server) {
    let path = "/api/v1/records/purchase?filter=category%20%3D%3D%20%22c07%22&sort=-due&limit=25&expand=supplier";
    let page = call(server.address, "GET", path, "Host: floor\r\n", "").await.unwrap();
    let of_category = (0..ROWS).filter(|number| number % 100 == 7);
    let mut expect: Vec<_> = of_category
        .map(|number| (rows::item(number), number))
        .filter(|(item, _)| item.quantity >= 5_500)
        .map(|(item, number)| (std::cmp::Reverse(item.due), number))
        .collect();
    expect.sort();
    let expect: Vec<(String, String)> = expect
        .iter()
        .take(25)
        .map(|(_, number)| (rows::id(*number).to_string(), rows::supplier(rows::supplier_of(*number)).name))
        .collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap();
    let found: Vec<_> = items.iter().map(|item| (text(&item["id"]), text(&item["supplier"]["name"]))).collect();
    assert_eq!(found, expect);
    let mut of_purchase = KEYS.to_vec();
    of_purchase.insert(8, "supplier");
    assert_eq!(keys(&items[0]), of_purchase);
    let of_supplier = ["city", "created_at", "created_by", "id", "name", "updated_at", "updated_by", "version"];
    assert_eq!(keys(&items[0]["supplier"]), of_supplier);
}

async fn batches(server: &Server) {
    let host = "Host: floor\r\n";
    let bodies: Vec<String> = (0..3).map(|number| rows::body(&rows::item(ROWS + number))).collect();
    let answer = call(server.address, "POST", &format!("{RECORDS}/batch"), host, &rows::batch_body(&bodies)).await;
    let answer = answer.unwrap();
    assert_eq!(keys(&answer), ["created", "deleted", "errors", "updated"]);
    let created = answer["created"].as_array().unwrap();
    let sent: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(created.iter().map(fields).collect::<Vec<_>>(), sent);
    for record in created {
        let path = format!("{RECORDS}/{}", record["id"].as_str().unwrap());
        assert_eq!(call(server.address, "GET", &path, host, "").await.unwrap(), *record);
    }
}

/// Twice the same record, each time at its version.
async fn updates(server: &Server) {
    let path = format!("{RECORDS}/{}", rows::id(9));
    let before = call(server.address, "GET", &path, "Host: floor\r\n", "").await.unwrap();
    for (version, quantity) in [(1, 11), (2, 12)] {
        let headers = format!("Host: floor\r\nIf-Match: \"0000000{version}\"\r\n");
        let body = json!({"quantity": quantity}).to_string();
        let after = call(server.address, "PATCH", &path, &headers, &body).await.unwrap();
        assert_eq!((&after["quantity"], &after["version"]), (&json!(quantity), &json!(version + 1)));
        assert_eq!((&after["name"], &after["created_at"]), (&before["name"], &before["created_at"]));
        assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
        assert_eq!(call(server.address, "GET", &path, "Host: floor\r\n", "").await.unwrap(), after);
    }
}

/// One create, one batch of three, two updates.
const EVENTS: u32 = ROWS + 1 + 3 + 2;

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("floor.db");
    let server = start(&["floor-sqlite", "--file", file.to_str().unwrap()], folder.path());
    answers(&server).await;
    server.stop().unwrap();
    let events = rusqlite::Connection::open(file).unwrap();
    let events: u32 = events.query_row("SELECT count(*) FROM audit_event", (), |row| row.get(0)).unwrap();
    assert_eq!(events, EVENTS);
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
    assert_eq!(events.get::<_, i64>(0), i64::from(EVENTS));
    cluster.remove(&name).await.unwrap();
}
