//! Who may write a job's result: whoever holds it, and nobody who did.

use super::*;

async fn due(world: &World) -> Scope {
    let acme = world.tenant("acme").await;
    world.keyed(&acme, "k").await.unwrap();
    world.expired(&acme, 500).await;
    world.go_to(SLOT);
    acme
}

async fn step(world: &World, held: &mut Held) -> After {
    held.step(&world.engine, Hold::Keep).await.unwrap()
}

#[test]
fn who_was_taken_for_dead_writes_nothing_any_more() {
    on_both(&async |world| {
        let acme = due(world).await;
        let mut old = world.take(&acme).await.unwrap();
        assert_eq!(step(world, &mut old).await, After::More);
        assert!(world.take(&acme).await.is_none(), "it is held");
        world.clock.advance(14);
        assert!(world.take(&acme).await.is_none(), "each step renews the lease");
        world.clock.advance(1);
        let mut new = world.take(&acme).await.unwrap();
        let before = (world.keys(&acme).await, world.jobs(&acme).await);
        assert_eq!(before.0, 301);

        assert_eq!(step(world, &mut old).await, After::Lost);
        put_off(&world.engine, &old, "internal").await.unwrap();
        old.attempts = MAX_ATTEMPTS;
        put_off(&world.engine, &old, "internal").await.unwrap();
        assert_eq!((world.keys(&acme).await, world.jobs(&acme).await), before);

        while step(world, &mut new).await == After::More {}
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs[0].state, jobs[0].done), (State::Succeeded, 500));
        assert_eq!(step(world, &mut old).await, After::Lost);
        assert_eq!((world.keys(&acme).await, world.finished(&acme).await), (1, 1));
    });
}

#[test]
fn a_lease_that_ran_out_is_no_lease_even_where_nobody_took_the_job() {
    on_both(&async |world| {
        let acme = due(world).await;
        let mut held = world.take(&acme).await.unwrap();
        world.clock.advance(15);
        assert_eq!(step(world, &mut held).await, After::Lost);
        assert_eq!(world.keys(&acme).await, 501);
    });
}

#[test]
fn a_cancelled_job_stops_where_it_is() {
    on_both(&async |world| {
        let acme = due(world).await;
        let mut held = world.take(&acme).await.unwrap();
        assert_eq!(step(world, &mut held).await, After::More);
        let job = cancelled(&acme, held.id).await.unwrap();
        assert_eq!((job.state, job.done, job.total, job.due_at), (State::Cancelled, 200, Some(500), None));
        assert_eq!(step(world, &mut held).await, After::Lost);
        put_off(&world.engine, &held, "internal").await.unwrap();
        world.clock.advance(LATER);
        world.work().await;
        assert_eq!((world.keys(&acme).await, world.finished(&acme).await), (301, 0));

        // Again it is the same, and the next run of the schedule is another job.
        assert_eq!(cancelled(&acme, held.id).await.unwrap(), job);
        world.clock.advance(DAY);
        world.work().await;
        let jobs = world.jobs(&acme).await;
        assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [State::Cancelled, State::Succeeded]);
        assert_eq!((jobs[1].done, world.keys(&acme).await), (301, 0));
        let refused = cancelled(&acme, jobs[1].id).await.unwrap_err();
        assert_eq!(refused.code(), insula_model::problem::Code::Conflict);
    });
}

#[test]
fn a_job_cancelled_before_its_time_leaves_the_schedule() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        world.keyed(&acme, "k").await.unwrap();
        let first = world.jobs(&acme).await[0].id;
        cancelled(&acme, first).await.unwrap();
        let jobs = world.jobs(&acme).await;
        assert_eq!((jobs.len(), jobs[1].due_at), (2, Some(at("2026-03-02T03:17:00Z"))));
        world.go_to("2026-03-02T03:17:00Z");
        world.work().await;
        assert_eq!(world.keys(&acme).await, 0);
    });
}
