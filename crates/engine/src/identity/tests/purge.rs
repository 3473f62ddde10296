//! Sessions go when nothing can be done with them any more, and not before.

use super::*;
use crate::cancel::polled;

const DAY: i64 = 24 * 3600;

/// How many sessions there are, and refresh tokens.
async fn left(world: &World) -> (i64, i64) {
    static LEFT: crate::sql::Fixed = crate::sql::Fixed::new(
        "SELECT (SELECT count(*) FROM insula.session), (SELECT count(*) FROM insula.refresh_token)",
    );
    let mut tx = world.engine.0.stores.platform_read().await.unwrap();
    let rows = tx.fixed(&LEFT, &[]).await.unwrap();
    (rows[0].int(0).unwrap(), rows[0].int(1).unwrap())
}

async fn purge(world: &World) {
    while purge_sessions(&world.engine.0).await.unwrap() {}
}

#[test]
fn what_has_come_to_its_end_is_purged_hourly_and_nothing_else() {
    on_both(async |world| {
        let first = world.register("acme", "ada@example.org").await.unwrap();
        world.refresh(first.refresh_token()).await.unwrap();
        purge(&world).await;
        world.clock.advance(DAY);
        let ended = world.login("ada@example.org", PASSWORD).await.unwrap();
        logout(SignedIn::Member(&world.person(&ended).await), None).await.unwrap();
        purge(&world).await;
        assert_eq!(left(&world).await, (2, 3));

        // The end of the first chain, to the second.
        world.clock.advance(29 * DAY - 1);
        purge(&world).await;
        assert_eq!(left(&world).await, (2, 3));
        world.clock.advance(1);
        // It was looked a second ago.
        purge(&world).await;
        assert_eq!(left(&world).await, (2, 3));
        world.clock.advance(3600);
        purge(&world).await;
        assert_eq!(left(&world).await, (1, 1));
        let live = world.login("ada@example.org", PASSWORD).await.unwrap();
        world.clock.advance(2 * DAY);
        purge(&world).await;
        assert_eq!(left(&world).await, (1, 1));
        assert!(world.refresh(live.refresh_token()).await.is_ok());
        assert_eq!(code(world.refresh(first.refresh_token()).await), Some(Code::Unauthenticated));
    });
}

#[test]
fn a_purge_cut_off_anywhere_is_done_by_the_next() {
    on_both(async |world| {
        world.owner("acme").await;
        let mut polls = 0;
        loop {
            world.clock.advance(31 * DAY);
            let ended = polled(purge_sessions(&world.engine.0), polls).await.is_some();
            // In line behind a commit that was on its way.
            let mut tx = world.engine.0.stores.platform_write().await.unwrap();
            tx.query("SELECT 1", &[]).await.unwrap();
            tx.commit().await.unwrap();
            purge(&world).await;
            assert_eq!(left(&world).await, (0, 0), "{polls}");
            if ended {
                break;
            }
            world.login("owner@acme.example", PASSWORD).await.unwrap();
            polls += 1;
        }
        assert!(polls > 0);
    });
}
