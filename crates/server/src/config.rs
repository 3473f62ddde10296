//! The configuration: read from flags and the environment, checked as a whole before anything is opened. A refused
//! one is told with all its faults at once (requirement I4), never with the values themselves: some are secrets.

mod mail;
mod secret;
mod session;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use insula_engine::StoreOptions;
use insula_engine::engine::{CONVERTED_AT_ONCE, IdentityOptions, Options, PasswordHasher, Registration};
use insula_model::clock::Clock;
use secrecy::SecretString;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::log::{LogFormat, LogOptions};

/// The options of `insula serve`, as they were given. An empty one counts as absent.
#[derive(clap::Args, Clone, Default, Debug)]
pub struct ServeArgs {
    /// Where to listen; port 0 picks a free one [default: 127.0.0.1:8000]
    #[arg(long, env)]
    pub bind_address: Option<String>,
    /// The folder for data and, where none is given, the secret key [default: ./data]
    #[arg(long, env)]
    pub data_dir: Option<String>,
    /// The PostgreSQL owner with CREATEROLE and CREATEDB; absent: SQLite in the data folder
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Another name of the same option, for set-ups that have it already
    #[arg(long, env, hide_env_values = true)]
    pub sqlalchemy_database_url: Option<String>,
    /// How many tenants share one PostgreSQL database [default: 1000]
    #[arg(long, env)]
    pub cell_tenant_limit: Option<String>,
    /// At least 32 bytes that nobody can guess; absent outside production: made once and kept in the data folder
    #[arg(long, env, hide_env_values = true)]
    pub secret_key: Option<String>,
    /// development, staging or production [default: development]
    #[arg(long, env)]
    pub environment: Option<String>,
    /// Who may make an organisation: open or closed [default: open; must be given in production]
    #[arg(long, env)]
    pub registration: Option<String>,
    /// Where people reach the server, like `https://insula.example`: links in mails lead there, and cookies are sent over
    /// https alone then [links: default this machine, port 8000]
    #[arg(long, env)]
    pub public_url: Option<String>,
    /// What access tokens are signed with: `HS256` or `EdDSA` [default: `HS256`]
    #[arg(long, env)]
    pub token_algorithm: Option<String>,
    /// How passwords are hashed: bcrypt or argon2id [default: bcrypt]
    #[arg(long, env)]
    pub password_hasher: Option<String>,
    /// Minutes an access token lives [default: 30]
    #[arg(long, env)]
    pub access_token_expire_min: Option<String>,
    /// Days a refresh token lives when unused [default: 7]
    #[arg(long, env)]
    pub refresh_token_expire_days: Option<String>,
    /// Days a session lives, however it is used [default: 30]
    #[arg(long, env)]
    pub session_absolute_days: Option<String>,
    /// Minutes after which a session ends that nobody uses; 0: as long as a refresh token lives [default: 0]
    #[arg(long, env)]
    pub session_idle_min: Option<String>,
    /// How often one account may be signed in [default: 10]
    #[arg(long, env)]
    pub session_limit: Option<String>,
    /// What a sign-in beyond that does: evict-oldest or deny [default: evict-oldest]
    #[arg(long, env)]
    pub session_limit_policy: Option<String>,
    /// The mail server, as a URL of the scheme smtps or smtp; absent: mails become files in the data folder
    #[arg(long, env, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Whom mails are from, like `Insula <no-reply@example.org>`
    #[arg(long, env)]
    pub mail_from: Option<String>,
    /// A level (error, warn, info, debug, trace), or levels by module, like `info,insula_engine=debug` [default: info]
    #[arg(long, env)]
    pub log_level: Option<String>,
    /// json or text [default: json in production, else text]
    #[arg(long, env)]
    pub log_format: Option<String>,
    /// true allows production to run on SQLite [default: false]
    #[arg(long, env)]
    pub allow_sqlite: Option<String>,
    /// Those of [`UNBUILT`] that are set.
    #[arg(skip)]
    pub unbuilt: Vec<&'static str>,
}

/// Options of the contract that are not built yet. One that is set would be believed to protect or to help.
const UNBUILT: [&str; 13] = [
    "ALLOWED_ORIGINS",
    "API_SUNSET",
    "METRICS_ADDRESS",
    "RATE_LIMIT_ENABLED",
    "RATE_LIMIT_PER_MINUTE",
    "REDIS_HOST",
    "REDIS_PASSWORD",
    "REDIS_PORT",
    "REDIS_URL",
    "SENTRY_DSN",
    "TLS_CERT",
    "TLS_KEY",
    "TRUSTED_PROXIES",
];

/// Which options are in the environment that are not built yet. An empty one counts as absent.
pub fn unbuilt() -> Vec<&'static str> {
    UNBUILT.into_iter().filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())).collect()
}

/// A configuration that can be run.
#[derive(Debug)]
pub struct Config {
    pub address: SocketAddr,
    pub engine: Options,
    pub log: LogOptions,
    /// Options that are set and do nothing yet; none in production.
    pub unbuilt: Vec<&'static str>,
}

/// All that is wrong with a configuration; for the operator.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Environment {
    Development,
    Staging,
    Production,
}

impl Config {
    /// Checks everything, then makes the secret key if there must be one and is none.
    pub fn check(args: &ServeArgs) -> Result<Self, Findings> {
        let mut findings = Findings::default();
        let environment = environment(args, &mut findings);
        let production = environment == Environment::Production;
        let data_dir = PathBuf::from(given(args.data_dir.as_ref()).unwrap_or("./data"));
        let address = read(
            args.bind_address.as_ref(),
            SocketAddr::from(([127, 0, 0, 1], 8000)),
            "BIND_ADDRESS must be an IP address and a port, like 127.0.0.1:8000",
            &mut findings,
        );
        let store = store(args, data_dir.clone(), production, &mut findings);
        if production {
            for name in &args.unbuilt {
                findings.add(format!("{name} is set and not built yet: leave it out, and do without what it promises"));
            }
        }
        let registration = registration(args, production, &mut findings);
        let password_hasher = password_hasher(args, &mut findings);
        let session = session::options(args, production, &mut findings);
        let identity = IdentityOptions { registration, password_hasher, ..session };
        let mail = mail::options(args, &data_dir, production, &mut findings);
        let log = LogOptions { levels: levels(args, &mut findings), format: format(args, production, &mut findings) };
        let mut secret_key = secret::given(given(args.secret_key.as_ref()), production, &mut findings);
        if findings.0.is_empty() && secret_key.is_none() {
            secret_key = secret::kept(&data_dir, &mut findings);
        }
        match secret_key {
            Some(secret_key) if findings.0.is_empty() => {
                let engine = Options {
                    store,
                    secret_key,
                    identity,
                    mail,
                    converted_at_once: CONVERTED_AT_ONCE,
                    clock: Clock::default(),
                };
                Ok(Self { address, engine, log, unbuilt: args.unbuilt.clone() })
            }
            _ => Err(findings),
        }
    }
}

fn given(option: Option<&String>) -> Option<&str> {
    option.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn read<T: FromStr>(option: Option<&String>, default: T, finding: &str, findings: &mut Findings) -> T {
    match given(option).map(str::parse) {
        None => default,
        Some(Ok(value)) => value,
        Some(Err(_)) => {
            findings.add(finding);
            default
        }
    }
}

fn number(
    option: Option<&String>,
    name: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    findings: &mut Findings,
) -> i64 {
    let finding = format!("{name} must be a whole number from {} to {}", range.start(), range.end());
    let value = read(option, default, &finding, findings);
    if !range.contains(&value) {
        findings.add(finding);
    }
    value
}

fn environment(args: &ServeArgs, findings: &mut Findings) -> Environment {
    match given(args.environment.as_ref()).unwrap_or("development") {
        "development" => Environment::Development,
        "staging" => Environment::Staging,
        "production" => Environment::Production,
        _ => {
            findings.add("ENVIRONMENT must be development, staging or production");
            // The strictest, so that what else is wrong is told too.
            Environment::Production
        }
    }
}

fn registration(args: &ServeArgs, production: bool, findings: &mut Findings) -> Registration {
    match given(args.registration.as_ref()) {
        Some("open") => return Registration::Open,
        Some("closed") => return Registration::Closed,
        None if !production => return Registration::Open,
        None => findings.add("REGISTRATION must be given in production: open or closed"),
        Some("verify" | "invite") => {
            findings.add("REGISTRATION: verify and invite are not built yet; use open or closed");
        }
        Some(_) => findings.add("REGISTRATION must be open or closed"),
    }
    Registration::Closed
}

fn password_hasher(args: &ServeArgs, findings: &mut Findings) -> PasswordHasher {
    match given(args.password_hasher.as_ref()) {
        None | Some("bcrypt") => {}
        Some("argon2id") => return PasswordHasher::Argon2id,
        Some(_) => findings.add("PASSWORD_HASHER must be bcrypt or argon2id"),
    }
    PasswordHasher::Bcrypt
}

fn store(args: &ServeArgs, data_dir: PathBuf, production: bool, findings: &mut Findings) -> StoreOptions {
    let limit = number(args.cell_tenant_limit.as_ref(), "CELL_TENANT_LIMIT", 1000, 1..=10_000, findings);
    let allow_sqlite = read(args.allow_sqlite.as_ref(), false, "ALLOW_SQLITE must be true or false", findings);
    let url = match (given(args.database_url.as_ref()), given(args.sqlalchemy_database_url.as_ref())) {
        (Some(url), None) | (None, Some(url)) => url,
        (Some(url), Some(other)) => {
            if url != other {
                findings.add("DATABASE_URL and SQLALCHEMY_DATABASE_URL differ: give one of them");
            }
            url
        }
        (None, None) => {
            if production && !allow_sqlite {
                findings
                    .add("production without DATABASE_URL would run on SQLite: set ALLOW_SQLITE=true if you mean it");
            }
            return StoreOptions::Sqlite { data_dir };
        }
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // SQLAlchemy names its driver after a plus: `postgresql+psycopg2`.
    match scheme.split('+').next().unwrap_or_default() {
        "postgres" | "postgresql" => {
            if production && !is_local(rest) {
                findings.add(
                    "DATABASE_URL leads to another machine, and TLS to PostgreSQL is not built yet: run the database on \
                     this one, or reach it through an encrypted tunnel that ends here",
                );
            }
        }
        "mysql" | "mariadb" => {
            findings
                .add("DATABASE_URL names MySQL, which is not supported; use PostgreSQL 15 or newer: postgresql://…");
        }
        _ => findings.add("DATABASE_URL must begin with postgresql://; leave it out to run on SQLite in DATA_DIR"),
    }
    let url = SecretString::from(format!("postgresql://{rest}"));
    StoreOptions::Postgres { url, cell_tenant_limit: u32::try_from(limit).unwrap_or(u32::MAX) }
}

/// Whether what follows `://` of a database URL names this machine alone: a loopback address or a socket's folder. Read
/// as the driver reads it: the first `@` ends the credentials, whatever they hold.
fn is_local(rest: &str) -> bool {
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let hosts = base.split('/').next().unwrap_or_default();
    let without_port = |host: &str| match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address.to_owned(),
        None => host.split(':').next().unwrap_or_default().to_owned(),
    };
    let mut named: Vec<String> = hosts.split(',').map(without_port).filter(|host| !host.is_empty()).collect();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "host" || name == "hostaddr" {
            named.extend(value.split(',').map(str::to_owned));
        }
    }
    named.iter().all(|host| {
        let is_socket = host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
        is_socket || host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn levels(args: &ServeArgs, findings: &mut Findings) -> Targets {
    let text = given(args.log_level.as_ref()).unwrap_or("info");
    // `Targets` takes a misspelt level for a module's name and would log nothing else.
    let known = text.split(',').all(|part| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok());
    match text.parse() {
        Ok(targets) if known => targets,
        _ => {
            findings.add("LOG_LEVEL must be error, warn, info, debug or trace, or like info,insula_engine=debug");
            Targets::new().with_default(LevelFilter::INFO)
        }
    }
}

fn format(args: &ServeArgs, production: bool, findings: &mut Findings) -> LogFormat {
    match given(args.log_format.as_ref()) {
        Some("text") => return LogFormat::Text,
        None if !production => return LogFormat::Text,
        Some("json") | None => {}
        Some(_) => findings.add("LOG_FORMAT must be json or text"),
    }
    LogFormat::Json
}

impl Findings {
    fn add(&mut self, finding: impl Into<String>) {
        let finding = finding.into();
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    pub fn list(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is refused:")?;
        self.0.iter().try_for_each(|finding| write!(f, "\n  - {finding}"))
    }
}

impl std::error::Error for Findings {}

#[cfg(test)]
mod tests;
