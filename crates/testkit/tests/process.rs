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
