//! A mail server of one test: it speaks SMTP (RFC 5321), and keeps what it is given.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it answers to whoever names a recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    Willing,
    /// 451: come again.
    Busy,
    /// 550: no such mailbox.
    Refusing,
}

/// A mail as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Of the envelope.
    pub to: String,
    pub text: String,
}

pub struct MailServer {
    port: u16,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

struct State {
    mood: Mood,
    /// How often somebody named a recipient.
    asked: usize,
    received: Vec<Received>,
}

impl MailServer {
    pub async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { mood, asked: 0, received: Vec::new() }));
        let serving = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, Arc::clone(&state)));
                }
            }
        });
        Self { port, state, serving }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn set_mood(&self, mood: Mood) {
        self.state.lock().expect("nobody panics with it").mood = mood;
    }

    pub fn asked(&self) -> usize {
        self.state.lock().expect("nobody panics with it").asked
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().expect("nobody panics with it").received.clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One connection, until either side has enough.
async fn converse(stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 tests\r\n").await.ok()?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                let mut state = state.lock().ok()?;
                state.asked += 1;
                match state.mood {
                    Mood::Willing => "250 fine",
                    Mood::Busy => "451 later",
                    Mood::Refusing => "550 nobody of that name",
                }
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    // A line that begins with a dot has another one before it (§4.5.2).
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                state.lock().ok()?.received.push(Received { to: to.clone(), text });
                "250 taken"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await.ok()?;
                return Some(());
            }
            _ => "250 fine",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}
