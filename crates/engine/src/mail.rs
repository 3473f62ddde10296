//! Mails. What is to be told somebody is written as a [`Letter`] in the transaction of what causes it, sealed; some
//! node's background takes it, has it written by whoever knows the account, and hands the mail over. Nothing of a mail
//! outlives its sending here, and no token of one is ever at rest.

mod carrier;
mod message;
mod queue;

use std::fmt;
use std::path::PathBuf;

use lettre::Address;
use lettre::message::Mailbox;

pub(crate) use message::{Message, Paragraph};
pub(crate) use queue::{Letter, drain, put};

/// How mails leave, already checked.
#[derive(Clone, Debug)]
pub struct MailOptions {
    pub delivery: Delivery,
    pub sender: Sender,
    /// Where links in mails lead: a scheme and a host, without a slash at its end.
    pub public_url: String,
}

impl MailOptions {
    /// Mails as files in `folder`, with links that lead to this machine.
    pub fn into_folder(folder: PathBuf) -> Self {
        let nobody = Mailbox::new(Some("Insula".to_owned()), Address::new_dangerous("insula", "localhost"));
        Self {
            delivery: Delivery::Folder(folder),
            sender: Sender(nobody),
            public_url: "http://127.0.0.1:8000".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Delivery {
    Smtp(Smtp),
    /// Files in a folder, for whoever runs this without a mail server.
    Folder(PathBuf),
}

/// The way to a mail server.
#[derive(Clone)]
pub struct Smtp(carrier::Transport);

impl Smtp {
    /// Of `smtps://…`, TLS from the start, or `smtp://…`, with `?tls=required` or `?tls=opportunistic` for STARTTLS.
    pub fn parse(url: &str) -> Option<Self> {
        let known = url.starts_with("smtp://") || url.starts_with("smtps://");
        carrier::Transport::from_url(url).ok().filter(|_| known).map(|transport| Self(transport.build()))
    }
}

/// It holds a password.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

/// Whom mails are from: `ada@example.org` or `Ada <ada@example.org>`.
#[derive(Clone, Debug)]
pub struct Sender(Mailbox);

impl Sender {
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}
