//! The `insula` binary: reads the command line, refuses a bad configuration, runs the server until it is told to stop.

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use insula::application::Application;
use insula::config::{self, Config, ServeArgs};
use insula::keys::{self, Keys};
use insula::log;
use insula::superuser::{self, Create, Superuser};
use insula_engine::engine::{Engine, Origin};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_CONFIG` of sysexits.h.
const REFUSED_CONFIGURATION: u8 = 78;

/// A multi-tenant no-code application platform.
#[derive(Parser)]
#[command(name = "insula", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Every option can be given in the environment instead.
    Serve(Box<ServeArgs>),
    /// Print the API as an OpenAPI document: the one that `/api/openapi.json` serves.
    Openapi,
    /// Who runs the installation.
    #[command(subcommand)]
    Superuser(Superuser),
    /// What access tokens are signed with.
    #[command(subcommand)]
    Keys(Keys),
}

fn main() -> ExitCode {
    let mut args = match Cli::parse().command {
        Command::Serve(args) => args,
        Command::Openapi => {
            print!("{}", insula::openapi::platform());
            return ExitCode::SUCCESS;
        }
        Command::Superuser(Superuser::Create(create)) => {
            let Create { email, full_name, serve, .. } = *create;
            let work =
                async |engine: &Engine, origin: &Origin| superuser::create(engine, origin, email, full_name).await;
            return once(&serve, "insula superuser create", "no superuser was made", work);
        }
        Command::Keys(Keys::Rotate(rotate)) => {
            return once(&rotate.serve, "insula keys rotate", "no key was made", keys::rotate);
        }
    };
    args.unbuilt = config::unbuilt();
    let config = match checked(&args) {
        Ok(config) => config,
        Err(refused) => return refused,
    };
    let log = match log::start(&config.log) {
        Ok(log) => log,
        Err(error) => return failed(&error),
    };
    if !config.unbuilt.is_empty() {
        tracing::warn!(options = config.unbuilt.join(", "), "these options are set and not built yet: they do nothing");
    }
    let result = serve(config);
    // Writes what is still queued.
    drop(log);
    result.map_or_else(|error| failed(error.as_ref()), |()| ExitCode::SUCCESS)
}

/// The configuration, or its faults told.
fn checked(args: &ServeArgs) -> Result<Config, ExitCode> {
    Config::check(args).map_err(|findings| {
        eprintln!("{findings}");
        ExitCode::from(REFUSED_CONFIGURATION)
    })
}

/// Does one thing with the data that `args` lead to, which its trail tells of as done by `name`; `failed` is what it means
/// where that cannot be done.
fn once(
    args: &ServeArgs,
    name: &str,
    failed: &str,
    work: impl AsyncFnOnce(&Engine, &Origin) -> Result<(), Box<dyn std::error::Error>>,
) -> ExitCode {
    let config = match checked(args) {
        Ok(config) => config,
        Err(refused) => return refused,
    };
    let done = run(async {
        let engine = Engine::open(config.engine).await?;
        let origin = Origin { request: engine.ids().next(), address: "".into(), user_agent: name.into() };
        let done = work(&engine, &origin).await;
        engine.close().await;
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{failed}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run<T>(work: impl Future<Output = T>) -> T {
    work.await
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("insula cannot start: {error}");
    ExitCode::FAILURE
}

#[tokio::main]
async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let stop = stop_signal()?;
    let application = Application::bind(config.address, config.engine).await?;
    application.run(stop).await;
    Ok(())
}

/// Resolves at SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
