//! What must not be written where, as a table, and white space.

use super::views::Views;
use super::{Finding, has_extension};

/// Which part of a file a rule reads.
#[derive(Clone, Copy)]
enum View {
    /// Rust without comments and literals.
    Code,
    /// The literals of Rust.
    Strings,
    Text,
}

struct Rule {
    view: View,
    applies: fn(&str) -> bool,
    forbidden: &'static [&'static str],
    /// Reads after the word that was found.
    instead: &'static str,
}

const RULES: [Rule; 8] = [
    Rule {
        view: View::Code,
        applies: |_| true,
        forbidden: &["todo!", "unimplemented!", "dbg!"],
        instead: "is a loose end: finish it, or leave it out and say so in the change",
    },
    Rule {
        view: View::Code,
        applies: |_| true,
        forbidden: &["#[ignore"],
        instead: "hides a test: make it pass, or delete it",
    },
    Rule {
        view: View::Code,
        applies: |_| true,
        forbidden: &["#[allow", "#![allow"],
        instead: "outlives its reason: write #[expect(…, reason = \"…\")], which complains once it is not needed",
    },
    Rule {
        view: View::Code,
        applies: |path| {
            !["crates/engine/src/store", "crates/engine/src/sql/expr/tests/", "crates/testkit/", "bench/"]
                .iter()
                .any(|home| path.starts_with(home))
        },
        forbidden: &["rusqlite", "tokio_postgres"],
        instead: "is a driver and stays in crates/engine/src/store: add what you need to the store's interface",
    },
    Rule {
        view: View::Code,
        applies: |path| path.starts_with("crates/engine/") || path.starts_with("crates/model/"),
        forbidden: &["axum"],
        instead: "belongs to crates/server: return a value or a problem, and let an endpoint make the answer",
    },
    Rule {
        view: View::Strings,
        applies: |path| path.starts_with("crates/server/src/"),
        forbidden: &["SELECT ", "INSERT INTO", "DELETE FROM"],
        instead: "is SQL, which only crates/engine writes: call a use case of the engine",
    },
    Rule {
        view: View::Text,
        applies: |path| path == "crates/model/Cargo.toml",
        forbidden: &["axum", "hyper", "tokio", "rusqlite"],
        instead: "does input and output, and the model is pure: do it in the engine, and hand the model values",
    },
    Rule {
        view: View::Text,
        applies: |path| path == "crates/engine/Cargo.toml",
        forbidden: &["axum", "hyper"],
        instead: "speaks HTTP, which only crates/server does",
    },
];

/// Files whose last line must end: those that people and tools read by the line.
const LINED: [&str; 12] = ["rs", "md", "toml", "ts", "tsx", "js", "css", "html", "json", "yml", "yaml", "sh"];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = white_space(path, text);
    let rust = has_extension(path, &["rs"]).then(|| Views::of(text));
    for rule in RULES.iter().filter(|rule| (rule.applies)(path)) {
        let view = match (rule.view, &rust) {
            (View::Code, Some(views)) => views.code.as_str(),
            (View::Strings, Some(views)) => views.strings.as_str(),
            (View::Text, _) => text,
            (View::Code | View::Strings, None) => continue,
        };
        for (line, content) in (1..).zip(view.lines()) {
            let found = rule.forbidden.iter().filter(|word| names(content, word));
            findings.extend(found.map(|word| Finding {
                path: path.to_owned(),
                line,
                message: format!("`{}` {}", word.trim_end(), rule.instead),
            }));
        }
    }
    findings
}

/// Whether `word` stands in `line`, not merely as the end of a longer word.
fn names(line: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !(word.starts_with(part_of_word) && before.is_some_and(part_of_word))
    })
}

fn white_space(path: &str, text: &str) -> Vec<Finding> {
    let finding = |line, message: &str| Finding { path: path.to_owned(), line, message: message.to_owned() };
    let mut findings = Vec::new();
    if has_extension(path, &LINED) && !text.is_empty() && !text.ends_with('\n') {
        findings.push(finding(text.lines().count(), "the last line does not end: add a newline"));
    }
    if has_extension(path, &["rs", "md", "toml"]) {
        let trailing = (1..).zip(text.lines()).filter(|(_, line)| line.ends_with([' ', '\t']));
        findings.extend(trailing.map(|(line, _)| finding(line, "blanks at the end of the line: remove them")));
    }
    findings
}

#[cfg(test)]
mod tests;
