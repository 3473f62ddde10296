//! Passwords, and the mails about them.

pub(super) mod canary;
mod change;
mod enumeration;
mod hashing;
mod lockout;
mod mail;
mod policy;
mod reset;
mod strength;

use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, TestApp};
use serde_json::{Value, json};

/// Good as well.
const OTHER: &str = "four-small-boats-at-sea";

async fn try_login(app: &TestApp, email: &str, password: &str) -> Reply {
    app.anonymous().post("/auth/login", &json!({"email": email, "password": password})).await
}

async fn forget(app: &TestApp, email: &str) {
    app.anonymous().post("/auth/password/forgot", &json!({"email": email})).await.expect(202);
}

/// How many events of an action are in the caller's trail, once there are `count`.
pub(super) async fn told(caller: &Caller, action: &str, count: usize) -> Vec<Value> {
    let begun = std::time::Instant::now();
    loop {
        let page = caller.get(&format!("/audit?action={action}&limit=1000")).await.expect(200);
        if page.items().len() >= count {
            assert_eq!(page.items().len(), count, "{page:?}");
            return page.items().to_vec();
        }
        assert!(begun.elapsed().as_secs() < 60, "{page:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
