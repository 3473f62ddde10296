//! The outcome as the page docs/performance.md. Its parts end in markers; a run writes its own part anew and keeps the
//! others. What follows the last marker is people's.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::load::Figures;
use crate::workload::{Store, Workload};

/// What one run writes.
#[derive(Clone, Copy)]
pub enum Part {
    /// The product against the floor.
    Floor,
    /// Many tenants against few.
    Tenants(Store),
    /// Many records against few.
    Depth,
}

impl Part {
    const ALL: [Self; 4] = [Self::Floor, Self::Tenants(Store::Sqlite), Self::Tenants(Store::Postgres), Self::Depth];

    const fn index(self) -> usize {
        match self {
            Self::Floor => 0,
            Self::Tenants(Store::Sqlite) => 1,
            Self::Tenants(Store::Postgres) => 2,
            Self::Depth => 3,
        }
    }

    /// The line that ends it.
    const fn marker(self) -> &'static str {
        match self {
            Self::Floor => "<!-- From here on `cargo xtask bench -- --tenants 1000` writes, for SQLite. -->",
            Self::Tenants(Store::Sqlite) => "<!-- The same for PostgreSQL. -->",
            Self::Tenants(Store::Postgres) => "<!-- From here on `cargo xtask bench -- --depth` writes. -->",
            Self::Depth => "<!-- Written by hand from here on; `cargo xtask bench` keeps it. -->",
        }
    }
}

/// One workload at one number of connections.
pub struct Line {
    pub store: Store,
    pub workload: Workload,
    pub connections: usize,
    pub floor: Figures,
    pub product: Option<Figures>,
}

/// What is said of the product on one store, whatever the workload.
pub struct Footprint {
    pub store: Store,
    pub idle_mib: f64,
    pub after_mib: f64,
    pub first_answer: Duration,
}

const IDLE_MIB: f64 = 30.0;
const AFTER_MIB: f64 = 120.0;
/// Embedded only.
const FIRST_ANSWER_MS: f64 = 50.0;

/// The part of the page above the marker.
pub fn page(machine: &str, how: &str, lines: &[Line], footprints: &[Footprint]) -> String {
    let mut out = format!("# Performance: the last run\n\nMade by `cargo xtask bench`. {how}\n\n{machine}\n");
    out.push_str(
        "Requests per second and latencies (p50 / p99, milliseconds), medians of the rounds. Load generator, server and \
         database share the cores: only ratios within one run mean something.\n\n",
    );
    out.push_str("| store | workload | connections | floor req/s | product req/s | ratio | target | floor p50 / p99 | product p50 / p99 |\n");
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for line in lines {
        write_line(&mut out, line);
    }
    if !footprints.is_empty() {
        out.push_str("\n| store | figure of the product | found | target |\n|---|---|--:|--:|\n");
    }
    for Footprint { store, idle_mib, after_mib, first_answer } in footprints {
        let millis = first_answer.as_secs_f64() * 1_000.0;
        let limit = (*store == Store::Sqlite).then_some(FIRST_ANSWER_MS);
        for (figure, found, unit, limit) in [
            ("resident memory, started and idle", *idle_mib, "MiB", Some(IDLE_MIB)),
            ("resident memory after the bench", *after_mib, "MiB", Some(AFTER_MIB)),
            ("start to first 200 on the existing database", millis, "ms", limit),
        ] {
            let target = limit.map_or_else(|| "–".into(), |limit| format!("≤ {limit:.0} {unit}"));
            let mark = mark(limit.is_some_and(|limit| found > limit));
            let _ = writeln!(out, "| {} | {figure} | {found:.1} {unit}{mark} | {target} |", store.title());
        }
    }
    out
}

fn write_line(out: &mut String, Line { store, workload, connections, floor, product }: &Line) {
    let target = workload.target(*store);
    let latencies = |figures: &Figures| {
        format!("{:.2} / {:.2}", f64::from(figures.p50_micros) / 1e3, f64::from(figures.p99_micros) / 1e3)
    };
    let (rate, ratio, product_latencies) = match product {
        Some(figures) => {
            let ratio = figures.per_second / floor.per_second;
            let mark = mark(ratio < target);
            (format!("{:.0}", figures.per_second), format!("{ratio:.2}{mark}"), latencies(figures))
        }
        None => ("–".into(), "–".into(), "–".into()),
    };
    let (store, workload) = (store.title(), workload.title());
    let _ = writeln!(
        out,
        "| {store} | {workload} | {connections} | {:.0} | {rate} | {ratio} | ≥ {target:.2} | {} | {product_latencies} |",
        floor.per_second,
        latencies(floor),
    );
}

/// What stands behind a figure that misses its target.
pub fn mark(missed: bool) -> &'static str {
    if missed { " **missed**" } else { "" }
}

/// Replaces what a run wrote into its part last time and keeps all else.
pub fn save(file: &Path, part: Part, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(file)?;
    let (mut page, mut rest) = (String::new(), old.as_str());
    for (index, each) in Part::ALL.into_iter().enumerate() {
        let (kept, after) = rest.split_once(each.marker()).ok_or("docs/performance.md has lost a marker line")?;
        if index == part.index() {
            page.push_str(if index == 0 { "" } else { "\n\n" });
            page.push_str(text);
            page.push('\n');
        } else {
            page.push_str(kept);
        }
        page.push_str(each.marker());
        rest = after;
    }
    page.push_str(rest);
    std::fs::write(file, page)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_marked() {
        let figures = |per_second| Figures { per_second, p50_micros: 250, p99_micros: 1_250 };
        let check = |product, expect: &str| {
            let line = Line {
                store: Store::Sqlite,
                workload: Workload::ReadOne,
                connections: 16,
                floor: figures(1_000.0),
                product,
            };
            let mut out = String::new();
            write_line(&mut out, &line);
            assert_eq!(out, expect);
        };
        check(
            Some(figures(600.0)),
            "| SQLite | read one | 16 | 1000 | 600 | 0.60 | ≥ 0.60 | 0.25 / 1.25 | 0.25 / 1.25 |\n",
        );
        check(
            Some(figures(590.0)),
            "| SQLite | read one | 16 | 1000 | 590 | 0.59 **missed** | ≥ 0.60 | 0.25 / 1.25 | 0.25 / 1.25 |\n",
        );
        check(None, "| SQLite | read one | 16 | 1000 | – | – | ≥ 0.60 | 0.25 / 1.25 | – |\n");
    }

    #[test]
    fn a_slow_start_counts_only_where_it_has_a_target() {
        let check = |store, expect: &str| {
            let footprint =
                Footprint { store, idle_mib: 31.0, after_mib: 9.0, first_answer: Duration::from_millis(51) };
            let page = page("", "", &[], &[footprint]);
            assert!(page.ends_with(expect), "{page}");
            assert!(page.contains("31.0 MiB **missed** | ≤ 30 MiB"), "{page}");
        };
        check(
            Store::Sqlite,
            "| SQLite | start to first 200 on the existing database | 51.0 ms **missed** | ≤ 50 ms |\n",
        );
        check(Store::Postgres, "| PostgreSQL | start to first 200 on the existing database | 51.0 ms | – |\n");
    }

    #[test]
    fn a_run_writes_its_own_part_and_keeps_the_others() {
        let [floor, sqlite, postgres, depth] = Part::ALL.map(Part::marker);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("old\n\n{floor}\n\n{sqlite}\n\n{postgres}\n\n{depth}\n\nby hand\n"))
            .unwrap();
        let check = |part, text, expect: String| {
            // A second run of the same changes nothing.
            for _ in 0..2 {
                save(file.path(), part, text).unwrap();
                assert_eq!(std::fs::read_to_string(file.path()).unwrap(), expect);
            }
        };
        let hand = format!("\n\n{depth}\n\nby hand\n");
        check(Part::Floor, "new\n", format!("new\n\n{floor}\n\n{sqlite}\n\n{postgres}{hand}"));
        check(Part::Tenants(Store::Postgres), "p\n", format!("new\n\n{floor}\n\n{sqlite}\n\np\n\n{postgres}{hand}"));
        check(Part::Tenants(Store::Sqlite), "s\n", format!("new\n\n{floor}\n\ns\n\n{sqlite}\n\np\n\n{postgres}{hand}"));
        check(Part::Floor, "a\n", format!("a\n\n{floor}\n\ns\n\n{sqlite}\n\np\n\n{postgres}{hand}"));
        let expect = format!("a\n\n{floor}\n\ns\n\n{sqlite}\n\np\n\n{postgres}\n\nd\n\n{depth}\n\nby hand\n");
        check(Part::Depth, "d\n", expect);
        std::fs::write(file.path(), format!("no marker but {floor}")).unwrap();
        assert!(save(file.path(), Part::Floor, "page").is_err());
    }
}
