//! What was taken away is refused within a second, on every node (requirement A5).

use std::time::{Duration, Instant};

use insula_testkit::app::Running;
use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, Reply, Store, TestApp, both_stores};
use serde_json::{Value, json};

use super::PATIENCE;
use crate::platform;

/// How long a node may believe what it knew.
const BELIEVED: Duration = Duration::from_secs(1);

/// Every node of an installation: the one a test talks to, and another where there can be one.
pub(crate) struct Nodes {
    other: Option<Running>,
    urls: Vec<String>,
}

impl Nodes {
    pub(crate) async fn of(app: &TestApp) -> Self {
        let other = if app.place().database.is_some() { Some(app.node().await) } else { None };
        let urls = [app.url()].into_iter().chain(other.as_ref().map(Running::url)).map(str::to_owned).collect();
        Self { other, urls }
    }

    /// After `change` every node answers `path` with `status`, though each has just answered with 200: at the latest a
    /// request that begins a second later.
    pub(crate) async fn refuse(&self, caller: &Caller, path: &str, status: u16, change: impl Future<Output = Reply>) {
        for url in &self.urls {
            caller.at(url).get(path).await.expect(200);
        }
        let reply = change.await;
        assert!(reply.status.is_success(), "{reply:?}");
        let answered = Instant::now();
        for url in &self.urls {
            loop {
                let begun = answered.elapsed();
                let found = caller.at(url).get(path).await;
                if found.status == status {
                    break;
                }
                assert!(begun < BELIEVED, "{path} at {url} after {begun:?}: {found:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    pub(crate) async fn stop(self) {
        if let Some(other) = self.other {
            other.stop().await;
        }
    }
}

async fn refresh(caller: &Caller) -> Reply {
    caller.post("/auth/refresh", &json!({"refresh_token": caller.refresh_token})).await
}

async fn id_of(caller: &Caller) -> String {
    caller.get("/auth/me").await.expect(200).body["account"]["id"].as_str().unwrap().to_owned()
}

both_stores! {
    async fn req_a5_a_sign_out_is_seen_by_every_node(app: TestApp) {
        let (nodes, owner) = (Nodes::of(&app).await, app.register("acme").await);
        let login = async || app.anonymous().login(&owner.email).await;
        let (one, two, three) = (login().await, login().await, login().await);
        nodes.refuse(&one, "/auth/me", 401, one.post("/auth/logout", &json!({}))).await;
        let current = |session: &&Value| session["current"] == true;
        let sessions = two.get("/auth/sessions").await.expect(200);
        let id = sessions.items().iter().find(current).unwrap()["id"].as_str().unwrap().to_owned();
        nodes.refuse(&two, "/auth/me", 401, owner.delete(&format!("/auth/sessions/{id}"))).await;
        nodes.refuse(&three, "/auth/me", 401, owner.post("/auth/logout", &json!({"all": true}))).await;
        for ended in [&one, &two, &three, &owner] {
            ended.get("/auth/me").await.expect_problem(401, "unauthenticated");
            refresh(ended).await.expect_problem(401, "unauthenticated");
        }
        login().await.get("/auth/me").await.expect(200);
        nodes.stop().await;
    }

    async fn req_a5_a_deactivated_or_removed_member_is_refused_by_every_node(app: TestApp) {
        let (nodes, owner) = (Nodes::of(&app).await, app.register("acme").await);
        let viewer = owner.user("viewer").await;
        let path = format!("/users/{}", id_of(&viewer).await);
        nodes.refuse(&viewer, "/auth/me", 401, owner.patch(&path, &json!({"active": false}))).await;
        refresh(&viewer).await.expect_problem(401, "unauthenticated");
        owner.patch(&path, &json!({"active": true})).await.expect(200);
        let again = viewer.login(&viewer.email).await;
        nodes.refuse(&again, "/auth/me", 401, owner.delete(&path)).await;
        viewer.get("/auth/me").await.expect_problem(401, "unauthenticated");
        nodes.stop().await;
    }

    async fn req_a5_other_roles_bite_on_every_node(app: TestApp) {
        let (nodes, owner) = (Nodes::of(&app).await, app.register("acme").await);
        let user = owner.user("admin").await;
        let path = format!("/users/{}", id_of(&user).await);
        nodes.refuse(&user, "/users", 403, owner.patch(&path, &json!({"roles": ["viewer"]}))).await;
        user.get("/auth/me").await.expect(200);
        nodes.stop().await;
    }

    async fn req_a5_a_suspended_organisation_is_refused_by_every_node(mut app: TestApp) {
        app.stop().await;
        assert!(platform::create(app.place(), "root@platform.example", PASSWORD).status.success());
        app.restart().await;
        let (nodes, owner) = (Nodes::of(&app).await, app.register("acme").await);
        let root = app.anonymous().login("root@platform.example").await;
        let tenants = root.get("/platform/tenants").await.expect(200);
        let path = format!("/platform/tenants/{}", tenants.items()[0]["id"].as_str().unwrap());
        nodes.refuse(&owner, "/auth/me", 401, root.patch(&path, &json!({"status": "suspended"}))).await;
        refresh(&owner).await.expect_problem(401, "unauthenticated");
        let login = json!({"email": owner.email, "password": PASSWORD});
        app.anonymous().post("/auth/login", &login).await.expect_problem(401, "unauthenticated");
        nodes.stop().await;
    }
}

/// Nobody can be asked, so nobody is let in; what was believed a moment ago reaches nothing without the database either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_a5_without_the_database_nobody_is_let_in() {
    let app = TestApp::start(Store::Postgres).await;
    let owner = app.register("acme").await;
    let ended = app.anonymous().login(&owner.email).await;
    ended.post("/auth/logout", &json!({})).await.expect(204);
    owner.get("/auth/me").await.expect(200);
    let database = app.place().database.as_ref().unwrap();
    database.shut().await;
    let begun = Instant::now();
    while begun.elapsed() < 2 * BELIEVED {
        for path in ["/auth/me", "/auth/sessions", "/users", "/audit", "/openapi.json"] {
            owner.get(path).await.expect_problem(503, "unavailable");
            ended.get(path).await.expect_problem(503, "unavailable");
        }
        refresh(&owner).await.expect_problem(503, "unavailable");
    }
    database.open().await;
    let opened = Instant::now();
    while owner.get("/auth/me").await.status != 200 {
        assert!(opened.elapsed() < PATIENCE, "the database is there and not used");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ended.get("/auth/me").await.expect_problem(401, "unauthenticated");
    refresh(&owner).await.expect(200);
}
