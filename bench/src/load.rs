//! The load generator: N connections, each with one request in flight, for a fixed time.

use std::net::SocketAddr;
use std::sync::Arc;
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
}

impl Requests {
    /// Every part must be as long as the first.
    pub fn new(head: &str, parts: Vec<Box<[u8]>>, tail: &str) -> Self {
        let length = parts.first().map_or(0, |part| part.len());
        assert!(length > 0 && parts.iter().all(|part| part.len() == length), "parts of one length");
        Self { first: [head.as_bytes(), &parts[0], tail.as_bytes()].concat(), at: head.len(), parts }
    }

    /// The request of this random number, written over the last one.
    fn write(&self, request: &mut [u8], random: u64) {
        let part = &self.parts[usize::try_from(random % self.parts.len() as u64).unwrap_or(0)];
        request[self.at..self.at + part.len()].copy_from_slice(part);
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
    micros.sort_unstable();
    let quantile = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or(0);
    let per_second = micros.len() as f64 / span.measured.as_secs_f64();
    Ok(Run { figures: Figures { per_second, p50_micros: quantile(50), p99_micros: quantile(99) }, sent })
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
        if !(200..300).contains(&answer.status) {
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
    fn medians_are_taken_figure_by_figure() {
        let figures = |per_second, p50_micros, p99_micros| Figures { per_second, p50_micros, p99_micros };
        let rounds = [figures(1.0, 30, 500), figures(9.0, 10, 400), figures(2.0, 20, 600)];
        assert_eq!(medians(&rounds), figures(2.0, 20, 500));
    }
}
