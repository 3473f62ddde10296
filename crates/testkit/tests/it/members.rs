//! One account in several organisations: who may draw it where, and what is learnt of it.

use insula_testkit::caller::PASSWORD;
use insula_testkit::{Caller, TestApp, both_stores};
use serde_json::json;

async fn add(owner: &Caller, email: &str) -> insula_testkit::Reply {
    let body = json!({"email": email, "full_name": "N", "password": PASSWORD, "roles": ["viewer"]});
    owner.post("/users", &body).await.expect(201)
}

/// The organisation a sign-in without a tenant leads to.
async fn home(app: &TestApp, email: &str) -> String {
    let me = app.anonymous().login(email).await.get("/auth/me").await.expect(200);
    me.body["tenant"]["code"].as_str().unwrap().to_owned()
}

both_stores! {
    async fn nobody_is_drawn_into_another_organisation(app: TestApp) {
        let (acme, evil) = (app.register("acme").await, app.register("evil").await);
        let used = acme.user("viewer").await;
        let fresh = add(&acme, "fresh@acme.example").await;
        for email in [&used.email, &acme.email, "fresh@acme.example"] {
            add(&evil, email).await;
            assert_eq!(home(&app, email).await, "acme", "{email}");
        }
        // Not when the way home is shut either.
        acme.patch(&format!("/users/{}", fresh.id()), &json!({"active": false})).await.expect(200);
        let body = json!({"email": "fresh@acme.example", "password": PASSWORD});
        app.anonymous().post("/auth/login", &body).await.expect_problem(401, "unauthenticated");
        // By his own will he goes there, and from then on by himself.
        let named = json!({"email": "fresh@acme.example", "password": PASSWORD, "tenant": "evil"});
        app.anonymous().post("/auth/login", &named).await.expect(200);
        assert_eq!(home(&app, "fresh@acme.example").await, "evil");
        // The only membership left needs no name.
        let me = used.get("/auth/me").await.expect(200);
        acme.delete(&format!("/users/{}", me.body["account"]["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(home(&app, &used.email).await, "evil");
    }

    async fn adding_a_user_does_not_tell_that_the_account_existed(app: TestApp) {
        let (acme, other) = (app.register("acme").await, app.register("other").await);
        let first = add(&acme, "ada@acme.example").await;
        let (known, new) = (add(&other, "ada@acme.example").await, add(&other, "new@acme.example").await);
        assert_ne!(known.body["created_at"], first.body["created_at"], "the membership's, not the account's");
        for reply in [&known, &new] {
            assert_eq!(uuid::Uuid::parse_str(reply.id()).unwrap().get_version_num(), 4, "an id with a time in it tells: {reply:?}");
        }
        let names = |reply: &insula_testkit::Reply| reply.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&known), names(&new));
    }

    async fn a_new_user_is_found_where_the_answer_says(app: TestApp) {
        let (acme, other) = (app.register("acme").await, app.register("other").await);
        let made = add(&acme, "ada@acme.example").await;
        let path = made.header("location").to_owned();
        assert_eq!(acme.get(&path).await.expect(200).body, made.body);
        other.get(&path).await.expect_problem(404, "not_found");
        acme.get("/users/01a20c5a-1b00-7001-8c65-6a83a146c52b").await.expect_problem(404, "not_found");
        acme.get(&format!("{path}?fields=id")).await.expect_problem(422, "unknown_parameter");
    }
}
