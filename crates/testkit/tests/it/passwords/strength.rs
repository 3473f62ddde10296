use insula_testkit::both_stores;

use super::{OTHER, PASSWORD, TestApp, json};

both_stores! {
    async fn req_b2_weak_passwords_are_refused_wherever_one_is_set(app: TestApp) {
        let owner = app.register("Acme").await;
        for (password, code) in [
            ("elevenchars", "too_short"),
            (&*"a".repeat(73), "too_long"),
            (&*"ä".repeat(37), "too_long"),
            // In the list, whatever its case and whatever stands around it.
            ("qwerty123456", "weak_password"),
            ("QWERTY123456", "weak_password"),
            ("Password2024!!", "weak_password"),
            ("I am a user of acme", "weak_password"),
            ("the-INSULA-of-ours", "weak_password"),
            ("dear.colleague-of-us", "weak_password"),
        ] {
            let body = json!({
                "email": "dear.colleague@acme.example", "full_name": "C", "password": password, "roles": ["viewer"],
            });
            let refused = owner.post("/users", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], "/password", "{refused:?}");
            assert!(!refused.text.contains(password), "{refused:?}");
        }
        let change = json!({"current_password": PASSWORD, "new_password": "The owner of it all"});
        let refused = owner.post("/auth/password/change", &change).await.expect_problem(422, "weak_password");
        assert_eq!(refused.body["errors"][0]["pointer"], "/new_password");
        let register = json!({
            "tenant": {"code": "north-wind", "name": "Southern Sun"}, "email": "o@n.example", "full_name": "O",
            "password": "the north-wind blows",
        });
        app.anonymous().post("/auth/register", &register).await.expect_problem(422, "weak_password");
    }

    /// Short names stand in too many words.
    async fn req_b2_a_short_name_forbids_nothing(app: TestApp) {
        let owner = app.register("sea").await;
        let body = json!({"email": "an@sea.example", "full_name": "A", "password": PASSWORD, "roles": ["viewer"]});
        owner.post("/users", &body).await.expect(201);
    }

    async fn req_b2_an_organisation_may_ask_for_more_of_its_own(app: TestApp) {
        let owner = app.register("acme").await;
        let other = app.register("other").await;
        let policy = json!({"policies": {"password": {"min_length": 16, "require_uppercase": true, "require_digit": true}}});
        let changed = owner.patch("/tenant", &policy).await.expect(200);
        assert_eq!(changed.body["policies"]["password"]["min_length"], 16);
        let user = |domain: &str, password: &str| {
            json!({"email": format!("u@{domain}.example"), "full_name": "U", "password": password, "roles": ["viewer"]})
        };
        other.post("/users", &user("other", PASSWORD)).await.expect(201);
        let refused = owner.post("/users", &user("acme", PASSWORD)).await.expect_problem(422, "weak_password");
        assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2, "{refused:?}");
        owner.post("/users", &user("acme", "3 Boats at sea!")).await.expect_problem(422, "too_short");
        owner.post("/users", &user("acme", "3 small Boats at sea")).await.expect(201);
        let change = |new: &str| json!({"current_password": PASSWORD, "new_password": new});
        owner.post("/auth/password/change", &change(OTHER)).await.expect_problem(422, "weak_password");
        owner.post("/auth/password/change", &change("4 small Boats at sea")).await.expect(204);
    }

    async fn req_b2_the_last_passwords_may_not_come_again(app: TestApp) {
        let owner = app.register("acme").await;
        owner.patch("/tenant", &json!({"policies": {"password": {"history": 3}}})).await.expect(200);
        let mut current = PASSWORD.to_owned();
        let change = async |current: &mut String, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            let reply = owner.post("/auth/password/change", &body).await;
            if reply.status == 204 {
                new.clone_into(current);
            }
            reply
        };
        change(&mut current, PASSWORD).await.expect_problem(422, "weak_password");
        for n in 1..=3 {
            change(&mut current, &format!("{n}-small-boats-at-sea")).await.expect(204);
            // Of four, the first is forgotten.
            let again = change(&mut current, PASSWORD).await;
            assert_eq!(again.status, if n < 3 { 422 } else { 204 }, "{n}: {again:?}");
        }
        change(&mut current, "1-small-boats-at-sea").await.expect(204);
        assert_eq!(app.sql("SELECT * FROM insula.password_history").await.len(), 2);
        owner.patch("/tenant", &json!({"policies": {"password": {"history": 0}}})).await.expect(200);
        change(&mut current, "5-small-boats-at-sea").await.expect(204);
        assert!(app.sql("SELECT * FROM insula.password_history").await.is_empty());
    }
}
