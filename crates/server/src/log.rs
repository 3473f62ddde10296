//! The log: one event, one line, on standard output (requirement I2). A thread of its own writes, so that no request
//! waits for whoever reads the log.

mod json;
mod queue;

use std::io::IsTerminal as _;

use insula_model::clock::Clock;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry, fmt};

use json::JsonLines;
pub use queue::Guard;

/// What is written, and how.
#[derive(Clone, Debug)]
pub struct LogOptions {
    pub levels: Targets,
    pub format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    Json,
    Text,
}

/// Begins to log. What is queued when the guard is dropped is still written.
pub fn start(options: &LogOptions) -> Result<Guard, TryInitError> {
    let (queue, guard) = queue::over(std::io::stdout());
    let layer = match options.format {
        LogFormat::Json => JsonLines { clock: Clock::default(), queue }.boxed(),
        LogFormat::Text => fmt::layer().with_writer(queue).with_ansi(std::io::stdout().is_terminal()).boxed(),
    };
    // The levels stand before the layer: what is off for a whole module costs a look at a number.
    Registry::default().with(layer).with(options.levels.clone()).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, cause = panic.payload_as_str(), "panic");
    }));
    Ok(guard)
}
