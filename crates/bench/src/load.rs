//! Load, open loop (a steady pace, whatever the answers do) and closed loop (each connection sends its
//! next when it was answered). In open loop a latency counts from the moment at which the request
//! should have been sent: one that had to wait for a connection has waited too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::http::Connection;

/// How requests follow one another.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many a second.
    Open(u32),
    /// As fast as they are answered.
    Closed,
}

/// What came of a load.
#[derive(Debug, Default)]
pub struct Measured {
    /// Of each answer of 200, sorted.
    pub latencies: Vec<Duration>,
    /// Which were answered 200, and when they should have been sent.
    pub sent: Vec<(usize, Instant)>,
    /// Answers other than 200, and none.
    pub failed: usize,
    /// From the first to the last.
    pub took: Duration,
}

impl Measured {
    /// Answers of 200 a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    /// The latency that `per_mille` of the answers kept, in milliseconds.
    pub fn ms(&self, per_mille: usize) -> f64 {
        ms(&self.latencies, per_mille)
    }
}

/// What `per_mille` of the `sorted` times kept, in milliseconds.
pub fn ms(sorted: &[Duration], per_mille: usize) -> f64 {
    let place = (sorted.len() * per_mille / 1000).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(f64::NAN, |it| it.as_secs_f64() * 1000.0)
}

/// Sends `requests`, each once, over so many connections, until they or `within` have passed.
pub async fn run(
    to: SocketAddr,
    requests: Vec<Vec<u8>>,
    pace: Pace,
    connections: usize,
    within: Duration,
) -> anyhow::Result<Measured> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(to).await?);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in open {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tasks.spawn(drive(connection, requests, next, pace, began, began + within));
    }
    let mut measured = Measured::default();
    while let Some(part) = tasks.join_next().await {
        let part = part?;
        measured.latencies.extend(part.latencies);
        measured.sent.extend(part.sent);
        measured.failed += part.failed;
    }
    measured.took = began.elapsed();
    measured.latencies.sort();
    Ok(measured)
}

async fn drive(
    mut connection: Connection,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    pace: Pace,
    began: Instant,
    until: Instant,
) -> Measured {
    let mut measured = Measured::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(number) else { break };
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let due = began + Duration::from_secs(1) * number / rate;
                sleep_until(due).await;
                due
            }
        };
        if due > until {
            break;
        }
        match connection.ask(request).await {
            Ok((200, _)) => {
                measured.latencies.push(due.elapsed());
                measured.sent.push((number, due));
            }
            Ok(_) => measured.failed += 1,
            Err(_) => {
                measured.failed += 1;
                break;
            }
        }
    }
    measured
}
