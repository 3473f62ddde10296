//! Where PostgreSQL is and how sessions begin: the URL, and what every connection is set to.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::store::StoreError;

/// The server and the owner's credentials.
#[derive(Clone)]
pub(super) struct Address(Config);

/// Settings of every session. Unqualified names find nothing of ours, so that a statement cannot depend on a path;
/// a plan is never worth compiling for statements this short.
const SESSION: &str = "-c search_path=pg_catalog -c TimeZone=UTC -c jit=off \
                       -c idle_in_transaction_session_timeout=30s";

impl Address {
    /// Reads `postgres://`, `postgresql://` and, as Python programs spell it,
    /// `postgresql+psycopg2://`. The URL itself never shows in an error: it holds a password.
    pub(super) fn parse(url: &SecretString) -> Result<Self, StoreError> {
        let url = url.expose_secret().replacen("postgresql+psycopg2://", "postgresql://", 1);
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(refuse("the database URL does not start with postgres:// or postgresql://"));
        }
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let encrypted = form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "sslmode" && (value == "require" || value.starts_with("verify")));
        if encrypted {
            return Err(refuse("the database URL asks for TLS (sslmode), which is not built yet; nothing was sent"));
        }
        let mut config: Config = url.parse().map_err(|_| refuse("the database URL cannot be read"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refuse("the database URL names no host"));
        }
        config.ssl_mode(SslMode::Disable).application_name("insula");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        if config.get_tcp_user_timeout().is_none() {
            // A server that is gone says nothing: what waits for it must end before the client's patience does.
            config.tcp_user_timeout(Duration::from_secs(10)).keepalives_idle(Duration::from_secs(10));
        }
        Ok(Self(config))
    }

    /// The owner's sessions in a database, the platform's where none is named. Schema changes may take their time, but
    /// not wait for a lock, since everyone else would wait behind them.
    pub(super) fn owner(&self, database: Option<&str>) -> Config {
        self.session(database, "-c lock_timeout=5s")
    }

    /// The sessions that serve requests on the platform's tables.
    pub(super) fn platform(&self, role: &str, password: &SecretString) -> Config {
        self.login(None, role, password, "-c statement_timeout=5s")
    }

    /// The sessions that serve requests on tenants' tables. Who writes says so: a statement outside of any transaction
    /// is a read.
    pub(super) fn cell(&self, database: Option<&str>, role: &str, password: &SecretString) -> Config {
        self.login(database, role, password, "-c statement_timeout=5s -c default_transaction_read_only=on")
    }

    fn login(&self, database: Option<&str>, role: &str, password: &SecretString, settings: &str) -> Config {
        let mut config = self.session(database, settings);
        config.user(role).password(password.expose_secret());
        config
    }

    fn session(&self, database: Option<&str>, settings: &str) -> Config {
        let mut config = self.0.clone();
        let given = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{given} {SESSION} {settings}"));
        if let Some(database) = database {
            config.dbname(database);
        } else if config.get_dbname().is_none() {
            // A login role has another name than the owner, and the default database is the user's name.
            config.dbname(self.0.get_user().unwrap_or("postgres"));
        }
        config
    }
}

fn refuse(reason: &'static str) -> StoreError {
    StoreError::Other(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused() {
        for (url, fine) in [
            ("postgres://u:p@h:1/d", true),
            ("postgresql://u:p@h/d?sslmode=disable", true),
            ("postgresql+psycopg2://u:p@h/d", true),
            ("postgresql://u:p@h/d?sslmode=prefer", true),
            ("postgresql://u:p@h/d?sslmode=require", false),
            ("postgresql://u:p@h/d?sslmode=verify-full", false),
            ("postgresql://u:p@h/d?connect_timeout=3&ssl%6dode=require", false),
            ("mysql://u:p@h/d", false),
            ("postgres://", false),
        ] {
            let address = Address::parse(&SecretString::from(url));
            assert_eq!(address.is_ok(), fine, "{url}");
            assert!(address.err().is_none_or(|error| !error.to_string().contains("u:p")));
        }
    }
}
