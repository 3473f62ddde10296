//! Small rooms: how long source files may be.

use super::{Finding, has_extension};

const MOST: usize = 800;
const MEDIAN: usize = 120;
const NINTH_DECILE: usize = 400;

pub(super) struct Sizes {
    /// Lines and path of each source file, shortest first.
    sorted: Vec<(usize, String)>,
}

impl Sizes {
    pub(super) fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let sources = files.filter(|(path, _)| has_extension(path, &["rs", "ts", "tsx"]));
        let mut sorted: Vec<_> = sources.map(|(path, text)| (text.lines().count(), path.to_owned())).collect();
        sorted.sort();
        Self { sorted }
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "{} sources, lines: median {} (≤ {MEDIAN}), nine in ten up to {} (≤ {NINTH_DECILE}), longest {} (≤ {MOST})",
            self.sorted.len(),
            self.rank(50),
            self.rank(90),
            self.rank(100)
        )
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let too_long = self.sorted.iter().filter(|(lines, _)| *lines > MOST);
        let mut findings: Vec<_> = too_long
            .map(|(lines, path)| Finding {
                path: path.clone(),
                line: *lines,
                message: format!("{lines} lines, more than {MOST}: split it by what it knows"),
            })
            .collect();
        for (percent, limit, name) in [(50, MEDIAN, "the median"), (90, NINTH_DECILE, "the ninth decile")] {
            let lines = self.rank(percent);
            if lines > limit {
                findings.push(Finding {
                    path: self.sorted.last().map_or_else(String::new, |(_, path)| path.clone()),
                    line: lines,
                    message: format!(
                        "{name} of all files is {lines} lines, more than {limit}: split the longest, as this"
                    ),
                });
            }
        }
        findings
    }

    /// The nearest-rank percentile: the least length that `percent` of the files do not exceed.
    fn rank(&self, percent: usize) -> usize {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).map_or(0, |(lines, _)| *lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_files_to_their_limits() {
        let table: [(&[usize], usize); 6] = [
            (&[], 0),
            (&[120, 120, 120], 0),
            (&[1, 121, 121], 1),
            (&[1, 1, 1, 800], 1),
            (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 800], 0),
            (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 801], 1),
        ];
        for (lengths, expected) in table {
            let texts: Vec<String> = lengths.iter().map(|length| "x\n".repeat(*length)).collect();
            let sizes = Sizes::of(texts.iter().map(|text| ("a.rs", text.as_str())));
            assert_eq!(sizes.findings().len(), expected, "{lengths:?}: {}", sizes.summary());
        }
    }

    #[test]
    fn counts_sources_only() {
        let long = "x\n".repeat(900);
        let sizes = Sizes::of([("Cargo.lock", long.as_str()), ("a.md", &long), ("b.tsx", "x\n")].into_iter());
        assert_eq!(sizes.findings(), []);
    }
}
