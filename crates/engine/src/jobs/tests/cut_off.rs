//! What is cut off anywhere is done once by whoever comes next.

use super::*;

/// In line behind a commit that was on its way when it was given up.
async fn settled(world: &World, scope: &Scope) {
    let mut tx = world.engine.0.stores.platform_write().await.unwrap();
    tx.query("SELECT 1", &[]).await.unwrap();
    tx.commit().await.unwrap();
    world.engine.0.stores.tenant_alter(scope.caller().placement()).await.unwrap().commit().await.unwrap();
}

#[test]
fn a_turn_cut_off_anywhere_leaves_each_thing_done_once() {
    on_both(&async |world| {
        let mut polls = 0;
        let mut halves = 0;
        loop {
            let acme = world.tenant(&format!("acme{polls}")).await;
            world.keyed(&acme, "k").await.unwrap();
            world.expired(&acme, 500).await;
            world.clock.advance(DAY);
            let ended = polled(run_due(&world.engine, 1), polls).await.is_some();
            settled(world, &acme).await;
            let before = world.jobs(&acme).await.remove(0);
            halves += usize::from(before.done > 0 && before.state == State::Running);
            for _ in 0..3 {
                world.clock.advance(LATER);
                world.work().await;
            }
            let job = world.jobs(&acme).await.remove(0);
            let found = (job.state, job.done, job.total);
            assert_eq!(found, (State::Succeeded, 501, Some(501)), "given up after {polls} polls");
            assert_eq!((world.keys(&acme).await, world.finished(&acme).await), (0, 1), "{polls}");
            assert_eq!(world.platform("SELECT due_at FROM insula.job_queue").await, []);
            polls += 1;
            if ended {
                break;
            }
        }
        assert!(polls > 5 && halves > 0, "{halves} of {polls} were cut off in the middle");
    });
}

#[test]
fn a_request_cut_off_anywhere_leaves_no_key_that_nobody_purges() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        let mut polls = 0;
        let mut kept = Vec::new();
        loop {
            // Not believed to be planned.
            let scope = Scope::new(world.engine.clone(), acme.caller().clone(), acme.origin().clone());
            let ended = polled(Box::pin(world.keyed(&scope, &polls.to_string())), polls).await.is_some();
            settled(world, &acme).await;
            kept.push(world.keys(&acme).await);
            // To what was noted, and to the run.
            for seconds in [LATER, 2 * DAY, LATER] {
                world.clock.advance(seconds);
                world.work().await;
            }
            assert_eq!(world.keys(&acme).await, 0, "given up after {polls} polls");
            assert_eq!(world.platform("SELECT due_at FROM insula.job_queue").await, [], "{polls}");
            polls += 1;
            if ended {
                break;
            }
        }
        assert!(kept.contains(&0) && kept.contains(&1), "{kept:?}");
    });
}

#[test]
fn a_look_between_the_note_and_the_commit_forgets_nothing() {
    on_both(&async |world| {
        let acme = world.tenant("acme").await;
        let held = attempt(&acme, Some(IdempotencyKey::parse(b"k", "POST", "/x", "").unwrap()));
        let looked = held.write(&Json::Null, async |_| {
            // A look at this very moment: the job is not there yet.
            world.clock.advance(1);
            let mut tx = world.engine.0.stores.platform_write().await?;
            let due = "UPDATE job_queue SET due_at = $1";
            let sql = if tx.dialect() == Dialect::Sqlite { due.to_owned() } else { due.replace("job", "insula.job") };
            tx.execute(&sql, &[&Value::Timestamp(world.clock.now())]).await?;
            tx.commit().await?;
            run_due(&world.engine, 1).await?;
            Ok(Nothing)
        });
        looked.await.unwrap();
        world.clock.advance(LATER);
        world.work().await;
        assert_eq!(world.platform("SELECT due_at FROM insula.job_queue").await, [at(SLOT)]);
    });
}
