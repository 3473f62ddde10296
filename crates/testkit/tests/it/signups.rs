//! Organisations that sign up at once and go to work at once: of what one of them is doing, another notices nothing.

use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::json;

const ROUNDS: usize = 12;
const CONNECTIONS: usize = 8;
const EACH: usize = 3;

/// Signs up and does what one does first.
async fn begin(anonymous: &Caller, code: &str) {
    let owner = anonymous.register(code).await;
    owner.get("/auth/me").await.expect(200);
    owner.get("/entities").await.expect(200);
    owner.post("/entities", &json!({"name": "note", "fields": [{"name": "of", "type": "text"}]})).await.expect(201);
    let note = owner.post("/records/note", &json!({"of": code})).await.expect(201);
    let path = format!("/records/note/{}", note.id());
    assert_eq!(owner.get(&path).await.expect(200).body["of"], code);
    owner.patch(&path, &json!({"of": "all"})).await.expect(200);
    assert_eq!(owner.get("/records/note").await.expect(200).items().len(), 1);
}

both_stores! {
    async fn many_sign_up_at_once_and_none_is_turned_away(app: TestApp) {
        for round in 0..ROUNDS {
            let mut connections = Vec::new();
            for connection in 0..CONNECTIONS {
                let anonymous = app.anonymous();
                connections.push(tokio::spawn(async move {
                    for number in 0..EACH {
                        begin(&anonymous, &format!("org-{round}-{connection}-{number}")).await;
                    }
                }));
            }
            for connection in connections {
                connection.await.unwrap();
            }
        }
    }
}
