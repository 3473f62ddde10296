use std::path::Path;

use insula_testkit::mails::mail_to;
use insula_testkit::process::{Process, serve};
use insula_testkit::{Place, Store};

use super::json;

/// Every file below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Passwords that are set, tried, changed, reset and imported are in no file, no row and no line of the log.
async fn nowhere(store: Store) {
    let place = Place::make(store).await;
    let mut command = serve(&place);
    command.env("LOG_LEVEL", "trace");
    let process = Process::start(command);
    let canary = |what: &str| format!("{what}-canary-of-a-secret");
    let register = json!({
        "tenant": {"code": "acme", "name": "Acme"}, "email": "ada@acme.example", "full_name": "Ada",
        "password": canary("set"),
    });
    let tokens = process.anonymous().post("/auth/register", &register).await.expect(201);
    let owner = process.anonymous().with_token(tokens.body["access_token"].as_str().unwrap());
    owner.patch("/tenant", &json!({"policies": {"password": {"history": 3}}})).await.expect(200);
    let hash = bcrypt::hash_with_salt(canary("imported"), 10, [3; 16]).unwrap().to_string();
    let imported = json!({"email": "bob@acme.example", "full_name": "Bob", "password_hash": hash, "roles": ["viewer"]});
    owner.post("/users", &imported).await.expect(201);
    let keyed =
        json!({"email": "eve@acme.example", "full_name": "E", "password": canary("keyed"), "roles": ["viewer"]});
    let keyed = owner.request(reqwest::Method::POST, "/users").header("idempotency-key", "k").json(&keyed);
    owner.send(keyed).await.expect(201);
    let login = |email: &str, password: &str| json!({"email": email, "password": password});
    process.anonymous().post("/auth/login", &login("bob@acme.example", &canary("imported"))).await.expect(200);
    process.anonymous().post("/auth/login", &login("ada@acme.example", &canary("wrong"))).await.expect(401);
    let change = json!({"current_password": canary("set"), "new_password": canary("changed")});
    owner.post("/auth/password/change", &change).await.expect(204);
    process.anonymous().post("/auth/password/forgot", &json!({"email": "bob@acme.example"})).await.expect(202);
    let mail = mail_to(place.data_dir.path(), "bob@acme.example").await;
    let reset = json!({"token": mail.after("/reset?token="), "new_password": canary("reset")});
    process.anonymous().post("/auth/password/reset", &reset).await.expect(204);

    holds_none(&place, process, "ada@acme.example", &[b"canary-of-a-secret"]).await;
}

/// Stops a server that has been told `known` and looks for secrets in all it has left, as they are and in hexadecimal.
pub(crate) async fn holds_none(place: &Place, process: Process, known: &str, secrets: &[&[u8]]) {
    let kept = everything(place, process).await;
    assert!(kept.iter().any(|(_, text)| contains(text, known.as_bytes())), "nothing was looked at");
    for (name, text) in kept {
        for secret in secrets {
            assert!(!contains(&text, secret), "{name}");
            assert!(!contains(&text, hex::encode(secret).as_bytes()), "{name}");
        }
    }
}

/// Every file, row and line of the log of a server, which is stopped.
async fn everything(place: &Place, process: Process) -> Vec<(String, Vec<u8>)> {
    let mut kept = files(place.data_dir.path());
    if let Some(database) = &place.database {
        kept.push(("dump".to_owned(), database.everything().await.into_bytes()));
    }
    let (_, log) = process.terminate();
    kept.push(("log".to_owned(), log.join("\n").into_bytes()));
    kept
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

runs! {
    req_b3_a_password_is_nowhere_on_sqlite: nowhere on Sqlite;
    req_b3_a_password_is_nowhere_on_postgres: nowhere on Postgres;
}
