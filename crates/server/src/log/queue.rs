//! Lines on their way to their writer. To log is to append to a buffer under a lock: no system call, no allocation. A
//! thread takes the buffer and writes it whole, at once when the log was quiet and a few times per tick when it is not.
//! A channel of lines would wake its reader for each of them, which cost more than all else a request pays for its line.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather while more keep coming.
const TICK: Duration = Duration::from_millis(5);
/// Bytes held for a reader that has fallen behind; lines beyond are dropped and counted.
const LIMIT: usize = 4 * 1024 * 1024;

pub(super) struct Queue(Arc<Shared>);

/// Writes what is left when dropped.
pub struct Guard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    dropped: usize,
    closed: bool,
}

/// A queue whose lines `out` gets.
pub(super) fn over(out: impl Write + Send + 'static) -> (Queue, Guard) {
    let shared = Arc::new(Shared { lines: Mutex::default(), arrived: Condvar::new() });
    let writing = Arc::clone(&shared);
    let thread = std::thread::spawn(move || writing.write_to(out));
    (Queue(Arc::clone(&shared)), Guard { shared, thread: Some(thread) })
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        // Appending cannot leave it half done.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        loop {
            let waiting = self.arrived.wait_while(self.lock(), |lines| lines.bytes.is_empty() && !lines.closed);
            let mut lines = waiting.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut lines.bytes, &mut batch);
            let (dropped, closed) = (std::mem::take(&mut lines.dropped), lines.closed);
            drop(lines);
            let written = out.write_all(&batch).and_then(|()| out.flush());
            batch.clear();
            if dropped > 0 || written.is_err() {
                // Standard output is what fell behind or broke; there is one other place to say so.
                eprintln!("insula: the log could not be written as fast as it came; lines lost: {dropped}");
            }
            if closed {
                return;
            }
            std::thread::sleep(TICK);
        }
    }
}

impl Queue {
    pub(super) fn append(&self, line: &[u8]) {
        let mut lines = self.0.lock();
        if lines.bytes.len() + line.len() > LIMIT {
            lines.dropped += 1;
            return;
        }
        let quiet = lines.bytes.is_empty();
        lines.bytes.extend_from_slice(line);
        drop(lines);
        if quiet {
            self.0.arrived.notify_one();
        }
    }
}

impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panicked only if standard error is gone too; nobody is left to tell.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what it is given; holds its writer until it is taken.
    struct Slow(mpsc::SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_in_order_and_the_last_ones_on_drop() {
        let (sent, got) = mpsc::sync_channel(1024);
        let (queue, guard) = over(Slow(sent));
        let lines: Vec<String> = (0..1000).map(|n| format!("line {n}\n")).collect();
        for line in &lines {
            (&queue).write_all(line.as_bytes()).unwrap();
        }
        drop(guard);
        assert_eq!(String::from_utf8(got.iter().flatten().collect()).unwrap(), lines.concat());
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_request() {
        let (sent, got) = mpsc::sync_channel(0);
        let (queue, guard) = over(Slow(sent));
        let line = vec![b'x'; 1024];
        for _ in 0..3 * LIMIT / line.len() {
            (&queue).write_all(&line).unwrap();
        }
        let reader = std::thread::spawn(move || got.iter().map(|bytes| bytes.len()).sum::<usize>());
        drop(guard);
        // At most one batch under way and one waiting.
        let written = reader.join().unwrap();
        assert!(written >= LIMIT - line.len() && written <= 2 * LIMIT, "{written}");
    }
}
