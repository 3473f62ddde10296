use insula_testkit::process::{Process, serve};
use insula_testkit::{Place, Store};
use serde_json::json;

use super::{key_of, on};
use crate::passwords::canary::{contains, everything};

/// A key that was made, used, refused and revoked is in no file, no row and no line of the log.
async fn nowhere(store: Store) {
    let place = Place::make(store).await;
    let mut command = serve(&place);
    command.env("LOG_LEVEL", "trace");
    let process = Process::start(command);
    let owner = process.anonymous().register("acme").await;
    let (robot, id) = key_of(&owner, json!([on("users", &["read"])])).await;
    robot.get("/users").await.expect(200);
    robot.get("/roles").await.expect(403);
    owner.delete(&format!("/api-keys/{id}")).await.expect(204);
    robot.get("/users").await.expect(401);
    let key = robot.token.unwrap();
    let kept = everything(&place, process).await;
    assert!(kept.iter().any(|(_, text)| contains(text, b"owner@acme.example")), "nothing was looked at");
    for (name, text) in kept {
        assert!(!contains(&text, &key.as_bytes()[12..36]), "{name}");
        assert!(!contains(&text, hex::encode(&key[12..36]).as_bytes()), "{name}");
    }
}

runs! {
    req_b8_a_key_is_nowhere_on_sqlite: nowhere on Sqlite;
    req_b8_a_key_is_nowhere_on_postgres: nowhere on Postgres;
}
