//! `insula-quick-hash`: the server as `insula serve` runs it, but for the cost of a password's hash, which is bcrypt's
//! least. For who makes tenants by the thousand and does not ask what a hash costs; never to be shipped.

use std::error::Error;

use clap::Parser;
use insula::application::Application;
use insula::config::{Config, ServeArgs};
use insula::log;
use tokio::signal::unix::{SignalKind, signal};

/// The least that bcrypt knows.
const COST: u32 = 4;

#[derive(Parser)]
#[command(name = "insula-quick-hash", version)]
enum Command {
    /// Run the server. Every option can be given in the environment instead.
    Serve(Box<ServeArgs>),
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Command::Serve(args) = Command::parse();
    let Config { address, mut engine, log, .. } = Config::check(&args)?;
    engine.identity.bcrypt_cost = COST;
    let _log = log::start(&log)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let application = Application::bind(address, engine).await?;
    application
        .run(async move {
            terminate.recv().await;
        })
        .await;
    Ok(())
}
