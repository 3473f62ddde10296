use std::sync::Arc;

use axum::routing::get;
use insula_engine::StoreOptions;
use insula_engine::engine::{CONVERTED_AT_ONCE, IdentityOptions, Options};
use insula_engine::mail::MailOptions;
use insula_model::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::application;

/// What a client reads that sends `requests` on one connection to a server of these routes.
async fn exchange(router: Router, requests: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        store: StoreOptions::Sqlite { data_dir: folder.path().to_owned() },
        secret_key: "a-key-of-tests-alone-5f2c9d71e8b4".into(),
        identity: IdentityOptions::default(),
        mail: MailOptions::into_folder(folder.path().join("mails")),
        converted_at_once: CONVERTED_AT_ONCE,
        clock: Clock::default(),
    };
    let engine = Engine::open(options).await.unwrap();
    let edge = Arc::new(Edge::over(router, engine));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let (_stop, stopping) = watch::channel(());
    let server = tokio::spawn(application::connection(stream, peer, edge, stopping));
    client.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    server.await.unwrap();
    answers
}

/// The statuses and the bodies of some answers.
fn parts(answers: &str) -> Vec<(&str, &str)> {
    answers
        .split("HTTP/1.1 ")
        .filter(|answer| !answer.is_empty())
        .map(|answer| (answer.get(..3).unwrap(), answer.split_once("\r\n\r\n").unwrap().1))
        .collect()
}

#[tokio::test]
async fn req_e1_a_panic_is_a_problem_and_its_connection_lives_on() {
    async fn fails() -> &'static str {
        panic!("canary at /secret/place.rs")
    }
    let router = Router::new().route("/fails", get(fails)).route("/works", get(async || "fine"));
    let requests = "GET /fails?q=1 HTTP/1.1\r\nhost: x\r\n\r\n\
                    GET /works HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(router, requests).await;
    assert!(!answers.contains("canary") && !answers.contains(".rs"), "{answers}");
    assert_eq!(answers.matches("x-request-id: ").count(), 2, "{answers}");
    assert_eq!(answers.matches("x-content-type-options: nosniff").count(), 2, "{answers}");
    let [(first, problem), (second, works)] = parts(&answers)[..] else { panic!("{answers}") };
    assert_eq!((first, second, works), ("500", "200", "fine"));
    let problem: serde_json::Value = serde_json::from_str(problem).unwrap();
    assert_eq!((&problem["code"], &problem["instance"]), (&"internal".into(), &"/fails".into()));
    assert_eq!(problem["request_id"].as_str().map(str::len), Some(36));
}

#[test]
fn a_user_agent_is_cut_between_characters() {
    let check = |value: &[u8], expect: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_bytes(value).unwrap());
        assert_eq!(&*user_agent(&headers), expect);
    };
    check(b"curl/8", "curl/8");
    check("é".repeat(200).as_bytes(), &"é".repeat(128));
    check(b"a\xff", "a\u{fffd}");
    assert_eq!(&*user_agent(&HeaderMap::new()), "");
}
