//! An event as one line of JSON, written straight into the line's buffer: a request pays for it.

use std::fmt::{self, Write};

use insula_model::clock::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp", "level", "target", …fields}`, the message being the field `message`.
pub(super) struct JsonLine(pub(super) Clock);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let of = event.metadata();
        write!(line, r#"{{"timestamp":"{}","level":"{}","target":"{}""#, self.0.now(), of.level(), of.target())?;
        let mut fields = Fields { line, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        fields.line.write_str("}\n")
    }
}

struct Fields<'w> {
    line: Writer<'w>,
    written: fmt::Result,
}

impl Fields<'_> {
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.written = self.written.and_then(|()| write!(self.line, r#","{}":{value}"#, field.name()));
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.written = self.written.and_then(|()| {
            write!(self.line, r#","{}":""#, field.name())?;
            Escaped(&mut self.line).write_fmt(value)?;
            self.line.write_char('"')
        });
    }
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// The inside of a JSON string (RFC 8259 §7).
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(|c: char| c == '"' || c == '\\' || c < ' ') {
            let (plain, special) = match piece.char_indices().next_back() {
                Some((at, special)) if special == '"' || special == '\\' || special < ' ' => {
                    (piece.get(..at).unwrap_or_default(), Some(special))
                }
                _ => (piece, None),
            };
            self.0.write_str(plain)?;
            match special {
                Some(special @ ('"' | '\\')) => write!(self.0, "\\{special}")?,
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use insula_model::value::Timestamp;
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Registry, fmt};

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
        let layer = fmt::layer().with_writer(queue).event_format(JsonLine(clock));
        tracing::subscriber::with_default(Registry::default().with(layer), || {
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
