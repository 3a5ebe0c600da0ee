//! `make bench`: what Paragon can do on this machine, measured and never asserted. A real ingress and a
//! real worker (release builds) before a real, durable Postgres; the load beside them on the same
//! cores; pgbench in the same minutes as the measure of what Postgres itself can do. One JSON line for
//! each figure on stdout, and in the end the medians of the rounds. Knows nothing of Paragon's code: it
//! speaks HTTP, SQL and `/metrics`.
//!
//! `paragon-bench [open|closed|commit|photos|memory|path|through]…`, all when none is named, each once a
//! round, one after the other; `BENCH_ROUNDS` (default 3) is how many rounds, `BENCH_SECONDS` (default
//! 15) how long each load lasts.

mod photo;
mod http;
mod journeys;
mod payloads;
mod others;
mod load;
mod report;
mod stage;
mod pgbench;
mod whole_path;
mod scenarios;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

use crate::report::Report;
use crate::scenarios::Scenario;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    for name in std::env::args().skip(1) {
        match Scenario::named(&name) {
            Some(scenario) => wanted.push(scenario),
            None => bail!("{name} is none of open, closed, commit, photos, memory, path, through"),
        }
    }
    if wanted.is_empty() {
        wanted = Scenario::ALL.to_vec();
    }
    tokio::select! {
        ended = measure(&wanted) => ended,
        told = told_to_end() => {
            told?;
            bail!("ended before it was over; everything that it started is ended too")
        }
    }
}

async fn measure(wanted: &[Scenario]) -> anyhow::Result<()> {
    let mut report = Report::default();
    for _ in 0..scenarios::rounds() {
        for scenario in wanted {
            scenario.run(&mut report).await?;
        }
    }
    report.medians();
    Ok(())
}

/// Returns when this process is to end: what it started ends with what is dropped, and not with the process.
async fn told_to_end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
