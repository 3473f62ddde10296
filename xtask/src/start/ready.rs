//! Waiting until the server says that it is ready.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is yes; `alive` fails when there is nobody left to ask.
pub(super) fn wait(address: SocketAddr, mut alive: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        alive()?;
        let answer = ask(address);
        match &answer {
            Ok(200) => return Ok(()),
            _ if begun.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Ok(status) => return Err(late(&format!("GET /readyz answers {status}"))),
            Err(cause) => return Err(late(&cause.to_string())),
        }
    }
}

fn late(last: &str) -> Failure {
    Failure::new(format!("insula is not ready after {} s: {last}", PATIENCE.as_secs()))
}

fn ask(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64).read_to_string(&mut answer)?;
    status(&answer).ok_or_else(|| io::Error::other(format!("{address} does not speak HTTP")))
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_status() {
        let table = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0", Some(200)),
            ("HTTP/1.1 503 Service Unavailable\r\n", Some(503)),
            ("SSH-2.0-OpenSSH_9.2", None),
            ("", None),
        ];
        for (answer, expected) in table {
            assert_eq!(status(answer), expected, "{answer}");
        }
    }
}
