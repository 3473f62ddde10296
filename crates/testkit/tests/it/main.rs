//! Behaviour through the API, on both stores.

/// Tests that are one function run on a store, for those that start their server themselves.
macro_rules! runs {
    ($($name:ident: $run:ident on $store:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $run(Store::$store).await;
        }
    )+};
}

mod api_keys;
mod authz;
mod bad_input;
mod cells;
mod changes;
mod concurrent;
mod differential;
mod durability;
mod flights;
mod flood;
#[cfg(target_os = "linux")]
mod flushed;
mod idempotency;
mod isolation;
mod jobs;
mod limits;
mod lost_commit;
mod members;
mod migration;
mod neighbours;
mod openapi;
mod org;
mod pages;
mod passwords;
mod platform;
mod query;
mod readme;
mod records;
mod routes;
mod rules;
mod schema;
mod schemathesis;
mod second_factor;
mod sessions;
mod signups;
mod soft_delete;
mod tenants;
mod types;
mod upsert;
