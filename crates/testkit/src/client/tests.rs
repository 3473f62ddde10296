use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// Answers one connection after another with what the script says, and gives back what it was asked.
async fn server(script: &'static [(&'static str, &'static str)]) -> (Client, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for (head, body) in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !whole(&request) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "the client hung up");
            }
            asked.push(String::from_utf8(request).unwrap());
            let answer =
                format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (client, asked)
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

const SHORT: &str = r#"{"access_token":"a1","refresh_token":"r1","expires_in":0}"#;
const LONG: &str = r#"{"access_token":"a2","refresh_token":"r2","expires_in":900}"#;

#[tokio::test]
async fn tokens_are_renewed_before_they_end() {
    let (client, asked) = server(&[("200 OK", SHORT), ("200 OK", LONG), ("200 OK", "{}"), ("200 OK", "{}")]).await;
    client.login("a@b.example", "secret").await.unwrap();
    client.get("/x", &[("filter", "a == \"b&c\"")]).await.unwrap();
    client.post::<Value>("/y", b"[1]".to_vec()).await.unwrap();
    let asked = asked.await.unwrap();
    assert!(asked[0].ends_with(r#"{"email":"a@b.example","password":"secret"}"#), "{}", asked[0]);
    assert!(asked[1].starts_with("POST /api/v1/auth/refresh ") && asked[1].contains("\"r1\""), "{}", asked[1]);
    assert!(asked[2].starts_with("GET /x?filter=a+%3D%3D+%22b%26c%22 "), "{}", asked[2]);
    assert!(asked[2].contains("Bearer a2"), "{}", asked[2]);
    assert!(asked[3].contains("Bearer a2") && asked[3].ends_with("\r\n\r\n[1]"), "{}", asked[3]);
}

#[tokio::test]
async fn a_limit_is_waited_for_and_the_request_sent_again() {
    let (client, asked) = server(&[
        ("429 Too Many Requests\r\nretry-after: 0", "{}"),
        ("429 Too Many Requests\r\nretry-after: 0", "{}"),
        ("200 OK", "{\"n\":1}"),
    ])
    .await;
    assert_eq!(client.post::<Value>("/x", b"{}".to_vec()).await.unwrap(), json!({"n": 1}));
    let asked = asked.await.unwrap();
    assert!(asked[0] == asked[1] && asked[1] == asked[2]);
}

#[tokio::test]
async fn refusals_say_where_and_why() {
    let problem = r#"{"type":"/problems/required","title":"A value is missing","status":422,"code":"required",
        "detail":"Mend it.","errors":[{"pointer":"/create/3/title","code":"required","message":"Say a title."}]}"#;
    let table = [
        (
            ("422 Unprocessable Content", problem),
            "/x refused: 422 required A value is missing\n  Mend it.\n  /create/3/title: Say a title. (required)",
        ),
        (("502 Bad Gateway", "<html>"), "/x refused: 502 unknown \n  <html>"),
        (
            ("200 OK", "nonsense"),
            "/x answered 200 OK with a body that is not what was agreed (expected ident at line 1 column 2): nonsense",
        ),
    ];
    for (answer, expect) in table {
        let (client, _asked) = server(Vec::leak(vec![answer])).await;
        assert_eq!(client.get("/x", &[]).await.unwrap_err().to_string(), expect);
    }
}
