//! How mails leave, and where their links lead.

use std::path::Path;

use insula_engine::mail::{Delivery, MailOptions, Sender, Smtp};
use insula_engine::public_url::PublicUrl;
use url::{Host, Url};

use super::{Findings, ServeArgs, given};

pub(super) fn options(args: &ServeArgs, data_dir: &Path, production: bool, findings: &mut Findings) -> MailOptions {
    let mut options = MailOptions::into_folder(data_dir.join("mails"));
    // One that is wrong was found by whoever reads it for the cookies.
    if let Some(url) = given(args.public_url.as_ref()).and_then(PublicUrl::parse) {
        url.as_str().clone_into(&mut options.public_url);
    }
    match given(args.mail_from.as_ref()).map(Sender::parse) {
        Some(Some(sender)) => options.sender = sender,
        Some(None) => findings.add("MAIL_FROM must be an address, like `Insula <no-reply@example.org>`"),
        None => {}
    }
    if let Some(url) = given(args.smtp_url.as_ref()) {
        match Smtp::parse(url) {
            Some(_) if production && !is_encrypted(url) => findings
                .add("SMTP_URL sends tokens in the clear: use smtps://, or smtp:// with ?tls=required, in production"),
            Some(smtp) => options.delivery = Delivery::Smtp(smtp),
            None => {
                findings.add("SMTP_URL must be like smtps://user:password@mail.example, or smtp:// with ?tls=required");
            }
        }
        for (option, name) in [(&args.public_url, "PUBLIC_URL"), (&args.mail_from, "MAIL_FROM")] {
            if given(option.as_ref()).is_none() {
                findings.add(format!("SMTP_URL is set and {name} is not: mails need both"));
            }
        }
    }
    options
}

/// Whether nobody on the way can read it, nor talk the server out of TLS.
fn is_encrypted(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let required = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    url.scheme() == "smtps" || required || is_loopback(&url)
}

fn is_loopback(url: &Url) -> bool {
    // The host of a scheme that `url` does not know is a name, whatever it looks like.
    match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
