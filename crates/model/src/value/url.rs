//! Web addresses as the WHATWG's URL standard reads them, of schemes that lead somewhere and run nothing (requirement C6).

/// Schemes a link may have. `javascript:`, `data:` and `vbscript:` run in the page that shows them.
pub const SCHEMES: [&str; 6] = ["http", "https", "ftp", "sftp", "mailto", "tel"];
/// In bytes of the normal form, which is ASCII: what browsers and indexes can be relied on to take.
pub const MAX_URL: usize = 2_000;

/// An absolute URL in its normal form: scheme and host in lower case, the host in IDNA, the rest percent-encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url(String);

impl Url {
    /// Blanks and control characters, which the standard would skip without a word, are refused.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_URL || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let url = url::Url::parse(text).ok()?;
        let whole = String::from(url.clone());
        let leads_somewhere = url.has_host() || !url.path().is_empty();
        (SCHEMES.contains(&url.scheme()) && leads_somewhere && whole.len() <= MAX_URL).then_some(Self(whole))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, normal) in [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://Example.ORG:443/A?b=c#d", "https://example.org/A?b=c#d"),
            ("http://münchen.de/ä", "http://xn--mnchen-3ya.de/%C3%A4"),
            ("http://[::1]:8000/", "http://[::1]:8000/"),
            ("mailto:ada@example.org", "mailto:ada@example.org"),
            ("tel:+493012345", "tel:+493012345"),
        ] {
            assert_eq!(Url::parse(text).map(Url::into_string).as_deref(), Some(normal), "{text}");
            assert_eq!(Url::parse(normal).map(Url::into_string).as_deref(), Some(normal));
        }
        let long = format!("https://example.org/{}", "a".repeat(MAX_URL));
        for bad in [
            "",
            "example.org",
            "/path",
            "//example.org",
            "https://",
            "https:// example.org",
            "mailto:",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            " https://example.org",
            "https://example.org/\0",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://example.org/1",
            "about:blank",
            &long,
        ] {
            assert_eq!(Url::parse(bad), None, "{bad:?}");
        }
    }
}
