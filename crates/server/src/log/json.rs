//! An event as one line of JSON. It is written straight into a buffer that its thread keeps, and from there into the
//! queue: every request pays for its line, so it pays for no allocation and no formatting that can be done without.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;

use insula_model::clock::Clock;
use insula_model::value::write_json_text;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::queue::Queue;

/// Writes `{"timestamp", "level", "target", …fields}`, the message being the field `message`.
pub(super) struct JsonLines {
    pub(super) clock: Clock,
    pub(super) queue: Queue,
}

thread_local! {
    /// The line being written; emptied, never given back.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        LINE.with(|line| match line.try_borrow_mut() {
            Ok(mut line) => self.write(event, &mut line),
            // What is being written logs something itself.
            Err(_) => self.write(event, &mut Vec::new()),
        });
    }
}

impl JsonLines {
    fn write(&self, event: &Event<'_>, line: &mut Vec<u8>) {
        let of = event.metadata();
        line.clear();
        line.extend_from_slice(b"{\"timestamp\":\"");
        self.clock.now().write(line);
        line.extend_from_slice(b"\",\"level\":\"");
        line.extend_from_slice(of.level().as_str().as_bytes());
        line.extend_from_slice(b"\",\"target\":");
        write_json_text(of.target(), line);
        event.record(&mut Fields(line));
        line.extend_from_slice(b"}\n");
        self.queue.append(line);
    }
}

struct Fields<'l>(&'l mut Vec<u8>);

impl Fields<'_> {
    fn name(&mut self, field: &Field) -> &mut Vec<u8> {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(field.name().as_bytes());
        self.0.extend_from_slice(b"\":");
        self.0
    }
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field).extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field).extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write_json_text(value, self.name(field));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let line = self.name(field);
        line.push(b'"');
        let start = line.len();
        // A value that fails to show itself is logged as far as it came.
        drop(write!(line, "{value:?}"));
        let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        if line.get(start..).unwrap_or_default().iter().any(special) {
            let text = line.split_off(start);
            line.pop();
            write_json_text(&String::from_utf8_lossy(&text), line);
        } else {
            line.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use insula_model::value::Timestamp;
    use serde_json::{Value, json};
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::log::queue;

    #[derive(Clone, Default)]
    struct Sink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_kind_of_field_is_json_on_one_line() {
        let sink = Sink::default();
        let (queue, guard) = queue::over(sink.clone());
        let clock = Clock::fixed(Timestamp::from_micros(1_700_000_000_123_456));
        tracing::subscriber::with_default(Registry::default().with(JsonLines { clock, queue }), || {
            tracing::info!(
                target: "t",
                number = 7_u64, less = -7, yes = true, text = "a\"b\\c\nd\u{1}é", absent = None::<&str>,
                shown = %"x\ty", real = 1.5, "said {}", "so"
            );
        });
        drop(guard);
        let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        let expected = json!({
            "timestamp": "2023-11-14T22:13:20.123456Z", "level": "INFO", "target": "t", "message": "said so",
            "number": 7, "less": -7, "yes": true, "text": "a\"b\\c\nd\u{1}é", "shown": "x\ty", "real": "1.5",
        });
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
    }
}
