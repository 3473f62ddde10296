//! The binary as an operator meets it: exit codes, the log, signals.

use std::process::Command;

use insula_testkit::process::{Process, bare, serve};
use insula_testkit::{Place, Store};

fn outcome(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn req_i4_a_refused_configuration_exits_78_with_all_findings() {
    let mut command = bare();
    command.envs([("ENVIRONMENT", "production"), ("SECRET_KEY", "hunter2")]);
    let (code, told) = outcome(command);
    assert_eq!(code, Some(78), "{told}");
    for option in ["SECRET_KEY", "ALLOW_SQLITE", "REGISTRATION"] {
        assert!(told.contains(option), "{told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn req_h5_mysql_exits_78_and_names_postgresql() {
    let mut command = bare();
    command.args(["--database-url", "mysql://root:letmein@127.0.0.1/x"]);
    let (code, told) = outcome(command);
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("PostgreSQL") && !told.contains("letmein"), "{told}");
}

async fn check_log_and_signals(store: Store) {
    let place = Place::make(store).await;
    let mut command = serve(&place);
    command.env("LOG_FORMAT", "json");
    let process = Process::start(command);
    let owner = process.anonymous().register("acme").await;
    let request = owner.get("/users?limit=7").await.expect(200).header("x-request-id").to_owned();
    owner.get("/canary?q=canary").await.expect(404);
    let (status, log) = process.terminate();
    assert!(status.success(), "{status}");
    let events: Vec<serde_json::Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = events.iter().find(|event| event["request_id"] == *request).unwrap();
    assert_eq!((&line["method"], &line["route"]), (&"GET".into(), &"/api/v1/users".into()), "{line}");
    assert_eq!(line["status"], 200, "{line}");
    for field in ["tenant", "account"] {
        assert_eq!(line[field].as_str().map(str::len), Some(36), "{line}");
    }
    assert_eq!(events.last().unwrap()["message"], "stopped");
    assert!(
        !log.iter().any(|line| line.contains("canary") || line.contains("limit") || line.contains("acme.example")),
        "{log:#?}"
    );

    let again = Process::start(serve(&place));
    owner.at(again.url()).get("/auth/me").await.expect(200);
    again.kill();
    let after = Process::start(serve(&place));
    owner.at(after.url()).get("/auth/me").await.expect(200);
}

#[tokio::test]
async fn req_i2_one_event_is_one_line_that_names_nobody_sqlite() {
    check_log_and_signals(Store::Sqlite).await;
}

#[tokio::test]
async fn req_i2_one_event_is_one_line_that_names_nobody_postgres() {
    check_log_and_signals(Store::Postgres).await;
}

/// Every row of every table of a database, as text; bytes are in hex.
async fn dump(database: &insula_testkit::postgres::Database) -> String {
    let tables = "SELECT format('SELECT t::text FROM %I.%I t', table_schema, table_name) FROM information_schema.tables \
                  WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut all = String::new();
    for table in database.rows(tables).await {
        for row in database.rows(table[0].as_deref().unwrap()).await {
            all.push_str(row[0].as_deref().unwrap_or_default());
            all.push('\n');
        }
    }
    all
}

#[tokio::test]
async fn req_b3_no_password_or_token_is_in_a_table_or_the_log() {
    let place = Place::make(Store::Postgres).await;
    let mut command = serve(&place);
    command.env("LOG_LEVEL", "trace");
    let process = Process::start(command);
    let canary = "a-canary-that-sings-4711";
    let anyone = process.anonymous();
    let body = serde_json::json!({
        "tenant": {"code": "acme", "name": "Acme"}, "email": "ada@acme.example", "password": canary, "full_name": "Ada",
    });
    let first = anyone.post("/auth/register", &body).await.expect(201).body;
    let text = |body: &serde_json::Value, name: &str| body[name].as_str().unwrap().to_owned();
    let refresh = serde_json::json!({"refresh_token": text(&first, "refresh_token")});
    let second = anyone.post("/auth/refresh", &refresh).await.expect(200).body;
    let owner = anyone.with_token(&text(&second, "access_token"));
    let user =
        serde_json::json!({"email": "bob@acme.example", "full_name": "Bob", "password": canary, "roles": ["viewer"]});
    owner.post("/users", &user).await.expect(201);
    owner.post("/users", &user).await.expect(409);
    for (email, password, status) in [("bob@acme.example", canary, 200), ("eve@acme.example", canary, 401)] {
        let body = serde_json::json!({"email": email, "password": password});
        anyone.post("/auth/login", &body).await.expect(status);
    }
    anyone.post_raw("/auth/login", format!("{{\"password\": \"{canary}\"")).await.expect(400);
    let dumped = dump(place.database.as_ref().unwrap()).await;
    let mut log = process.log.clone();
    log.extend(process.terminate().1);
    assert!(dumped.contains("bob@acme.example") && dumped.contains("$2b$12$"), "the dump holds what it should");
    assert!(log.len() > 8, "{log:#?}");
    let tokens = [&first, &second].map(|body| [text(body, "access_token"), text(body, "refresh_token")]);
    for secret in tokens.iter().flatten().map(String::as_str).chain([canary]) {
        let hex = hex::encode(secret);
        assert!(!dumped.contains(secret) && !dumped.contains(&hex), "{secret} is in a table");
        assert!(!log.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
}

/// What the log says of a failure is enough to act on, and holds nothing that is stored.
#[tokio::test]
async fn a_failure_of_the_database_is_told_with_its_state() {
    let place = Place::make(Store::Postgres).await;
    let process = Process::start(serve(&place));
    let owner = process.anonymous().register("acme").await;
    owner
        .post("/entities", &serde_json::json!({"name": "note", "fields": [{"name": "text", "type": "text"}]}))
        .await
        .expect(201);
    let database = place.database.as_ref().unwrap();
    // A breach nobody foresaw.
    let rename = "DO $$ DECLARE t text; BEGIN SELECT format('%I.%I', schemaname, tablename) INTO t FROM pg_tables \
                  WHERE schemaname LIKE 'tenant\\_%'; \
                  EXECUTE 'ALTER TABLE ' || t || ' ADD CONSTRAINT never CHECK (version < 0)'; END $$";
    database.superuser().await.batch_execute(rename).await.unwrap();
    let failed = owner.post("/records/note", &serde_json::json!({"text": "a canary"})).await.expect(500);
    let id = failed.header("x-request-id").to_owned();
    let (_, log) = process.terminate();
    let line = log.iter().find(|line| line.contains(&id) && line.contains("a request failed")).unwrap();
    assert!(line.contains("SQLSTATE 23514") && line.contains("never"), "{line}");
    assert!(!line.contains("canary"), "{line}");
}

#[test]
fn req_i4_what_is_not_built_is_not_passed_over() {
    let mut command = bare();
    command.envs([("ENVIRONMENT", "production"), ("TLS_CERT", "/etc/cert.pem"), ("REDIS_URL", "redis://:letmein@r/0")]);
    let (code, told) = outcome(command);
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("TLS_CERT") && told.contains("REDIS_URL") && !told.contains("letmein"), "{told}");
}

#[tokio::test]
async fn outside_production_what_is_not_built_is_warned_of() {
    let place = Place::make(Store::Sqlite).await;
    let mut command = serve(&place);
    command.env("RATE_LIMIT_PER_MINUTE", "60");
    let process = Process::start(command);
    let warned = process.log.iter().any(|line| line.contains("WARN") && line.contains("RATE_LIMIT_PER_MINUTE"));
    assert!(warned, "{:#?}", process.log);
}
