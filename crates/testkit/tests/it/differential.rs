//! Random schemas, records, changes and queries get the same answers from SQLite, from PostgreSQL and from a model: a
//! list of records in memory with a reading of the contract of its own. It shares no code with the server, so that no
//! mistake can be shared.
//!
//! A failure prints the case made as small as it goes and every request of it, and its seed goes to `regressions.txt`
//! beside the model, which is tried first from then on. `INSULA_MODEL_CASES` sets how many cases are tried,
//! `PROPTEST_RNG_SEED` which.

mod changes;
mod deletion;
mod drive;
mod filter;
mod literal;
mod model;
mod query;
mod reading;
mod resolve;
mod samples;
mod schema;
mod seed;
mod value;
mod world;

use std::hash::{BuildHasher as _, RandomState};

use insula_model::clock::Clock;
use insula_model::value::Timestamp;
use insula_testkit::{Store, TestApp};
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};

use self::drive::Driver;
use self::model::Model;
use self::seed::Case;
use self::world::World;

/// Cases of an ordinary run.
const CASES: u32 = 64;
/// Most steps of a case.
const STEPS: usize = 40;
const REGRESSIONS: &str = "tests/it/differential/regressions.txt";

/// How many cases to try, and which; the seed is printed with a failure.
pub(crate) fn config() -> Config {
    let cases = std::env::var("INSULA_MODEL_CASES").ok().map(|cases| cases.parse().expect("a number of cases"));
    let mut config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        max_shrink_iters: 1_000,
        // In milliseconds: a case that is not as small as it could be is better than none.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one(0));
    }
    println!("PROPTEST_RNG_SEED={}", config.rng_seed);
    config
}

#[test]
fn both_stores_and_the_model_give_the_same_answers() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // One clock for both, that stands still while they are asked: times are compared too.
    let clock = Clock::fixed(Timestamp::from_micros(1_767_225_599_123_456));
    let start = async |store| TestApp::start_with(store, |options| options.clock = clock.clone()).await;
    let apps = runtime
        .block_on(async { [("sqlite", start(Store::Sqlite).await), ("postgres", start(Store::Postgres).await)] });
    let outcome = TestRunner::new(config())
        .run(&seed::case(STEPS), |case| runtime.block_on(run(&apps, &clock, &case)).map_err(TestCaseError::fail));
    let failed = outcome.map_err(|error| error.to_string());
    runtime.block_on(async { drop(apps) });
    failed.unwrap_or_else(|error| panic!("{error}"));
}

async fn run(apps: &[(&'static str, TestApp); 2], clock: &Clock, case: &Case) -> Result<(), String> {
    let mut model = Model::new(schema::schema(&case.entities));
    let mut world = World::new(apps).await;
    for entity in &model.entities {
        world.define(&entity.define()).await?;
    }
    model.now = clock.now().to_string();
    let mut driver = Driver::new(world, model);
    for (i, step) in case.steps.iter().enumerate() {
        // Some changes happen in the same instant.
        if i % 3 != 0 {
            clock.advance(2);
        }
        driver.model.now = clock.now().to_string();
        driver.step(step).await?;
    }
    // What is there in the end is what the model has.
    for entity in 0..driver.model.entities.len() {
        driver.all(entity).await?;
    }
    Ok(())
}
