//! What does not get on is tried again, later and later, and not for ever.

use super::*;

async fn wall(world: &World, scope: &Scope) {
    let sqlite = "CREATE TRIGGER wall BEFORE DELETE ON idempotency_key BEGIN SELECT RAISE(ABORT, 'no'); END";
    let postgres = "CREATE FUNCTION insula_tenant.wall() RETURNS trigger LANGUAGE plpgsql AS \
                    $$ BEGIN RAISE 'no'; END $$; \
                    CREATE TRIGGER wall BEFORE DELETE ON insula_tenant.idempotency_key \
                    FOR EACH ROW EXECUTE FUNCTION insula_tenant.wall()";
    world.alter(scope.caller().placement(), sqlite, postgres).await;
}

async fn open(world: &World, scope: &Scope) {
    let postgres = "DROP FUNCTION insula_tenant.wall() CASCADE";
    world.alter(scope.caller().placement(), "DROP TRIGGER wall", postgres).await;
}

#[test]
fn a_job_that_fails_is_tried_again_later_and_later() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        world.keyed(&acme, "k").await.unwrap();
        world.expired(&acme, 300).await;
        world.go_to(SLOT);
        wall(world, &acme).await;
        for seconds in [1, 2, 4, 8] {
            world.work().await;
            let job = world.jobs(&acme).await.remove(0);
            assert_eq!((job.state, job.done, job.total), (State::Waiting, 0, None), "nothing of the attempt is left");
            assert_eq!(job.due_at, Some(world.clock.now().plus_seconds(seconds)));
            assert_eq!(job.problem.unwrap().code, "internal");
            world.clock.advance(seconds - 1);
            assert!(world.take(&acme).await.is_none(), "not before its time");
            world.clock.advance(1);
        }
        open(world, &acme).await;
        world.work().await;
        let job = world.jobs(&acme).await.remove(0);
        assert_eq!((job.state, job.done, job.problem), (State::Succeeded, 300, None));
        assert_eq!((world.keys(&acme).await, world.finished(&acme).await), (1, 1));
    });
}

#[test]
fn a_job_that_never_gets_on_fails_and_its_schedule_goes_on() {
    on_both(&async |world| {
        let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
        for scope in [&acme, &other] {
            world.keyed(scope, "k").await.unwrap();
            world.expired(scope, 1).await;
        }
        world.go_to(SLOT);
        wall(world, &acme).await;
        for attempt in 1..=MAX_ATTEMPTS {
            assert_eq!(world.finished(&acme).await, 0, "{attempt}");
            world.work().await;
            world.clock.advance(LATER);
        }
        world.work().await;
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs[0].state, jobs[0].problem.as_ref().unwrap().code), (State::Failed, "internal"), "{jobs:?}");
        assert_eq!((jobs.len(), jobs[1].due_at), (2, Some(at("2026-03-02T03:17:00Z"))));
        assert_eq!(world.finished(&acme).await, 1);
        let failed = world.count(
            &acme,
            "SELECT count(*) FROM insula_tenant.audit_event WHERE account_id IS NULL AND action = 'job.finish'",
        );
        assert_eq!(failed.await, 1);
        open(world, &acme).await;
        world.clock.advance(DAY);
        world.work().await;
        assert_eq!((world.keys(&acme).await, world.keys(&other).await), (0, 0));
    });
}

#[test]
fn a_job_that_ends_whoever_runs_it_fails() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        world.keyed(&acme, "k").await.unwrap();
        world.expired(&acme, 300).await;
        world.go_to(SLOT);
        for _ in 0..MAX_ATTEMPTS {
            assert!(world.take(&acme).await.is_some());
            world.clock.advance(LATER);
        }
        assert!(world.take(&acme).await.is_none());
        let job = world.jobs(&acme).await.remove(0);
        assert_eq!((job.state, job.problem.unwrap().code), (State::Failed, "internal"));

        // One that gets on between its ends does not.
        world.clock.advance(DAY);
        world.work().await;
        assert_eq!(world.keys(&acme).await, 0);
    });
}

#[test]
fn getting_on_counts_as_a_new_beginning() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        world.keyed(&acme, "k").await.unwrap();
        world.expired(&acme, 200 * 12).await;
        world.go_to(SLOT);
        for _ in 0..12 {
            let mut held = world.take(&acme).await.unwrap();
            assert_eq!(held.step(&world.engine, Hold::Keep).await.unwrap(), After::More);
            world.clock.advance(LATER);
        }
        run(&world.engine, world.take(&acme).await.unwrap()).await;
        let job = world.jobs(&acme).await.remove(0);
        assert_eq!((job.state, job.done, job.total), (State::Succeeded, 2400, Some(2400)));
    });
}
