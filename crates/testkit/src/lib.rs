//! What tests, benchmarks and the demo share: callers of the API and real data to give it. Never part of the product.

pub mod app;
pub mod caller;
pub mod client;
pub mod flights;
pub mod mails;
pub mod openapi;
pub mod postgres;
pub mod process;
pub mod smtp;
pub mod store;
#[cfg(target_os = "linux")]
pub mod strace;

pub use app::TestApp;
pub use caller::{Caller, Reply};
pub use store::{Place, Store};

/// One test on both stores: `<name>::sqlite` and `<name>::postgres`.
///
/// ```ignore
/// both_stores! {
///     async fn health_is_known(app: TestApp) { app.anonymous().get("/readyz").await.expect(200); }
/// }
/// ```
#[macro_export]
macro_rules! both_stores {
    ($($(#[$attribute:meta])* async fn $name:ident($($argument:tt)+) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn test($($argument)+) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test($crate::TestApp::start($crate::Store::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test($crate::TestApp::start($crate::Store::Postgres).await).await;
            }
        }
    )+};
}
