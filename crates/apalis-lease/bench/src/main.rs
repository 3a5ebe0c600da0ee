//! Measures apalis-lease beside its peers on this machine, and prints one JSON object a line. Needs
//! PostgreSQL's programs (pgbench among them) and, for graphile-worker, node: `make queuebench`.
//! Asserts nothing.

mod claims;
mod enqueue;
mod latency;
mod stage;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::stage::Stage;

const HELP: &str = "\
bench [--seconds N] [--rounds N] [--jobs N] [--rows N] [--peers DIR] [CASE...]
  CASE     enqueue, work, latency, claims, snapshot; all of them where none is named
  seconds  of each timed case (5); rounds, interleaved (1); jobs of each no-op case (20000);
           rows of each kind among which claims are measured (1000000)
  peers    the folder of graphile.mjs with its node_modules; without it that peer is left out";

struct Settings {
    time: Duration,
    rounds: u32,
    jobs: u32,
    rows: u32,
    peers: Option<PathBuf>,
    cases: Vec<String>,
}

fn settings() -> Result<Settings> {
    let mut settings = Settings {
        time: Duration::from_secs(5),
        rounds: 1,
        jobs: 20_000,
        rows: 1_000_000,
        peers: None,
        cases: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} what?\n{HELP}"));
        match argument.as_str() {
            "--seconds" => settings.time = Duration::from_secs(value()?.parse()?),
            "--rounds" => settings.rounds = value()?.parse()?,
            "--jobs" => settings.jobs = value()?.parse()?,
            "--rows" => settings.rows = value()?.parse()?,
            "--peers" => settings.peers = Some(value()?.into()),
            "enqueue" | "work" | "latency" | "claims" | "snapshot" => settings.cases.push(argument),
            _ => bail!("{HELP}"),
        }
    }
    Ok(settings)
}

#[tokio::main]
async fn main() -> Result<()> {
    let settings = settings()?;
    let wants =
        |case: &str| settings.cases.is_empty() || settings.cases.iter().any(|it| it == case);
    let stage = Stage::set().await?;
    for _ in 0..settings.rounds {
        if wants("enqueue") {
            enqueue::measure(&stage, settings.time).await?;
        }
        if wants("work") {
            work::measure(&stage, settings.jobs, settings.peers.as_deref()).await?;
        }
        if wants("latency") {
            latency::measure(&stage, settings.time * 4).await?;
        }
    }
    if wants("snapshot") {
        claims::under_an_old_snapshot(&stage, settings.jobs).await?;
    }
    if wants("claims") {
        claims::measure(&stage, settings.rows).await?;
    }
    Ok(())
}
