use std::os::unix::fs::PermissionsExt as _;

use insula_engine::StoreOptions;
use insula_engine::engine::WhenFull;
use secrecy::ExposeSecret as _;

use super::*;

const GOOD_KEY: &str = "r0Zt-Qx7vN2kLw9yPb4sHc6mJd1fGa8e";

type Set = fn(&mut ServeArgs);

/// Arguments that pass in production, changed by `change`.
fn production(change: Set) -> ServeArgs {
    let text = |s: &str| Some(s.to_owned());
    let mut args = ServeArgs {
        environment: text("production"),
        registration: text("closed"),
        secret_key: text(GOOD_KEY),
        database_url: text("postgresql://owner:pw@127.0.0.1/insula"),
        ..ServeArgs::default()
    };
    change(&mut args);
    args
}

fn set(option: &mut Option<String>, value: &str) {
    *option = Some(value.to_owned());
}

fn with_mail(args: &mut ServeArgs, url: &str) {
    set(&mut args.smtp_url, url);
    set(&mut args.public_url, "https://insula.example/");
    set(&mut args.mail_from, "Insula <no-reply@insula.example>");
}

fn findings(args: &ServeArgs) -> Vec<String> {
    Config::check(args).err().map_or(Vec::new(), |findings| findings.list().to_vec())
}

#[test]
fn one_fault_is_one_finding_that_names_the_option() {
    let check = |change: Set, expect: &str| {
        let found = findings(&production(change));
        assert!(found.len() == 1 && found[0].contains(expect), "{expect}: {found:?}");
    };
    check(|a| set(&mut a.bind_address, "localhost"), "BIND_ADDRESS");
    check(|a| a.database_url = None, "ALLOW_SQLITE");
    check(|a| set(&mut a.allow_sqlite, "maybe"), "ALLOW_SQLITE");
    check(|a| set(&mut a.database_url, "mysql://u:p@h/d"), "PostgreSQL");
    check(|a| set(&mut a.database_url, "mysql+pymysql://u:p@h/d"), "PostgreSQL");
    check(|a| set(&mut a.database_url, "sqlite:///x.db"), "DATABASE_URL");
    check(|a| set(&mut a.sqlalchemy_database_url, "postgresql://localhost/d"), "differ");
    check(|a| set(&mut a.cell_tenant_limit, "0"), "CELL_TENANT_LIMIT");
    check(|a| a.secret_key = None, "SECRET_KEY");
    check(|a| set(&mut a.secret_key, "  "), "SECRET_KEY");
    check(|a| set(&mut a.secret_key, "r0Zt-Qx7vN2kLw9yPb4sHc6mJd1fGa8"), "32 bytes");
    check(|a| set(&mut a.secret_key, "your-secret-key-here-change-in-production"), "well-known");
    check(|a| set(&mut a.secret_key, "abababababababababababababababababab"), "pattern");
    check(|a| a.registration = None, "REGISTRATION");
    check(|a| set(&mut a.registration, "verify"), "not built yet");
    check(|a| set(&mut a.registration, "maybe"), "REGISTRATION");
    check(|a| set(&mut a.environment, "prod"), "ENVIRONMENT");
    check(|a| set(&mut a.access_token_expire_min, "-1"), "ACCESS_TOKEN_EXPIRE_MIN");
    check(|a| set(&mut a.access_token_expire_min, "soon"), "ACCESS_TOKEN_EXPIRE_MIN");
    check(|a| set(&mut a.refresh_token_expire_days, "0"), "REFRESH_TOKEN_EXPIRE_DAYS");
    check(|a| set(&mut a.public_url, "insula.example"), "PUBLIC_URL");
    check(|a| set(&mut a.public_url, "http://insula.example"), "https");
    check(|a| set(&mut a.token_algorithm, "none"), "TOKEN_ALGORITHM");
    check(|a| set(&mut a.session_absolute_days, "0"), "SESSION_ABSOLUTE_DAYS");
    check(|a| set(&mut a.session_idle_min, "-1"), "SESSION_IDLE_MIN");
    check(|a| set(&mut a.session_limit, "0"), "SESSION_LIMIT");
    check(|a| set(&mut a.session_limit_policy, "oldest"), "SESSION_LIMIT_POLICY");
    check(|a| set(&mut a.log_level, "loud"), "LOG_LEVEL");
    check(|a| set(&mut a.log_level, "info,insula=loud"), "LOG_LEVEL");
    check(|a| set(&mut a.log_format, "xml"), "LOG_FORMAT");
    check(|a| a.unbuilt = vec!["TLS_CERT"], "TLS_CERT");
    check(|a| set(&mut a.password_hasher, "md5"), "PASSWORD_HASHER");
    check(|a| set(&mut a.public_url, "insula.example"), "PUBLIC_URL");
    check(|a| set(&mut a.public_url, "ftp://insula.example"), "PUBLIC_URL");
    check(|a| set(&mut a.public_url, "https://insula.example?a=b"), "PUBLIC_URL");
    check(|a| set(&mut a.public_url, "http://insula.example"), "https://");
    check(|a| set(&mut a.mail_from, "Insula"), "MAIL_FROM");
    check(|a| with_mail(a, "https://mail.example"), "SMTP_URL must");
    check(|a| with_mail(a, "smtp://mail.example"), "in the clear");
    check(|a| with_mail(a, "smtp://mail.example?tls=opportunistic"), "in the clear");
    check(
        |a| {
            with_mail(a, "smtps://mail.example");
            a.mail_from = None;
        },
        "MAIL_FROM",
    );
    for url in [
        "postgresql://owner:pw@db.example/insula",
        "postgresql://owner:pw@10.0.0.5:5432/insula?sslmode=require",
        "postgresql://owner:p@127.0.0.1@db.example/insula",
        "postgresql://127.0.0.1/x@db.example/insula",
        "postgresql://owner:a/b?c@db.example/insula",
        "postgresql://owner:pw@127.0.0.1,db.example/insula",
        "postgresql://owner:pw@[2001:db8::1]:5432/insula",
        "postgresql://owner@localhost/insula?host=db.example",
        "postgresql://owner@localhost/insula?hostaddr=10.0.0.5",
    ] {
        let found = findings(&ServeArgs { database_url: Some(url.to_owned()), ..production(|_| {}) });
        assert!(found.len() == 1 && found[0].contains("TLS"), "{url}: {found:?}");
    }
}

#[test]
fn a_database_on_this_machine_needs_no_tls() {
    for url in [
        "postgresql://owner:pw@127.0.0.1:5432/insula",
        "postgresql://owner:pw@localhost/insula",
        "postgresql://owner:pw@[::1]:5432/insula",
        "postgresql://owner@%2Frun%2Fpostgresql/insula",
        "postgresql:///insula?host=/run/postgresql",
    ] {
        let found = findings(&ServeArgs { database_url: Some(url.to_owned()), ..production(|_| {}) });
        assert_eq!(found, [""; 0], "{url}");
    }
}

#[test]
fn mails_go_to_a_server_that_nobody_listens_to() {
    for url in [
        "smtps://user:pass@mail.example",
        "smtp://mail.example:587?tls=required",
        "smtp://localhost:25",
        "smtp://127.0.0.1:2525",
    ] {
        let mut args = production(|_| {});
        with_mail(&mut args, url);
        let config = Config::check(&args).unwrap_or_else(|findings| panic!("{url}: {findings}"));
        assert_eq!(config.engine.mail.public_url, "https://insula.example", "{url}");
        assert!(!format!("{:?}", config.engine.mail).contains("pass"), "{url}");
    }
}

#[test]
fn outside_production_an_option_that_is_not_built_is_only_told() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_str().unwrap().to_owned());
    let args = ServeArgs { data_dir, unbuilt: vec!["REDIS_URL"], ..ServeArgs::default() };
    assert_eq!(Config::check(&args).unwrap().unbuilt, ["REDIS_URL"]);
}

#[test]
fn all_findings_are_told_at_once_and_no_value_with_them() {
    let args = ServeArgs {
        environment: Some("production".to_owned()),
        secret_key: Some("hunter2".to_owned()),
        database_url: Some("mysql://root:letmein@db.internal/x".to_owned()),
        log_format: Some("xml".to_owned()),
        ..ServeArgs::default()
    };
    let text = Config::check(&args).unwrap_err().to_string();
    assert_eq!(text.lines().count(), 5, "{text}");
    for value in ["hunter2", "letmein", "db.internal", "xml"] {
        assert!(!text.contains(value), "{text}");
    }
}

#[test]
fn a_sound_configuration_becomes_options() {
    let config = Config::check(&production(|a| {
        set(&mut a.bind_address, "127.0.0.1:0");
        a.database_url = None;
        set(&mut a.sqlalchemy_database_url, "postgresql+psycopg2://owner:p%2Fw@127.0.0.1/insula?sslmode=require");
        set(&mut a.access_token_expire_min, "5");
        set(&mut a.session_idle_min, "60");
        set(&mut a.session_limit_policy, "deny");
        set(&mut a.log_level, "warn,insula=debug");
    }))
    .unwrap();
    assert_eq!(config.address.to_string(), "127.0.0.1:0");
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.engine.identity.registration, Registration::Closed);
    assert_eq!(config.engine.identity.access_token_seconds, 300);
    assert_eq!(config.engine.identity.refresh_token_seconds, 7 * 24 * 3600);
    assert_eq!(config.engine.identity.session_idle_seconds, Some(3600));
    assert_eq!((config.engine.identity.session_limit, config.engine.identity.when_full), (10, WhenFull::Deny));
    let StoreOptions::Postgres { url, cell_tenant_limit: 1000 } = config.engine.store else {
        panic!("{:?}", config.engine.store)
    };
    assert_eq!(url.expose_secret(), "postgresql://owner:p%2Fw@127.0.0.1/insula?sslmode=require");
    assert!(
        Config::check(&production(|a| {
            a.database_url = None;
            set(&mut a.allow_sqlite, "true");
        }))
        .is_ok()
    );
}

#[test]
fn outside_production_a_key_is_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let args = ServeArgs { data_dir: Some(data_dir.to_str().unwrap().to_owned()), ..ServeArgs::default() };
    let key = |args: &ServeArgs| Config::check(args).unwrap().engine.secret_key.expose_secret().to_owned();
    let first = key(&args);
    assert_eq!(first.len(), 96);
    assert_eq!(key(&args), first);
    let file = data_dir.join("secret.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(data_dir.read_dir().unwrap().count(), 1, "the draft is gone");

    std::fs::write(&file, "cut").unwrap();
    assert_eq!(findings(&args).len(), 1);
    std::fs::remove_file(&file).unwrap();
    assert_ne!(key(&args), first);
}

#[test]
fn a_refused_configuration_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mut args = ServeArgs { data_dir: Some(data_dir.to_str().unwrap().to_owned()), ..ServeArgs::default() };
    set(&mut args.log_format, "xml");
    assert_eq!(findings(&args).len(), 1);
    assert!(!data_dir.exists());
}
