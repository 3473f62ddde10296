use insula_testkit::process::{Process, serve};
use insula_testkit::{Place, Store};
use serde_json::json;

use super::{key_of, on};
use crate::passwords::canary::holds_none;

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
    holds_none(&place, process, &owner.email, &[&key.as_bytes()[12..36]]).await;
}

runs! {
    req_b8_a_key_is_nowhere_on_sqlite: nowhere on Sqlite;
    req_b8_a_key_is_nowhere_on_postgres: nowhere on Postgres;
}
