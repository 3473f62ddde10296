//! Rich text: HTML of which only what formats a text is kept (requirement C4, "rich").

use std::sync::LazyLock;

use ammonia::Builder;

/// HTML that runs nothing and loads nothing: no scripts, styles, frames, forms or images, links to the web, to mail and
/// to telephones alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RichText(String);

static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.rm_tags(["img", "map", "area"]).url_schemes(["http", "https", "mailto", "tel"].into());
    builder
});

impl RichText {
    /// Keeps what is allowed of `html`; the result is well-formed, and the same when it is cleaned again.
    pub fn clean(html: &str) -> Self {
        Self(ALLOWED.clean(html).to_string())
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_formatting_is_left() {
        for (html, clean) in [
            ("plain", "plain"),
            ("<p>a <b>b</b> <em>c</em></p>", "<p>a <b>b</b> <em>c</em></p>"),
            ("a<script>alert(1)</script>b", "ab"),
            ("<img src=x onerror=alert(1)>", ""),
            ("<p onclick=\"x()\" style=\"color:red\">a</p>", "<p>a</p>"),
            ("<a href=\"javascript:alert(1)\">a</a>", "<a rel=\"noopener noreferrer\">a</a>"),
            ("<svg><g onload=alert(1)></svg>", ""),
            ("<b>open", "<b>open</b>"),
            ("a < b & c", "a &lt; b &amp; c"),
            ("<!-- c --><iframe src=\"https://x.org\"></iframe>", ""),
        ] {
            assert_eq!(RichText::clean(html).into_string(), clean, "{html}");
            assert_eq!(RichText::clean(clean).into_string(), clean);
        }
        let link = RichText::clean("<a href=\"https://x.org\">x</a>").into_string();
        assert_eq!(link, "<a href=\"https://x.org\" rel=\"noopener noreferrer\">x</a>");
    }
}
