use insula_model::clock::Clock;
use insula_testkit::process::{Process, serve};
use insula_testkit::{Place, Store};
use serde_json::json;

use super::{PASSWORD, enrol};
use crate::passwords::canary::holds_none;

/// Neither the secret of an authenticator, nor a recovery code, nor what continues a sign-in is kept or logged.
async fn nowhere(store: Store) {
    let place = Place::make(store).await;
    let mut command = serve(&place);
    command.env("LOG_LEVEL", "trace");
    let process = Process::start(command);
    let owner = process.anonymous().register("acme").await;
    let enrolled = enrol(&owner, &Clock::default()).await;
    let login = json!({"email": owner.email, "password": PASSWORD});
    let half = process.anonymous().post("/auth/login", &login).await.expect(200);
    let token = half.body["mfa_token"].as_str().unwrap().to_owned();
    let verify = |code: &str| json!({"mfa_token": token, "recovery_code": code});
    process.anonymous().post("/auth/mfa/verify", &verify("aaaa-aaaa-aaaa-aaaa")).await.expect(401);
    process.anonymous().post("/auth/mfa/verify", &verify(&enrolled.recovery[0])).await.expect(200);
    let mut secrets = vec![enrolled.authenticator.0, token.into_bytes()];
    for code in &enrolled.recovery {
        secrets.extend([code.clone().into_bytes(), code.replace('-', "").into_bytes()]);
    }
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    holds_none(&place, process, &owner.email, &secrets).await;
}

runs! {
    req_b8_the_secrets_of_a_factor_are_nowhere_on_sqlite: nowhere on Sqlite;
    req_b8_the_secrets_of_a_factor_are_nowhere_on_postgres: nowhere on Postgres;
}
