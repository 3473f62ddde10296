use std::time::{Duration, Instant};

use insula_engine::mail::{Delivery, Smtp};
use insula_testkit::mails::Mail;
use insula_testkit::process::{Process, serve};
use insula_testkit::smtp::{MailServer, Mood, Received};
use insula_testkit::{Place, Store};

use super::{TestApp, forget, json};

const PATIENCE: Duration = Duration::from_secs(60);

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn over(store: Store, server: &MailServer) -> TestApp {
    let smtp = Smtp::parse(&server.url()).unwrap();
    TestApp::start_with(store, |options| options.mail.delivery = Delivery::Smtp(smtp)).await
}

async fn waiting(app: &TestApp) -> usize {
    app.sql("SELECT id FROM insula.mail").await.len()
}

/// What was refused for now is sent later, what is refused for good is given up, and neither is left behind.
async fn sends(store: Store) {
    let server = MailServer::start(Mood::Busy).await;
    let app = over(store, &server).await;
    let owner = app.register("acme").await;
    forget(&app, &owner.email).await;
    eventually("no attempt", async || (server.asked() > 0).then_some(())).await;
    assert_eq!(waiting(&app).await, 1);
    server.set_mood(Mood::Willing);
    let received: Received = eventually("no mail", async || server.received().pop()).await;
    assert_eq!(received.to, owner.email);
    let mail = Mail::parse(&received.text);
    assert_eq!(mail.subject, "Set a new password");
    assert!(mail.text.contains("text/plain") && mail.text.contains("text/html"), "{mail:?}");
    eventually("it stays", async || (waiting(&app).await == 0).then_some(())).await;
    let token = mail.after("/reset?token=");
    let body = json!({"token": token, "new_password": "four-small-boats-at-sea"});
    server.set_mood(Mood::Refusing);
    app.anonymous().post("/auth/password/reset", &body).await.expect(204);
    eventually("it stays", async || (waiting(&app).await == 0).then_some(())).await;
    assert_eq!(server.received().len(), 1);
    let health = app.anonymous().get("/api/health").await.expect(200);
    assert_eq!(health.body["components"]["mail"]["delivery"], "smtp");
}

runs! {
    mails_are_sent_again_until_they_are_taken_on_sqlite: sends on Sqlite;
    mails_are_sent_again_until_they_are_taken_on_postgres: sends on Postgres;
}

/// While a mail waits, the store holds nothing that reads like it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_waits_is_sealed() {
    let server = MailServer::start(Mood::Busy).await;
    let app = over(Store::Sqlite, &server).await;
    forget(&app, "somebody@canary.example").await;
    // Nobody of that address: the letter goes by itself. One of somebody known waits.
    let owner = app.register("canary").await;
    forget(&app, &owner.email).await;
    eventually("no attempt", async || (server.asked() > 0).then_some(())).await;
    let rows = app.sql("SELECT hex(sealed), hex(subject) FROM insula.mail").await;
    assert_eq!(rows.len(), 1);
    let canary = hex::encode("canary").to_uppercase();
    assert!(!format!("{rows:?}").contains(&canary), "{rows:?}");
}

/// Two nodes send what one of them was asked for, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_sends() {
    let server = MailServer::start(Mood::Willing).await;
    let place = Place::make(Store::Postgres).await;
    let start = || {
        let mut command = serve(&place);
        command.env("SMTP_URL", server.url()).env("MAIL_FROM", "Insula <insula@acme.example>");
        command.env("PUBLIC_URL", "https://insula.example/");
        Process::start(command)
    };
    let nodes = [start(), start()];
    for n in 0..8 {
        let owner = nodes[0].anonymous().register(&format!("acme{n}")).await;
        let body = json!({"email": owner.email});
        nodes[n % 2].anonymous().post("/auth/password/forgot", &body).await.expect(202);
    }
    eventually("letters stay", async || place.sql("SELECT id FROM insula.mail").await.is_empty().then_some(())).await;
    let received = server.received();
    assert_eq!(received.len(), 8);
    for mail in received {
        let mail = Mail::parse(&mail.text);
        assert!(mail.after("https://").starts_with("insula.example/reset?token="), "{mail:?}");
        assert!(mail.text.contains("From: Insula <insula@acme.example>"), "{mail:?}");
    }
}
