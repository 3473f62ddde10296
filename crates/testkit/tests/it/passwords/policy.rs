use insula_testkit::both_stores;

use super::{TestApp, json, told};

both_stores! {
    async fn req_b2_the_policy_that_is_told_is_the_one_in_force(app: TestApp) {
        let everybody = app.anonymous().get("/auth/password-policy").await.expect(200);
        let expected = json!({
            "min_length": 12, "max_length": 128, "max_bytes": 72, "require_uppercase": false,
            "require_lowercase": false, "require_digit": false, "require_symbol": false, "history": 0,
            "refused": ["common", "own_address", "organisation_name", "product_name"],
        });
        assert_eq!(everybody.body, expected);
        let owner = app.register("acme").await;
        assert_eq!(owner.get("/auth/password-policy").await.expect(200).body, expected);
        owner.patch("/tenant", &json!({"policies": {"password": {"min_length": 20, "history": 2}}})).await.expect(200);
        let own = owner.user("viewer").await.get("/auth/password-policy").await.expect(200);
        assert_eq!((&own.body["min_length"], &own.body["history"]), (&json!(20), &json!(2)));
        assert_eq!(app.anonymous().get("/auth/password-policy").await.expect(200).body, expected);
        app.anonymous().with_token("none").get("/auth/password-policy").await.expect(401);
    }

    async fn an_organisation_is_changed_by_those_who_may_and_told(app: TestApp) {
        let owner = app.register("acme").await;
        let (admin, viewer) = (owner.user("admin").await, owner.user("viewer").await);
        let shown = owner.get("/tenant").await.expect(200);
        assert_eq!((&shown.body["code"], &shown.body["name"]), (&json!("acme"), &json!("acme")));
        viewer.get("/tenant").await.expect(403);
        viewer.patch("/tenant", &json!({"name": "Mine"})).await.expect(403);
        admin.patch("/tenant", &json!({"name": "Acme Ltd."})).await.expect(200);
        admin.patch("/tenant", &json!({})).await.expect(200);
        assert_eq!(owner.get("/auth/me").await.expect(200).body["tenant"]["name"], "Acme Ltd.");
        for (body, pointer, code) in [
            (json!({"name": ""}), "/name", "too_short"),
            (json!({"name": null}), "/name", "invalid_type"),
            (json!({"code": "other"}), "/code", "unknown_field"),
            (json!({"policies": {"mail": {}}}), "/policies/mail", "unknown_field"),
            (json!({"policies": {"password": {"min_length": 4}}}), "/policies/password/min_length", "out_of_range"),
        ] {
            let refused = owner.patch("/tenant", &body).await.expect_problem(422, code);
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
        }
        let event = told(&owner, "tenant.update", 1).await.remove(0);
        assert_eq!(event["actor"]["email"], admin.email);
        assert_eq!((&event["before"]["name"], &event["after"]["name"]), (&json!("acme"), &json!("Acme Ltd.")), "{event:#}");
    }
}
