use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::{Value, json};

use super::{account_of, desk, key_of, on};
use crate::sessions::revoked::Nodes;

fn reads() -> Value {
    json!([on("records:ticket", &["read"])])
}

const TICKETS: &str = "/records/ticket";

async fn lives(robot: &Caller) -> bool {
    robot.get(TICKETS).await.status == 200
}

both_stores! {
    async fn req_b8_a_revoked_key_is_refused_by_every_node(app: TestApp) {
        let owner = desk(&app).await;
        let (nodes, viewer) = (Nodes::of(&app).await, owner.user("viewer").await);
        let (robot, id) = key_of(&viewer, reads()).await;
        let path = format!("/api-keys/{id}");
        // Somebody else's is not there to be seen, and an administrator's to end.
        owner.user("editor").await.delete(&path).await.expect_problem(404, "not_found");
        app.register("other").await.delete(&path).await.expect_problem(404, "not_found");
        nodes.refuse(&robot, TICKETS, 401, viewer.delete(&path)).await;
        robot.get(TICKETS).await.expect_problem(401, "unauthenticated");
        viewer.delete(&path).await.expect_problem(404, "not_found");
        assert!(viewer.get("/api-keys").await.expect(200).items().is_empty());
        let (robot, id) = key_of(&viewer, reads()).await;
        nodes.refuse(&robot, TICKETS, 401, owner.delete(&format!("/api-keys/{id}"))).await;
        nodes.stop().await;
    }

    async fn req_b8_a_key_ends_with_its_owner_and_his_epoch(app: TestApp) {
        let owner = desk(&app).await;
        let (nodes, viewer) = (Nodes::of(&app).await, owner.user("viewer").await);
        let user = format!("/users/{}", account_of(&viewer).await);
        let (robot, _) = key_of(&viewer, reads()).await;
        nodes.refuse(&robot, TICKETS, 401, owner.patch(&user, &json!({"active": false}))).await;
        owner.patch(&user, &json!({"active": true})).await.expect(200);
        assert!(lives(&robot).await, "what was only paused goes on");

        let viewer = viewer.login(&viewer.email).await;
        let change = json!({"current_password": PASSWORD, "new_password": "four-small-boats-at-sea"});
        nodes.refuse(&robot, TICKETS, 401, viewer.post("/auth/password/change", &change)).await;
        assert!(viewer.get("/api-keys").await.expect(200).items().is_empty());
        let (robot, _) = key_of(&viewer, reads()).await;
        nodes.refuse(&robot, TICKETS, 401, viewer.post("/auth/logout", &json!({"all": true}))).await;

        let other = owner.user("editor").await;
        let (robot, _) = key_of(&other, reads()).await;
        nodes.refuse(&robot, TICKETS, 401, owner.delete(&format!("/users/{}", account_of(&other).await))).await;
        nodes.stop().await;
    }

    async fn req_b8_a_key_ends_when_it_said(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = desk(&app).await;
        let mut end = Vec::new();
        clock.now().plus_seconds(600).write(&mut end);
        let body = json!({"name": "short", "scopes": reads(), "expires_at": String::from_utf8(end).unwrap().trim_matches('"')});
        let made = owner.post("/api-keys", &body).await.expect(201);
        let robot = owner.with_token(made.body["key"].as_str().unwrap());
        clock.advance(599);
        assert!(lives(&robot).await);
        clock.advance(1);
        robot.get(TICKETS).await.expect_problem(401, "unauthenticated");
    }

    /// Written behind the request, and seldom.
    async fn req_b8_a_use_of_a_key_is_noted_by_the_minute(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = desk(&app).await;
        let (robot, _) = key_of(&owner, reads()).await;
        let used = async || owner.get("/api-keys").await.expect(200).items()[0]["last_used_at"].clone();
        let noted = async |before: &Value| {
            let begun = std::time::Instant::now();
            loop {
                let now = used().await;
                if now != *before {
                    return now;
                }
                assert!(begun.elapsed().as_secs() < 60, "the use is never noted");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        assert_eq!(used().await, Value::Null);
        assert!(lives(&robot).await);
        let first = noted(&Value::Null).await;
        clock.advance(59);
        assert!(lives(&robot).await);
        assert_eq!(used().await, first);
        clock.advance(1);
        assert!(lives(&robot).await);
        noted(&first).await;
    }
}
