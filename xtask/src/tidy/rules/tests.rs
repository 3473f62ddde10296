use super::check;

/// The lines with findings, of a file at `path` that holds `text`.
fn lines(path: &str, text: &str) -> Vec<usize> {
    check(path, text).iter().map(|finding| finding.line).collect()
}

#[test]
fn rules_find_what_they_forbid_and_nothing_else() {
    let table: &[(&str, &str, &[usize])] = &[
        ("a.rs", "fn f() {}\n", &[]),
        ("a.rs", "\nfn f() { todo!() }\n", &[2]),
        ("a.rs", "dbg!(x); unimplemented!()\n", &[1, 1]),
        ("a.rs", "not_a_todo!(x);\n", &[]),
        ("a.rs", "// todo!\nlet x = \"dbg!\";\n", &[]),
        ("a.md", "todo!\n", &[]),
        ("a.rs", "#[test]\n#[ignore = \"slow\"]\n", &[2]),
        ("a.rs", "#[allow(dead_code)]\n#![allow(dead_code)]\n#[expect(dead_code, reason = \"x\")]\n", &[1, 2]),
        ("crates/server/src/a.rs", "use rusqlite::Connection;\n", &[1]),
        ("crates/engine/src/record.rs", "let x: tokio_postgres::Row;\n", &[1]),
        ("crates/engine/src/store/sqlite.rs", "use rusqlite::Connection;\n", &[]),
        ("crates/engine/src/store.rs", "use rusqlite::Connection;\n", &[]),
        ("crates/testkit/src/a.rs", "use rusqlite::Connection;\n", &[]),
        ("bench/src/a.rs", "use tokio_postgres::Row;\nuse axum::Router;\n", &[]),
        ("crates/model/src/a.rs", "use axum::Json;\n", &[1]),
        ("crates/engine/src/a.rs", "use axum_core::Json; // axum\n", &[1]),
        ("crates/server/src/a.rs", "use axum::Json;\n", &[]),
        ("crates/server/src/a.rs", "let x = \"SELECT 1\";\nlet y = r\"INSERT INTO t\";\n", &[1, 2]),
        ("crates/server/src/a.rs", "// SELECT 1\nlet x = \"SELECTED\";\n", &[]),
        ("crates/engine/src/a.rs", "let x = \"SELECT 1\";\n", &[]),
        ("crates/model/Cargo.toml", "[dependencies]\ntokio.workspace = true\n", &[2]),
        ("crates/engine/Cargo.toml", "tokio.workspace = true\naxum.workspace = true\n", &[2]),
    ];
    for (path, text, expected) in table {
        assert_eq!(lines(path, text), *expected, "{path}: {text}");
    }
}

#[test]
fn white_space_is_in_order() {
    let table: &[(&str, &str, &[usize])] = &[
        ("a.md", "", &[]),
        ("a.md", "x\ny", &[2]),
        ("a.json", "{}", &[1]),
        ("a.csv", "x", &[]),
        ("a.md", "x \ny\n", &[1]),
        ("a.toml", "x\t\n", &[1]),
        ("a.json", "{ \n}\n", &[]),
    ];
    for (path, text, expected) in table {
        assert_eq!(lines(path, text), *expected, "{path}: {text:?}");
    }
}

#[test]
fn a_finding_says_what_to_do_instead() {
    let found = check("a.rs", "todo!()\n");
    assert_eq!(found.first().map(|finding| finding.message.split(' ').next()), Some(Some("`todo!`")));
    assert!(found.iter().all(|finding| finding.message.contains("finish it")));
}
