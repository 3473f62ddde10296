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

use json::JsonLine;
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
    let layer = fmt::layer().with_writer(queue);
    let layer = match options.format {
        LogFormat::Json => layer.event_format(JsonLine(Clock::default())).boxed(),
        LogFormat::Text => layer.with_ansi(std::io::stdout().is_terminal()).boxed(),
    };
    Registry::default().with(layer.with_filter(options.levels.clone())).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, cause = panic.payload_as_str(), "panic");
    }));
    Ok(guard)
}
