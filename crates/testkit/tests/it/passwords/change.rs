use super::{OTHER, PASSWORD, TestApp, json, told, try_login};
use insula_testkit::both_stores;
use insula_testkit::mails::posted;

both_stores! {
    async fn req_b4_a_change_ends_the_other_sessions_and_is_told(app: TestApp) {
        let owner = app.register("acme").await;
        let other = app.anonymous().login(&owner.email).await;
        let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
        let wrong = owner.post("/auth/password/change", &change(OTHER, OTHER)).await;
        wrong.expect_problem(422, "wrong_password");
        app.anonymous().post("/auth/password/change", &change(PASSWORD, OTHER)).await.expect(401);
        owner.post("/auth/password/change", &change(PASSWORD, OTHER)).await.expect(204);

        owner.get("/auth/me").await.expect(200);
        let refresh = json!({"refresh_token": owner.refresh_token});
        app.anonymous().post("/auth/refresh", &refresh).await.expect(200);
        other.get("/auth/me").await.expect(401);
        let refresh = json!({"refresh_token": other.refresh_token});
        app.anonymous().post("/auth/refresh", &refresh).await.expect(401);
        try_login(&app, &owner.email, PASSWORD).await.expect(401);
        try_login(&app, &owner.email, OTHER).await.expect(200);

        told(&owner, "account.password_change", 1).await;
        let events = "SELECT action FROM insula.platform_event WHERE action = 'account.password_change'";
        assert_eq!(app.sql(events).await.len(), 1);
        let mails = posted(app.place(), 1).await;
        assert_eq!((mails[0].to.as_str(), mails[0].subject.as_str()), (owner.email.as_str(), "Your password was changed"));
    }

    /// What the other has never used tells nothing there of the account.
    async fn req_b4_an_organisation_that_only_added_the_address_is_not_told(app: TestApp) {
        let owner = app.register("acme").await;
        let other = app.register("other").await;
        let body = json!({"email": owner.email, "full_name": "A", "password": OTHER, "roles": ["viewer"]});
        other.post("/users", &body).await.expect(201);
        let change = json!({"current_password": PASSWORD, "new_password": OTHER});
        owner.post("/auth/password/change", &change).await.expect(204);
        told(&owner, "account.password_change", 1).await;
        told(&other, "account.password_change", 0).await;
    }

    async fn of_two_changes_at_once_one_is_made(app: TestApp) {
        let owner = app.register("acme").await;
        let change = |new: &str| json!({"current_password": PASSWORD, "new_password": new});
        let (one, two) = (change("one-small-boat-at-sea"), change("two-small-boats-at-sea"));
        let (a, b) = tokio::join!(
            owner.post("/auth/password/change", &one),
            owner.post("/auth/password/change", &two)
        );
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422]);
    }
}
