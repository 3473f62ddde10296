//! Many guesses at once: how many passwords are looked at (requirement B6).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;

/// How many of `attempts` at once were refused, and how many hashes they cost.
async fn guess(world: World, email: &str, attempts: usize) -> (usize, usize) {
    let world = Arc::new(world);
    let runs = || world.engine.0.identity.slots.runs.load(Ordering::Relaxed);
    let before = runs();
    let guesses: Vec<_> = (0..attempts)
        .map(|n| {
            let (world, email) = (Arc::clone(&world), email.to_owned());
            tokio::spawn(async move { world.login(&email, &format!("guess number {n}")).await.is_err() })
        })
        .collect();
    let mut refused = 0;
    for guess in guesses {
        refused += usize::from(guess.await.unwrap());
    }
    (refused, runs() - before)
}

#[test]
fn req_b6_of_five_hundred_guesses_at_once_ten_are_looked_at() {
    on_both(async |world| {
        world.register("acme", "ada@example.org").await.unwrap();
        assert_eq!(guess(world, "ada@example.org", 500).await, (500, 10));
    });
}

#[test]
fn req_b6_names_that_nobody_has_are_counted_too() {
    on_both(async |world| assert_eq!(guess(world, "nobody@example.org", 50).await, (50, 10)));
}
