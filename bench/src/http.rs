//! One keep-alive HTTP/1.1 connection, as little of a client as a load generator needs.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Answer<'_> {
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a whole request and waits for the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.fill().await?;
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
        };
        while self.buffer.len() < head.end + head.length {
            self.fill().await?;
        }
        match self.buffer.get(head.end..) {
            Some(body) if body.len() == head.length => Ok(Answer { status: head.status, body }),
            _ => Err("more bytes came than the answer announced".into()),
        }
    }

    /// One request that prepares or checks, outside of any measurement: its answer as JSON, anything but a 2xx an error.
    pub async fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<serde_json::Value> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = self.exchange(request.as_bytes()).await?;
        if !answer.is_success() {
            return Err(refused(&format!("{method} {path}"), &answer).into());
        }
        if answer.body.is_empty() { Ok(serde_json::Value::Null) } else { Ok(serde_json::from_slice(answer.body)?) }
    }

    async fn fill(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

/// Where the head ends, what it says.
#[derive(PartialEq, Eq, Debug)]
struct Head {
    status: u16,
    end: usize,
    length: usize,
}

impl Head {
    /// None: not all of it is here yet.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end])?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|rest| rest.get(..3));
        let status: u16 = status.ok_or("no HTTP/1.1 status line")?.parse()?;
        let mut length = (status == 204).then_some(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                // A contender that streams small answers pays for it; better seen than hidden by a lenient reader.
                return Err(format!("an answer without a length: transfer-encoding{value}").into());
            }
        }
        let length = length.ok_or("an answer without content-length")?;
        Ok(Some(Self { status, end: end + 4, length }))
    }
}

/// [`Connection::call`] on a connection of its own.
pub async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Result<serde_json::Value> {
    Connection::open(address).await?.call(method, path, headers, body).await
}

/// What to print of an answer that ends the run.
pub fn refused(what: &str, answer: &Answer<'_>) -> String {
    format!("{what}: {} {}", answer.status, String::from_utf8_lossy(answer.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let check =
            |text: &str, expect: Option<Head>| assert_eq!(Head::read(text.as_bytes()).unwrap(), expect, "{text:?}");
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Some(Head { status: 200, end: 38, length: 2 }));
        check("HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", Some(Head { status: 204, end: 33, length: 0 }));
    }

    #[test]
    fn heads_refused() {
        for text in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n",
        ] {
            assert!(Head::read(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
