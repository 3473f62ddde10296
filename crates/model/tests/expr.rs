//! Properties of expressions: whatever is written, the compiler answers; and it means what CEL means.

#[cfg(test)]
#[path = "expr/sample.rs"]
mod sample;

#[cfg(test)]
mod tests {
    use insula_model::entity::Schema;
    use insula_model::expr::CallerFacts;
    use insula_model::id::AccountId;
    use insula_model::org::Place;
    use insula_model::value::Value;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::sample::{self, Range, Record};

    fn caller(place: &Place) -> CallerFacts<'_> {
        CallerFacts { id: AccountId::from(Uuid::from_u128(1 << 100 | 1)), place, now: sample::now() }
    }

    fn eval(source: &str, record: &Record, schema: &Schema) -> bool {
        let expr = sample::compile_all(source, schema).unwrap_or_else(|e| panic!("{source}: {}", e.message));
        expr.eval(&mut |path| sample::lookup(record, path, schema), &caller(&sample::place()))
    }

    /// CEL's own interpreter.
    fn oracle(source: &str, record: &Record, schema: &Schema) -> bool {
        let mut context = cel::Context::default();
        let entity = schema.entity(sample::thing()).unwrap();
        for (field, value) in entity.fields.iter().zip(&record.fields) {
            let name = field.name.to_string();
            match value {
                Value::Int(n) => context.add_variable_from_value(name, *n),
                Value::Bool(b) => context.add_variable_from_value(name, *b),
                Value::Text(text) => context.add_variable_from_value(name, text.clone()),
                _ => {}
            }
        }
        match cel::Program::compile(source).unwrap().execute(&context).unwrap() {
            cel::Value::Bool(b) => b,
            other => panic!("{source} is {other:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn means_what_cel_means_where_no_null_is(source in sample::source(Range::PlainCel), record in sample::record(false)) {
            let schema = sample::schema();
            prop_assert_eq!(eval(&source, &record, &schema), oracle(&source, &record, &schema), "{}", source);
        }

        #[test]
        fn a_negation_is_the_opposite(source in sample::source(Range::Everything), record in sample::record(true)) {
            let schema = sample::schema();
            let opposite = format!("!({source})");
            prop_assert_ne!(eval(&source, &record, &schema), eval(&opposite, &record, &schema), "{}", source);
        }

        #[test]
        fn any_text_gets_an_answer(source in ".{0,200}") {
            let _ = sample::compile_all(&source, &sample::schema());
        }

        #[test]
        fn any_soup_of_tokens_gets_an_answer(source in soup()) {
            let _ = sample::compile_all(&source, &sample::schema());
        }
    }

    /// A worker thread has 2 MiB; half of it must do for the deepest tree the limits let through, unoptimised too.
    #[test]
    fn the_deepest_sources_fit_the_stack() {
        let around = |open: &str, inner: &str, close: &str| {
            let times = (1..=64).rev().find(|n| open.matches(['(', '[', '{']).count() * n <= 64).unwrap();
            format!("{}{inner}{}", open.repeat(times), close.repeat(times))
        };
        let sources = vec![
            around("(", "flag_r1", ")"),
            around("!(", "flag_r1", ")"),
            around("[", "1", "]"),
            around("a{b: ", "1", "}"),
            around("f(", "1", ")"),
            around("[1].map(x, ", "1", ")"),
            around("has(", "a.b", ")"),
            around("(1 < ", &vec!["a"; 30].join(" < "), ")"),
            around("(flag_n1 && flag_n2 || ", "flag_r1", ")"),
            vec!["a"; 160].join("."),
            vec!["1"; 160].join(" + "),
            vec!["1"; 160].join(" == "),
            vec!["flag_n1"; 900].join(" && "),
            format!("int_n1{}", ".map(x, x)".repeat(79)),
        ];
        let compile_all = move || {
            for source in sources {
                let found = sample::compile_all(&source, &sample::schema());
                let message = found.map_or_else(|e| e.message, |_| String::new());
                assert!(!message.contains("nested"), "{source} is past the limits, not at them");
            }
        };
        std::thread::Builder::new().stack_size(1 << 20).spawn(compile_all).unwrap().join().unwrap();
    }

    /// Nothing that stands before a deep source hides how deep it is: every string prefix, and everything that is no
    /// token, which the parser steps over together with a quote behind it. Run on as little stack as a worker has left.
    #[test]
    fn nothing_hides_depth() {
        const LETTERS: &[&str] = &["", "r", "R", "b", "B", "br", "bR", "Br", "BR", "rb", "Rb", "u", "0xb"];
        const TROUBLE: &[&str] = &[
            "", "\\", "\n", "\r", "\\q", "\\x4", "\\u00", "\\U0011", "\\09", "\\ud800", "💩", "é", "\0", "\x0b",
            "\x0c", "&", "|", "=", "!", "`", "#", "@", "$", ";", "~", "//", "/*", "\u{2028}",
        ];
        const QUOTES: &[&str] = &["\"", "'", "\"\"\"", "'''", "`", "\"\""];
        let all_are_refused = || {
            let deep = ["a".to_owned() + &".a".repeat(4_900), "a".to_owned() + &" == a".repeat(1_900)];
            for (letters, quote, trouble) in combinations(LETTERS, QUOTES, TROUBLE) {
                for code in &deep {
                    for source in [
                        format!("{letters}{quote}{trouble}{quote} == {code}"),
                        format!("{letters}{quote}{trouble} == {code}"),
                        format!("{trouble}{letters}{quote} == {code}"),
                        format!("{trouble}{letters}{quote} == {code} == {letters}{quote}{trouble}"),
                    ] {
                        let start: String = source.chars().take(20).collect();
                        assert!(sample::compile_all(&source, &sample::schema()).is_err(), "{start:?}");
                    }
                }
            }
        };
        std::thread::Builder::new().stack_size(1 << 20).spawn(all_are_refused).unwrap().join().unwrap();
    }

    /// Every combination of one of each.
    fn combinations<'a>(
        a: &'a [&'a str],
        b: &'a [&'a str],
        c: &'a [&'a str],
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        a.iter().flat_map(move |a| b.iter().flat_map(move |b| c.iter().map(move |c| (*a, *b, *c))))
    }

    fn soup() -> impl Strategy<Value = String> {
        const TOKENS: [&str; 68] = [
            "int_n1",
            "text_r1",
            "flag_n1",
            "link",
            "record",
            "caller",
            "id",
            ".",
            ".",
            ".?",
            "[",
            "]",
            "[?",
            "(",
            ")",
            "{",
            "}",
            ",",
            ":",
            "?",
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
            "&&",
            "||",
            "&",
            "|",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "in",
            "has",
            "all",
            "map",
            "exists",
            "x",
            "1",
            "-1",
            "1u",
            "0x",
            "0xfu",
            "1.5",
            ".5",
            "1e",
            "9223372036854775808",
            "\"a\"",
            "'",
            "\"",
            "'''",
            "r\"\\",
            "b'x'",
            "\"\\ud800\"",
            "true",
            "null",
            "`a`",
            "//",
            "\n",
            "date",
            "now",
            "duration",
            "contains",
            "startsWith",
        ];
        let token = proptest::sample::select(&TOKENS[..]);
        (proptest::collection::vec(token, 0..40), any::<bool>())
            .prop_map(|(tokens, spaced)| tokens.join(if spaced { " " } else { "" }))
    }
}
