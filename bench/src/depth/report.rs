//! The outcome as a section of docs/performance.md: each figure beside its target.

use std::fmt::Write;

use crate::load::Latency;
use crate::report::mark;
use crate::workload::Store;

pub(super) struct Outcome {
    pub(super) store: Store,
    /// How many the many are.
    pub(super) many: u32,
    /// Lists by a filter.
    pub(super) few_found: Latency,
    pub(super) many_found: Latency,
    /// First pages in an index's order.
    pub(super) few_first: Latency,
    pub(super) many_first: Latency,
    /// The page far down.
    pub(super) many_far: Latency,
}

/// Of the latencies' medians.
const TIMES: f64 = 1.3;

pub(super) fn section(machine: &str, how: &str, outcomes: &[Outcome]) -> String {
    let mut out = format!(
        "## The cost of depth\n\nMade by `cargo xtask bench -- --depth`. {how}\n\n{machine}\n\
        | store | list of 25, p50 / p99 | found | against | target |\n|---|---|--:|--:|--:|\n",
    );
    for Outcome { store, many, few_found, many_found, few_first, many_first, many_far } in outcomes {
        let (few, page) = (super::FEW, super::PAGE);
        for (list, found, against) in [
            (format!("filter and sort, {few} records"), few_found, None),
            (format!("filter and sort, {many} records"), many_found, Some(few_found)),
            (format!("page 1 in an index's order, {few} records"), few_first, None),
            (format!("page 1 in an index's order, {many} records"), many_first, Some(few_first)),
            (format!("page {page} of the same by its cursor"), many_far, Some(many_first)),
        ] {
            let millis = |micros| f64::from(micros) / 1e3;
            let (ratio, target) = match against {
                Some(against) => {
                    let ratio = f64::from(found.p50_micros) / f64::from(against.p50_micros);
                    (format!("{ratio:.2} ×{}", mark(ratio > TIMES)), format!("≤ {TIMES} ×"))
                }
                None => ("–".into(), "–".into()),
            };
            let (store, p50, p99) = (store.title(), millis(found.p50_micros), millis(found.p99_micros));
            let _ = writeln!(out, "| {store} | {list} | {p50:.2} / {p99:.2} ms | {ratio} | {target} |");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misses_its_target_is_marked() {
        let latency = |p50_micros| Latency { p50_micros, p99_micros: 9_000 };
        let outcome = Outcome {
            store: Store::Sqlite,
            many: 1_000_000,
            few_found: latency(100),
            many_found: latency(131),
            few_first: latency(100),
            many_first: latency(130),
            many_far: latency(160),
        };
        let section = section("", "", &[outcome]);
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| SQLite")).collect();
        assert_eq!(
            rows,
            [
                "| SQLite | filter and sort, 10000 records | 0.10 / 9.00 ms | – | – |",
                "| SQLite | filter and sort, 1000000 records | 0.13 / 9.00 ms | 1.31 × **missed** | ≤ 1.3 × |",
                "| SQLite | page 1 in an index's order, 10000 records | 0.10 / 9.00 ms | – | – |",
                "| SQLite | page 1 in an index's order, 1000000 records | 0.13 / 9.00 ms | 1.30 × | ≤ 1.3 × |",
                "| SQLite | page 1000 of the same by its cursor | 0.16 / 9.00 ms | 1.23 × | ≤ 1.3 × |",
            ]
        );
    }
}
