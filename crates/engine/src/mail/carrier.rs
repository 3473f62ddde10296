//! The last step of a mail: to a mail server, or into a folder.

use std::error::Error;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use uuid::Uuid;

use super::{Delivery, MailOptions, Message, Smtp};

pub(super) type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Why a mail was not handed over. The text is for the log: it repeats nothing of the mail, nor what a server said of it.
pub(super) enum Failure {
    Passing(Box<dyn Error + Send + Sync>),
    /// Another attempt would end the same way.
    Lasting(Box<dyn Error + Send + Sync>),
}

impl MailOptions {
    /// `id` becomes the `Message-ID`, the same at each attempt, so that a mail that comes twice is known for one.
    pub(super) async fn hand_over(&self, id: Uuid, message: &Message) -> Result<(), Failure> {
        let mail = self.mail(id, message).map_err(Failure::Lasting)?;
        match &self.delivery {
            Delivery::Smtp(Smtp(transport)) => transport.send(mail).await.map(drop).map_err(failure),
            Delivery::Folder(folder) => {
                let file = folder.join(format!("{id}.eml"));
                let written = tokio::task::spawn_blocking(move || write(&file, &mail.formatted())).await;
                written.map_err(io::Error::other).flatten().map_err(|error| Failure::Passing(error.into()))
            }
        }
    }

    fn mail(&self, id: Uuid, message: &Message) -> Result<lettre::Message, Box<dyn Error + Send + Sync>> {
        let to = message.to.parse().map_err(|error: AddressError| error)?;
        let sender = &self.sender.0;
        let mail = lettre::Message::builder()
            .from(sender.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_str())
            .message_id(Some(format!("<{id}@{}>", sender.email.domain())))
            // RFC 3834 §5: nobody's absence is to be told to us.
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(MultiPart::alternative_plain_html(message.text(), message.html()))?;
        Ok(mail)
    }
}

/// What a server answers may repeat the address: of such an answer its code alone is kept.
fn failure(error: SmtpError) -> Failure {
    let lasting = error.is_permanent();
    let cause: Box<dyn Error + Send + Sync> = match error.status() {
        Some(code) => format!("the mail server answered {code}").into(),
        None => error.into(),
    };
    if lasting { Failure::Lasting(cause) } else { Failure::Passing(cause) }
}

/// Readable by the owner alone: a mail may hold a token. Written beside and put into place, so that it is whole or absent.
fn write(file: &Path, mail: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = file.with_extension("draft");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    out.write_all(mail)?;
    out.sync_all()?;
    fs::rename(&draft, file)
}
