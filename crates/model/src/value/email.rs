//! E-mail addresses (RFC 5321 §4.1.2, RFC 5322 §3.4.1): a dot-atom before the `@`, a host name after it. Quoted local
//! parts and address literals are legal and refused: nobody has one who is not testing.

use crate::id::AccountId;
use crate::input::Members;
use crate::problem::{Code, Errors};

/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL: usize = 64;
/// RFC 5321 §4.5.3.1.3: a path is 256 octets with its angle brackets.
pub const MAX_ADDRESS: usize = 254;
/// RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;

/// An address as written, its domain in lower case and in ASCII (IDNA, RFC 5891).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email(String);

/// Where the addresses lie of accounts that are no person's.
const SERVICE_DOMAIN: &str = "service.invalid";

/// Whether `address` stands in place of one.
pub fn is_of_service(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(SERVICE_DOMAIN))
}

impl Email {
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let domain =
            if domain.is_ascii() { domain.to_ascii_lowercase() } else { idna::domain_to_ascii_strict(domain).ok()? };
        let good = local.len() + 1 + domain.len() <= MAX_ADDRESS
            && local.len() <= MAX_LOCAL
            && local.split('.').all(is_atom)
            && domain.contains('.')
            && domain.split('.').all(is_label)
            // A last label of digits alone would be an IPv4 address (RFC 3696 §2).
            && !domain.rsplit('.').next().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit()));
        good.then(|| Self(format!("{local}@{domain}")))
    }

    /// The member `email`, which must be there.
    pub fn read(members: &mut Members<'_>, errors: &mut Errors) -> Option<Self> {
        let text = members.text("email", MAX_ADDRESS, errors)?;
        let email = Self::parse(text).filter(|email| !is_of_service(email.as_str()));
        if email.is_none() {
            errors.add(
                members.pointer("email"),
                Code::InvalidFormat,
                "This is no e-mail address, such as ada@example.org.",
            );
        }
        email
    }

    /// What stands in place of the address of a program's account. No mail reaches it (RFC 2606 §2), and nobody can sign
    /// up with it, since [`Email::read`] takes none of these.
    pub fn of_service(id: AccountId) -> Self {
        Self(format!("{id}@{SERVICE_DOMAIN}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// What two addresses are compared by. The standard tells local parts of different case apart; people do not.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// `1*atext` of RFC 5322 §3.2.3, with letters beyond ASCII as RFC 6531 adds them.
fn is_atom(atom: &str) -> bool {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || c.is_alphanumeric();
    !atom.is_empty() && atom.chars().all(is_atext)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let longest_local = "l".repeat(MAX_LOCAL);
        for (text, stored, folded) in [
            ("ada@example.org", "ada@example.org", "ada@example.org"),
            ("Ada.L@Example.ORG", "Ada.L@example.org", "ada.l@example.org"),
            ("o'brien+tag@a-b.co", "o'brien+tag@a-b.co", "o'brien+tag@a-b.co"),
            ("a@München.DE", "a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"),
            ("Ünal@example.org", "Ünal@example.org", "ünal@example.org"),
            ("{x}!#$%&*/=?^_`|~-@x1.example", "{x}!#$%&*/=?^_`|~-@x1.example", "{x}!#$%&*/=?^_`|~-@x1.example"),
            (&format!("{longest_local}@x.org"), &format!("{longest_local}@x.org"), &format!("{longest_local}@x.org")),
        ] {
            let email = Email::parse(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!((email.as_str(), email.folded().as_str()), (stored, folded));
        }
        let long_local = format!("{}@x.org", "l".repeat(MAX_LOCAL + 1));
        let long_label = format!("a@{}.org", "d".repeat(MAX_LABEL + 1));
        let long = format!("a@{}org", "d23456789.".repeat(26));
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@x.org",
            "a@b",
            "a@b@x.org",
            "a b@x.org",
            "a@x .org",
            " a@x.org",
            "a@x.org ",
            "a@x.org\n",
            "a\r\nBcc: b@x.org",
            "a\0@x.org",
            "a@x.org\0",
            ".a@x.org",
            "a.@x.org",
            "a..b@x.org",
            "a@.x.org",
            "a@x..org",
            "a@x.org.",
            "a@-x.org",
            "a@x-.org",
            "a@x_y.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a b\"@x.org",
            "<a@x.org>",
            "a,b@x.org",
            "a(c)@x.org",
            "a@-münchen.de",
            "a@mün_chen.de",
            "a\u{200b}@x.org",
            &long_local,
            &long_label,
            &long,
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
    }
}
