//! The load generator: N connections, each with one request in flight, for a fixed time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::http::{Connection, refused};
use crate::rows::mix;

/// Requests that differ in one part of fixed length, so that the next one is made by overwriting the last in place.
pub struct Requests {
    first: Vec<u8>,
    at: usize,
    parts: Vec<Box<[u8]>>,
    pick: Pick,
}

/// How often each part is sent.
enum Pick {
    Even,
    /// Runs of `each` parts take turns by [`Zipf`]; within a run all are alike.
    Zipf {
        runs: Zipf,
        each: u64,
    },
    /// One after the other and from the start again, whoever sends them; `rounds` are the places of the round's number.
    InTurn {
        next: AtomicU64,
        rounds: [usize; 2],
    },
}

/// The digits of a round's number.
const ROUND: &str = "00000000";
/// From one part to the next one in turn, so that neighbours are not sent together; prime.
const STRIDE: u64 = 7_919;

impl Requests {
    /// Every part must be as long as the first.
    pub fn new(head: &str, parts: Vec<Box<[u8]>>, tail: &str) -> Self {
        let length = parts.first().map_or(0, |part| part.len());
        assert!(length > 0 && parts.iter().all(|part| part.len() == length), "parts of one length");
        let first = [head.as_bytes(), &parts[0], tail.as_bytes()].concat();
        Self { first, at: head.len(), parts, pick: Pick::Even }
    }

    /// Whole requests, all of one length: the same number of each tenant, the first tenant's first. Tenants differ in
    /// how often they call as [`Zipf`] says.
    pub fn of_tenants(tenants: Vec<Vec<Box<[u8]>>>) -> Self {
        let each = tenants.first().map_or(0, Vec::len);
        assert!(tenants.iter().all(|tenant| tenant.len() == each), "as many requests of each tenant");
        let pick = Pick::Zipf { runs: Zipf::new(tenants.len()), each: each as u64 };
        Self { pick, ..Self::new("", tenants.into_iter().flatten().collect(), "") }
    }

    /// Parts sent in turn, with the number of the round, from 1, in the two places between the pieces of the tail: the
    /// version of a record that nobody else changes. No two requests in flight have the same part while there are more
    /// parts than connections.
    pub fn in_turn(head: &str, parts: Vec<Box<[u8]>>, [before, between, after]: [&str; 3]) -> Self {
        assert!(!(parts.len() as u64).is_multiple_of(STRIDE), "a stride that reaches all");
        let first = head.len() + parts.first().map_or(0, |part| part.len()) + before.len();
        let rounds = [first, first + ROUND.len() + between.len()];
        let tail = [before, ROUND, between, ROUND, after].concat();
        Self { pick: Pick::InTurn { next: AtomicU64::new(0), rounds }, ..Self::new(head, parts, &tail) }
    }

    /// The request of this random number, written over the last one.
    fn write(&self, request: &mut [u8], random: u64) {
        let number = match &self.pick {
            Pick::Even => random % self.parts.len() as u64,
            Pick::Zipf { runs, each } => runs.rank(random) as u64 * each + mix(random) % each,
            Pick::InTurn { next, rounds } => {
                let (turn, parts) = (next.fetch_add(1, Ordering::Relaxed), self.parts.len() as u64);
                for at in rounds {
                    write_digits(&mut request[*at..*at + ROUND.len()], turn / parts + 1);
                }
                turn % parts * STRIDE % parts
            }
        };
        let part = &self.parts[usize::try_from(number).unwrap_or(0)];
        request[self.at..self.at + part.len()].copy_from_slice(part);
    }
}

/// Right-aligned, zeros before.
fn write_digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Zipf's law with exponent 1: the k-th of all comes up in proportion to 1/k.
struct Zipf {
    /// Of the shares up to each rank; the last is the sum of all.
    sums: Vec<f64>,
}

impl Zipf {
    fn new(ranks: usize) -> Self {
        let mut sum = 0.0;
        let share = |rank| {
            sum += 1.0 / f64::from(rank);
            sum
        };
        Self { sums: (1..).take(ranks).map(share).collect() }
    }

    /// The rank of this random number, from 0.
    fn rank(&self, random: u64) -> usize {
        // 53 bits are what a float holds.
        let part = (random >> 11) as f64 / (1u64 << 53) as f64;
        let at = part * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len().saturating_sub(1))
    }
}

#[derive(Clone, Copy)]
pub struct Span {
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What one measurement found.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Figures {
    pub per_second: f64,
    pub p50_micros: u32,
    pub p99_micros: u32,
}

/// A measurement and the number of requests it sent in all, the warm-up among them: each was answered with a 2xx.
#[derive(Debug)]
pub struct Run {
    pub figures: Figures,
    pub sent: u64,
}

pub async fn run(address: SocketAddr, requests: &Arc<Requests>, connections: usize, span: Span) -> Result<Run> {
    let from = Instant::now() + span.warm_up;
    let window = (from, from + span.measured);
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        tasks.spawn(drive(address, Arc::clone(requests), number as u64, window));
    }
    let (mut micros, mut sent) = (Vec::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (of_connection, of_it) = task??;
        micros.extend(of_connection);
        sent += of_it;
    }
    let per_second = micros.len() as f64 / span.measured.as_secs_f64();
    let Latency { p50_micros, p99_micros } = Latency::of(micros);
    Ok(Run { figures: Figures { per_second, p50_micros, p99_micros }, sent })
}

/// Of single requests, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latency {
    pub p50_micros: u32,
    pub p99_micros: u32,
}

impl Latency {
    pub fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        let quantile = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or(0);
        Self { p50_micros: quantile(50), p99_micros: quantile(99) }
    }
}

/// Microseconds since then.
pub fn micros_since(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// The latencies inside the window, in microseconds, and how many requests were sent in all.
async fn drive(
    address: SocketAddr,
    requests: Arc<Requests>,
    seed: u64,
    (from, until): (Instant, Instant),
) -> Result<(Vec<u32>, u64)> {
    let mut connection = Connection::open(address).await?;
    let mut request = requests.first.clone();
    let mut micros = Vec::with_capacity(100_000);
    let mut sent = 0u64;
    let mut begun = Instant::now();
    while begun < until {
        requests.write(&mut request, mix(seed << 40 | sent));
        let answer = connection.exchange(&request).await?;
        if !answer.is_success() {
            return Err(refused("a request of the run", &answer).into());
        }
        sent += 1;
        let ended = Instant::now();
        if begun >= from && ended <= until {
            micros.push(u32::try_from((ended - begun).as_micros()).unwrap_or(u32::MAX));
        }
        begun = ended;
    }
    Ok((micros, sent))
}

/// The median of each figure by itself.
pub fn medians(rounds: &[Figures]) -> Figures {
    let median = |of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    Figures {
        per_second: median(|figures| figures.per_second),
        p50_micros: median(|figures| figures.p50_micros.into()) as u32,
        p99_micros: median(|figures| figures.p99_micros.into()) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_in_place() {
        let parts = vec![b"aa".as_slice().into(), b"bb".as_slice().into()];
        let requests = Requests::new("<", parts, ">");
        let mut request = requests.first.clone();
        for (random, expect) in [(0, b"<aa>"), (1, b"<bb>"), (2, b"<aa>")] {
            requests.write(&mut request, random);
            assert_eq!(request, expect);
        }
    }

    #[test]
    fn parts_in_turn_all_come_once_a_round() {
        let parts = (0..10u8).map(|part| [b'a' + part].into()).collect();
        let requests = Requests::in_turn("<", parts, ["=", "|", ">"]);
        let mut request = requests.first.clone();
        for round in [1, 2] {
            let mut sent: Vec<String> = (0..10)
                .map(|random| {
                    requests.write(&mut request, random);
                    String::from_utf8(request.clone()).unwrap()
                })
                .collect();
            sent.sort();
            let all = ('a'..='j').map(|part| format!("<{part}={round:08}|{round:08}>"));
            assert_eq!(sent, all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_tenants_call_most() {
        let ranks = Zipf::new(1_000);
        let mut calls = vec![0u32; 1_000];
        for number in 0..1_000_000 {
            calls[ranks.rank(mix(number))] += 1;
        }
        let all: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [1, 2, 10, 100, 1_000] {
            let due = 1_000_000.0 / f64::from(rank) / all;
            let found = f64::from(calls[rank as usize - 1]);
            assert!((found - due).abs() < 6.0 * due.sqrt(), "{rank}: {found} against {due}");
        }
        assert_eq!((ranks.rank(0), ranks.rank(u64::MAX)), (0, 999));
    }

    #[test]
    fn requests_of_a_tenant_take_turns() {
        let tenants = [[b"a1", b"a2"], [b"b1", b"b2"]];
        let requests =
            Requests::of_tenants(tenants.map(|tenant| tenant.map(|part| part.as_slice().into()).into()).into());
        let mut request = requests.first.clone();
        let mut calls = std::collections::BTreeMap::new();
        for number in 0..60_000 {
            requests.write(&mut request, mix(number));
            *calls.entry(request.clone()).or_insert(0u32) += 1;
        }
        // Of the first tenant two thirds.
        for (request, due) in [(b"a1", 20_000), (b"a2", 20_000), (b"b1", 10_000), (b"b2", 10_000)] {
            let found = calls[request.as_slice()];
            assert!(found.abs_diff(due) < 1_000, "{found} against {due}");
        }
    }

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let figures = |per_second, p50_micros, p99_micros| Figures { per_second, p50_micros, p99_micros };
        let rounds = [figures(1.0, 30, 500), figures(9.0, 10, 400), figures(2.0, 20, 600)];
        assert_eq!(medians(&rounds), figures(2.0, 20, 500));
    }
}
