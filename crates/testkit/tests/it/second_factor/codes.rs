use futures_util::future::join_all;
use insula_testkit::{TestApp, both_stores};
use serde_json::json;

use super::{challenge, enrol, verify};

both_stores! {
    async fn req_b8_of_fifty_uses_of_a_code_at_once_one_is_good(mut app: TestApp) {
        let clock = app.hold_time().await;
        app.restart_with(|options| options.identity.sign_in_limits.per_account = 1000).await;
        let owner = app.register("acme").await;
        let enrolled = enrol(&owner, &clock).await;
        clock.advance(30);
        let token = challenge(&app, &owner.email).await;
        let code = enrolled.authenticator.code(clock.now());
        for (member, code) in [("code", &code), ("recovery_code", &enrolled.recovery[0])] {
            let replies = join_all((0..50).map(|_| verify(&app, &token, member, code))).await;
            let good = replies.iter().filter(|reply| reply.status == 200).count();
            assert_eq!(good, 1, "{member}: {:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
            verify(&app, &token, member, code).await.expect_problem(401, "unauthenticated");
        }
    }

    async fn req_b8_a_code_is_good_a_step_around_its_own_and_never_again(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let enrolled = enrol(&owner, &clock).await;
        // The code that confirmed it is used as well.
        let token = challenge(&app, &owner.email).await;
        let first = enrolled.authenticator.code(clock.now());
        verify(&app, &token, "code", &first).await.expect_problem(401, "unauthenticated");
        let code = |seconds: i64| enrolled.authenticator.code(clock.now().plus_seconds(seconds));
        for (offset, status) in [(-60, 401), (60, 401), (30, 200), (0, 401), (30, 401)] {
            verify(&app, &token, "code", &code(offset)).await.expect(status);
        }
        clock.advance(90);
        verify(&app, &token, "code", &code(-30)).await.expect(200);
        verify(&app, &token, "code", &code(-30)).await.expect_problem(401, "unauthenticated");
        verify(&app, &token, "code", &code(0)).await.expect(200);
    }

    async fn req_b8_recovery_codes_work_once_however_typed(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let enrolled = enrol(&owner, &clock).await;
        assert_eq!(enrolled.recovery.len(), 10);
        let token = challenge(&app, &owner.email).await;
        let typed = enrolled.recovery[0].replace('-', " ").to_uppercase();
        verify(&app, &token, "recovery_code", &typed).await.expect(200);
        verify(&app, &token, "recovery_code", &enrolled.recovery[0]).await.expect_problem(401, "unauthenticated");
        // Of the other kind it is none, and somebody else's is nobody's.
        verify(&app, &token, "code", &enrolled.recovery[1]).await.expect(401);
        let other = enrol(&app.register("other").await, &clock).await;
        verify(&app, &token, "recovery_code", &other.recovery[0]).await.expect(401);
        verify(&app, &token, "recovery_code", &enrolled.recovery[1]).await.expect(200);
    }

    /// A code is six digits: whoever has the password may not try them all.
    async fn req_b8_guesses_at_a_code_are_counted(mut app: TestApp) {
        let clock = app.hold_time().await;
        let owner = app.register("acme").await;
        let enrolled = enrol(&owner, &clock).await;
        clock.advance(30);
        for _ in 0..10 {
            // A new sign-in begins no new count.
            let token = challenge(&app, &owner.email).await;
            verify(&app, &token, "code", "000000").await.expect_problem(401, "unauthenticated");
        }
        let token = challenge(&app, &owner.email).await;
        let code = enrolled.authenticator.code(clock.now());
        verify(&app, &token, "code", &code).await.expect_problem(401, "unauthenticated");
        let body = json!({"recovery_code": enrolled.recovery[0]});
        let delete = owner.request(reqwest::Method::DELETE, "/auth/mfa/totp").json(&body);
        owner.send(delete).await.expect_problem(422, "wrong_code");
        clock.advance(60);
        let code = enrolled.authenticator.code(clock.now());
        verify(&app, &token, "code", &code).await.expect(200);
    }
}
