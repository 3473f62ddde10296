//! The log: one event, one line, on standard output. Lines are written by a thread of their own, many with one
//! system call, so that no request waits for them; should the reader of the log fall far behind, lines are dropped.

use std::io::{BufWriter, IsTerminal as _, Write as _};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry, fmt};

/// Lines held for the writing thread.
const QUEUE: usize = 16 * 1024;

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
pub fn start(options: &LogOptions) -> Result<WorkerGuard, TryInitError> {
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUE).finish(BufWriter::new(std::io::stdout()));
    let layer = fmt::layer().with_writer(writer);
    let layer = match options.format {
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_ansi(std::io::stdout().is_terminal()).boxed(),
    };
    Registry::default().with(layer.with_filter(options.levels.clone())).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, message_text = panic.payload_as_str(), "panic");
        drop(std::io::stdout().flush());
    }));
    Ok(guard)
}
