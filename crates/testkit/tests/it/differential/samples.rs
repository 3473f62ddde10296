//! Awkward values of every type, good and bad: what stands at an edge, what looks like something else, and what is equal
//! where it seems not to be. The first are the plainest, since a failing case shrinks towards them.

use serde_json::{Value as Json, json};

use super::schema::{Kind, OPTIONS};

/// Beyond the Basic Multilingual Plane, at its end, and where UTF-16 and code points disagree about the order.
pub(crate) const TEXTS: [&str; 36] = [
    "a",
    "b",
    "A",
    "B",
    "",
    "a'b",
    "a\"b",
    "a%",
    "a_",
    "a\\",
    "%",
    "_",
    "\\",
    "é",
    "e\u{301}",
    "E\u{301}",
    "ä",
    "z",
    "Z",
    "😀",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{e000}",
    "ß",
    "ss",
    "İ",
    "ı",
    " a",
    "a ",
    "\n",
    "\t\u{1}\u{7f}",
    "null",
    "0",
    "'; --",
    "{}",
    "\u{200d}",
];

pub(crate) const CODES: [&str; 12] = ["a", "b", "A", "B", "Z", "_", "-", "0", "10", "9", "a-b", "a_b"];

pub(crate) const INTEGERS: [i64; 13] =
    [0, 1, 2, 3, -1, -3, 10, 4, 1 << 53, -(1 << 53), (1 << 53) + 1, i64::MAX, i64::MIN];

pub(crate) const DECIMALS: [&str; 42] = [
    "0",
    "1",
    "1.5",
    "-0",
    "0.00",
    "-0.00",
    "1.50",
    "1.000",
    "-1.5",
    "0.1",
    "-0.1",
    "0.01",
    "-0.01",
    "0.02",
    "99.99",
    "100.00",
    "-1.51",
    "9",
    "-9",
    "0.9",
    "2",
    "10",
    "007.10",
    "0.000000000000000001",
    "-0.000000000000000001",
    "0.999999999999999999",
    "999999999999999999",
    "-999999999999999999",
    "9999999999999999.99",
    "-9999999999999999.99",
    "1000000000000000000",
    "10000000000000000.00",
    "1.005",
    "1e3",
    "+1",
    ".5",
    "1.",
    "",
    " 1",
    "NaN",
    "1,5",
    "--1",
];

/// With whether it is a day.
pub(crate) const DATES: [(&str, bool); 21] = [
    ("2013-01-31", true),
    ("2013-02-01", true),
    ("1970-01-01", true),
    ("1969-12-31", true),
    ("2000-02-29", true),
    ("0001-01-01", true),
    ("9999-12-31", true),
    ("1582-10-10", true),
    ("1900-02-28", true),
    ("2013-02-29", false),
    ("1900-02-29", false),
    ("0000-12-31", false),
    ("10000-01-01", false),
    ("2013-13-01", false),
    ("2013-1-1", false),
    ("2013-01-31T00:00:00Z", false),
    (" 2013-01-31", false),
    ("infinity", false),
    ("-infinity", false),
    ("today", false),
    ("", false),
];

/// With the same instant in UTC, if it is one.
pub(crate) const DATETIMES: [(&str, Option<&str>); 27] = [
    ("2013-01-31T10:00:00Z", Some("2013-01-31T10:00:00.000000")),
    ("2013-01-31T10:00:01Z", Some("2013-01-31T10:00:01.000000")),
    ("2013-01-31T12:00:00+02:00", Some("2013-01-31T10:00:00.000000")),
    ("2013-01-31T10:00:00.5Z", Some("2013-01-31T10:00:00.500000")),
    ("2013-01-31T10:00:00.000001Z", Some("2013-01-31T10:00:00.000001")),
    ("2013-01-31T10:00:00.000000999Z", Some("2013-01-31T10:00:00.000000")),
    ("2013-01-31t10:00:00.123456-23:59", Some("2013-02-01T09:59:00.123456")),
    ("1970-01-01T00:00:00-00:00", Some("1970-01-01T00:00:00.000000")),
    ("1969-12-31T23:59:59.999999Z", Some("1969-12-31T23:59:59.999999")),
    ("1969-12-31T23:59:59.9999999Z", Some("1969-12-31T23:59:59.999999")),
    ("1899-12-31T23:59:59.0000019Z", Some("1899-12-31T23:59:59.000001")),
    ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00.000000")),
    ("9999-12-30T21:59:59.999999Z", Some("9999-12-30T21:59:59.999999")),
    ("0001-01-01T00:00:00+00:01", None),
    ("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999")),
    ("9999-12-31T23:59:59.999999-00:01", None),
    ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59.000000")),
    ("2016-12-31T12:00:60Z", None),
    ("2013-01-31", None),
    ("2013-01-31 10:00:00Z", None),
    ("2013-02-30T10:00:00Z", None),
    ("2013-01-31T24:00:00Z", None),
    ("2013-01-31T10:00:00", None),
    ("2013-01-31T10:00:00+24:00", None),
    ("infinity", None),
    ("now", None),
    ("", None),
];

/// Values to write, good ones and bad ones. Those of a relation are records, which only the model knows.
pub(crate) fn of(kind: &Kind) -> Vec<Json> {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let mut samples = match kind {
        Kind::Text { max, .. } => {
            let mut samples = texts(&TEXTS);
            samples.extend([json!("😀".repeat(*max)), json!("x".repeat(max + 1)), json!("a\0b"), json!("\0")]);
            samples
        }
        Kind::Code => {
            let mut samples = texts(&CODES);
            samples.extend(texts(&["", "a b", "ä", "a\n", "a%"]));
            samples.extend([json!("x".repeat(50)), json!("x".repeat(51))]);
            samples
        }
        Kind::Integer { .. } => {
            let mut samples: Vec<Json> = INTEGERS.iter().map(|n| json!(n)).collect();
            samples.extend([json!(u64::MAX), json!(1.0), json!(1.5), json!(-0.0), json!(1e300), json!("1")]);
            samples
        }
        Kind::Decimal { .. } => {
            let mut samples = texts(&DECIMALS);
            samples.extend([json!(1), json!(1.5)]);
            samples
        }
        Kind::Boolean => vec![json!(true), json!(false), json!("true"), json!(0), json!(1)],
        Kind::Date => DATES.iter().map(|(text, _)| json!(text)).collect(),
        Kind::Datetime => DATETIMES.iter().map(|(text, _)| json!(text)).collect(),
        Kind::Choice => {
            let mut samples = texts(&OPTIONS);
            samples.extend(texts(&["OPEN", "late_", ""]));
            samples
        }
        Kind::Relation { .. } => texts(&["", "x", "{00000000-0000-0000-0000-000000000000}"]),
    };
    samples.extend([json!([]), json!({}), json!([null])]);
    samples
}
