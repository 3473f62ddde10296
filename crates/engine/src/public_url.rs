//! Where people reach this installation: what links lead to, and whose cookies are its own.

/// A scheme and an authority, and nothing behind them: `https://insula.example`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// `None` where it is no such address. A slash at the end is no part of it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://")?;
        let fitting = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        let sound = ["http", "https"].contains(&scheme) && !authority.is_empty() && authority.bytes().all(fitting);
        sound.then_some(Self(text))
    }

    /// Its origin (RFC 6454 §6.2), in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_and_nothing_else() {
        for (text, expect) in [
            ("https://Insula.example", Some("https://insula.example")),
            ("https://insula.example/", Some("https://insula.example")),
            ("http://127.0.0.1:8000", Some("http://127.0.0.1:8000")),
            ("http://[::1]:8000", Some("http://[::1]:8000")),
            ("https://insula.example/app", None),
            ("https://user@insula.example", None),
            ("https://", None),
            ("ftp://insula.example", None),
            ("insula.example", None),
            ("", None),
        ] {
            assert_eq!(PublicUrl::parse(text).as_ref().map(PublicUrl::as_str), expect, "{text}");
        }
    }
}
