//! The outcome as a section of docs/performance.md: each figure beside its target.

use std::fmt::Write;

use crate::load::{Figures, Latency};
use crate::report::mark;
use crate::workload::Store;

pub(super) struct Outcome {
    pub(super) store: Store,
    pub(super) tenants: u32,
    /// The registration of one, with a hash of next to no cost.
    pub(super) made: Latency,
    pub(super) first_read: Latency,
    pub(super) second_read: Latency,
    pub(super) opened_mib: f64,
    pub(super) after_mib: f64,
    pub(super) few: Figures,
    pub(super) many: Figures,
    /// The many while more are made, and how many that were in a second.
    pub(super) while_made: Option<(Figures, f64)>,
}

const OPENED_MIB: f64 = 200.0;
/// Embedded only.
const MADE_MS: f64 = 50.0;
const P50_TIMES: f64 = 1.2;
const P99_MORE_MS: f64 = 2.0;
/// PostgreSQL only, of either latency.
const TIMES: f64 = 2.0;

pub(super) fn section(machine: &str, how: &str, outcome: &Outcome) -> String {
    let Outcome { store, tenants, made, first_read, second_read, few, many, .. } = outcome;
    let mut out = format!(
        "## {tenants} tenants against {}: {}\n\nMade by `cargo xtask bench -- --tenants {tenants}`. {how}\n\n{machine}\n",
        super::FEW,
        store.title(),
    );
    out.push_str("| figure | found | target |\n|---|--:|--:|\n");
    let mut line = |figure: &str, found: &str, target: &str| {
        let _ = writeln!(out, "| {figure} | {found} | {target} |");
    };
    let of_one = |latency: &Latency| format!("{} / {} ms", millis(latency.p50_micros), millis(latency.p99_micros));
    let reads = |figures: &Figures| {
        let Figures { per_second, p50_micros, p99_micros } = figures;
        format!("{per_second:.0} per second; {} / {} ms", millis(*p50_micros), millis(*p99_micros))
    };

    let made_target = match store {
        Store::Sqlite => format!("≤ {MADE_MS:.0} ms"),
        Store::Postgres => "–".to_owned(),
    };
    let slow = *store == Store::Sqlite && f64::from(made.p50_micros) > MADE_MS * 1e3;
    line(
        "a tenant made, without the password hash, p50 / p99",
        &format!("{}{}", of_one(made), mark(slow)),
        &made_target,
    );
    line("first read of each tenant in turn, p50 / p99", &of_one(first_read), "–");
    line("second read of each, p50 / p99", &of_one(second_read), "–");
    line("resident memory with all opened in turn", &mib(outcome.opened_mib), &format!("≤ {OPENED_MIB:.0} MiB"));
    line("resident memory after the reads below", &mib(outcome.after_mib), &format!("≤ {OPENED_MIB:.0} MiB"));
    line(&format!("reads of {} tenants by Zipf 1.0, p50 / p99", super::FEW), &reads(few), "–");
    line(&format!("reads of {tenants}, p50 / p99"), &reads(many), "–");
    against(*store, few, many, &mut line);
    if let Some((figures, per_second)) = &outcome.while_made {
        line(&format!("the same while {per_second:.1} tenants a second are made, p50 / p99"), &reads(figures), "–");
        against(*store, few, figures, &mut line);
    }
    out
}

/// What the many are held to, next to the few.
fn against(store: Store, few: &Figures, many: &Figures, line: &mut impl FnMut(&str, &str, &str)) {
    let times = |of: fn(&Figures) -> u32| f64::from(of(many)) / f64::from(of(few));
    let ratio = |found: f64, limit: f64| format!("{found:.2} ×{}", mark(found > limit));
    let (p50, p99) = (times(|figures| figures.p50_micros), times(|figures| figures.p99_micros));
    match store {
        Store::Sqlite => {
            line("p50 against the few", &ratio(p50, P50_TIMES), &format!("≤ {P50_TIMES} ×"));
            let more = (f64::from(many.p99_micros) - f64::from(few.p99_micros)) / 1e3;
            let found = format!("{more:+.2} ms{}", mark(more > P99_MORE_MS));
            line("p99 against the few", &found, &format!("≤ +{P99_MORE_MS:.0} ms"));
        }
        Store::Postgres => {
            line("p50 against the few", &ratio(p50, TIMES), &format!("≤ {TIMES:.0} ×"));
            line("p99 against the few", &ratio(p99, TIMES), &format!("≤ {TIMES:.0} ×"));
        }
    }
}

fn millis(micros: u32) -> String {
    format!("{:.2}", f64::from(micros) / 1e3)
}

fn mib(found: f64) -> String {
    format!("{found:.1} MiB{}", mark(found > OPENED_MIB))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misses_its_target_is_marked() {
        let figures = |p50_micros, p99_micros| Figures { per_second: 1_000.0, p50_micros, p99_micros };
        let latency = |p50_micros| Latency { p50_micros, p99_micros: 90_000 };
        let check = |store, many, made, while_made, missed: &[&str]| {
            let outcome = Outcome {
                store,
                tenants: 1_000,
                made: latency(made),
                first_read: latency(2_000),
                second_read: latency(100),
                opened_mib: 150.0,
                after_mib: 201.0,
                few: figures(1_000, 3_000),
                many,
                while_made,
            };
            let section = section("", "", &outcome);
            let found: Vec<&str> = section.lines().filter(|line| line.contains("**missed**")).collect();
            assert_eq!(found, missed, "{section}");
        };
        let memory = "| resident memory after the reads below | 201.0 MiB **missed** | ≤ 200 MiB |";
        check(Store::Sqlite, figures(1_200, 5_000), 50_000, None, &[memory]);
        check(
            Store::Sqlite,
            figures(1_300, 5_100),
            50_001,
            None,
            &[
                "| a tenant made, without the password hash, p50 / p99 | 50.00 / 90.00 ms **missed** | ≤ 50 ms |",
                memory,
                "| p50 against the few | 1.30 × **missed** | ≤ 1.2 × |",
                "| p99 against the few | +2.10 ms **missed** | ≤ +2 ms |",
            ],
        );
        check(
            Store::Postgres,
            figures(2_000, 6_000),
            90_000,
            Some((figures(2_100, 6_600), 4.9)),
            &[
                memory,
                "| p50 against the few | 2.10 × **missed** | ≤ 2 × |",
                "| p99 against the few | 2.20 × **missed** | ≤ 2 × |",
            ],
        );
    }
}
