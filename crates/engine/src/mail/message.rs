//! A mail as it is written: paragraphs, of which both its bodies are made, the plain one and the one in HTML.

use std::fmt::Write as _;

/// A mail to one person. The text may hold what others chose, such as names: it is escaped here and nowhere else.
pub(crate) struct Message {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) paragraphs: Vec<Paragraph>,
}

pub(crate) enum Paragraph {
    Text(String),
    Link(String),
}

impl Message {
    pub(super) fn text(&self) -> String {
        let lines = self.paragraphs.iter().map(|paragraph| match paragraph {
            Paragraph::Text(text) | Paragraph::Link(text) => text.as_str(),
        });
        lines.collect::<Vec<_>>().join("\n\n") + "\n"
    }

    pub(super) fn html(&self) -> String {
        let mut html = "<!doctype html>\n<html lang=\"en\"><body>\n".to_owned();
        for paragraph in &self.paragraphs {
            let _ = match paragraph {
                Paragraph::Text(text) => writeln!(html, "<p>{}</p>", escaped(text)),
                Paragraph::Link(url) => {
                    let url = escaped(url);
                    writeln!(html, "<p><a href=\"{url}\">{url}</a></p>")
                }
            };
        }
        html + "</body></html>\n"
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_chose_is_text_in_both_bodies() {
        let message = Message {
            to: "ada@example.org".to_owned(),
            subject: "Hello".to_owned(),
            paragraphs: vec![
                Paragraph::Text("Dear <b>Ada</b> & 'co',".to_owned()),
                Paragraph::Link("https://x.example/?a=\"1\"&b=2".to_owned()),
            ],
        };
        assert_eq!(message.text(), "Dear <b>Ada</b> & 'co',\n\nhttps://x.example/?a=\"1\"&b=2\n");
        let url = "https://x.example/?a=&quot;1&quot;&amp;b=2";
        assert_eq!(
            message.html(),
            format!(
                "<!doctype html>\n<html lang=\"en\"><body>\n<p>Dear &lt;b&gt;Ada&lt;/b&gt; &amp; &#39;co&#39;,</p>\n\
                 <p><a href=\"{url}\">{url}</a></p>\n</body></html>\n"
            )
        );
    }
}
