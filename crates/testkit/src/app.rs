//! The whole server in the test's own process, on a free port and a store of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use insula::application::Application;
use insula_engine::engine::{CONVERTED_AT_ONCE, IdentityOptions, Options};
use insula_engine::mail::MailOptions;
use insula_model::clock::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::caller::Caller;
use crate::store::{Place, Store};

/// Signs the tokens of every test's server, so that a test can make its own.
pub const SECRET_KEY: &str = "a-key-of-tests-alone-5f2c9d71e8b4";

/// A running server. Stops, and takes its store with it, when dropped.
pub struct TestApp {
    // Dropped in this order: the server first, its store last.
    running: Option<Running>,
    options: Options,
    url: String,
    place: Place,
}

/// One node that answers.
pub struct Running {
    url: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    async fn start(options: &Options) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Application::bind(address, options.clone()).await.expect("the server starts");
        let url = format!("http://{}", server.address());
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Self { url, stop, ended }
    }

    /// Without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it as a signal would and waits until it has.
    pub async fn stop(self) {
        // Fails where the server ended by itself; how, shows next.
        let _told = self.stop.send(());
        self.ended.await.expect("the server stops in order");
    }
}

impl TestApp {
    pub async fn start(store: Store) -> Self {
        Self::start_with(store, |_| {}).await
    }

    /// A server whose options `change` has set: another clock, registration closed.
    pub async fn start_with(store: Store, change: impl FnOnce(&mut Options)) -> Self {
        Self::over(Place::make(store).await, change).await
    }

    /// A server over a place that is not empty.
    pub async fn over(place: Place, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            store: place.options(),
            secret_key: SECRET_KEY.into(),
            // bcrypt's least: tests make many accounts, and what it costs is not their subject. Nor do people sign in as
            // often as tests do.
            identity: IdentityOptions {
                bcrypt_cost: 4,
                session_limit: 1000,
                refusal_pause: Duration::from_millis(20),
                ..IdentityOptions::default()
            },
            mail: MailOptions::into_folder(place.data_dir.path().join("mails")),
            converted_at_once: CONVERTED_AT_ONCE,
            clock: Clock::default(),
        };
        change(&mut options);
        let mut app = Self { running: None, options, url: String::new(), place };
        app.run().await;
        app
    }

    async fn run(&mut self) {
        let running = Running::start(&self.options).await;
        self.url.clone_from(&running.url);
        self.running = Some(running);
    }

    /// Stops the server as a signal would and waits until it has.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops the server and starts another over the same data. Its address changes: see [`TestApp::url`].
    pub async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// The same with options that `change` has set.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Options)) {
        self.stop().await;
        change(&mut self.options);
        self.run().await;
    }

    /// Restarts on a clock that stands still until the test moves it.
    pub async fn hold_time(&mut self) -> Clock {
        let clock = Clock::fixed(Clock::default().now());
        self.restart_with(|options| options.clock = clock.clone()).await;
        clock
    }

    /// Another node over the same data, which only PostgreSQL can have: to be stopped before this one.
    pub async fn node(&self) -> Running {
        assert!(self.place.database.is_some(), "a data folder has one node");
        Running::start(&self.options).await
    }

    /// Without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub const fn place(&self) -> &Place {
        &self.place
    }

    pub fn anonymous(&self) -> Caller {
        Caller::anonymous(&self.url)
    }

    /// Makes the organisation `code` and gives its owner.
    pub async fn register(&self, code: &str) -> Caller {
        self.anonymous().register(code).await
    }

    /// The rows of `sql` over the platform's tables (`insula.…`), read past the API.
    pub async fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.place.sql(sql).await
    }

    /// The same over the tables of `caller`'s tenant too (`insula_tenant.…`).
    pub async fn tenant_sql(&self, caller: &Caller, sql: &str) -> Vec<Vec<Option<String>>> {
        let me = caller.get("/auth/me").await.expect(200);
        let tenant = me.body["tenant"]["id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        self.place.tenant_sql(tenant.expect("a tenant's id"), sql).await
    }
}
